"""`patronage backup …` and `patronage restore`: both stores kept together, checked and put back."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from patronage.access.backups import back_up_keys, check_backup, restore_backup, take_backup
from patronage.access.errors import Refused
from patronage.cli import start
from patronage.cli.call import current
from patronage.cli.show import facts, rows, say, working

app = App(name="backup", help="Both stores as of one moment, kept elsewhere.")


@app.default
def take(into: Path) -> None:
    """Back up both stores, the outbox and, apart from them, the keys; everybody works on.

    Parameters
    ----------
    into
        Folder in which the backup becomes a folder of its own, named by its moment.
    """
    call = current()
    with working("Backing up") as progress:
        taken = take_backup(
            actor=call.actor, now=call.clock(), into=call.path(into), progress=progress
        )
    manifest = taken.manifest
    facts(
        "",
        {
            "folder": str(taken.folder),
            "taken_at": manifest.taken_at,
            "digest": manifest.digest,
            "tables": len(manifest.tables),
            "rows": sum(table.rows for table in manifest.tables),
            "files": len(manifest.files),
            "bytes": manifest.size,
            "keys": taken.keys,
            "keys_at": str(taken.keys_at),
        },
    )


@app.command
def keys() -> None:
    """Make the keys' backup equal to the key file, as every backup does too."""
    say(f"The keys' backup holds {back_up_keys(actor=current().actor):,} keys.")


@app.command
def check(folder: Path) -> None:
    """Restore a backup into a scratch place and compare every digest.

    Parameters
    ----------
    folder
        The backup.
    """
    call = current()
    report = check_backup(actor=call.actor, now=call.clock(), folder=call.path(folder))
    rows("", [{"problem": each} for each in report.problems], empty="")
    if not report.sound:
        raise Refused(f"{len(report.problems)} problems: this backup is not what it was.")
    manifest = report.manifest
    looked = "" if report.without_key is None else " Every personal value has its key."
    say(
        f"The backup of {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC restores: {len(manifest.tables)} "
        f"tables and {len(manifest.files)} files are what they were.{looked}"
    )


def restore(folder: Path, *, replace: bool = False) -> None:
    """Put a backup into this installation, and erase again whoever was erased since.

    Parameters
    ----------
    folder
        The backup.
    replace
        Lose what the stores hold now.
    """
    call = current()
    if call.through_server:
        raise Refused(f"{start.home()} is being served. Stop the server, then restore.")
    done = restore_backup(
        actor=call.actor, now=call.clock(), folder=call.path(folder), replace=replace
    )
    say(
        f"Everything is as of {done.manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC. "
        f"{done.erased_again:,} later erasures were done again; everybody logs in anew."
    )
