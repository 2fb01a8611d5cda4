"""How is a backup taken while everybody goes on working?"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from django.conf import settings

from patronage.access import audit, datasets
from patronage.access.backups import store
from patronage.access.backups.errors import KeysElsewhere, StoreNotEmpty
from patronage.access.backups.manifest import NAME, BackupManifest, files_below
from patronage.access.key_file import key_backup, key_file
from patronage.access.progress import Progress, silent
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.warehouse.durable import flush, publish
from patronage.warehouse.manifests import ManifestFolder

WAREHOUSE: Final = "warehouse"
OUTBOX: Final = "outbox"
#: files beside those that matter: locks, and what an engine spills
_PASSING: Final = ("lock", ".*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A backup that stands, complete, on the disk."""

    folder: Path
    manifest: BackupManifest
    #: how many keys the keys' backup holds
    keys: int
    #: where
    keys_at: Path


def take_backup(*, actor: Actor, now: datetime, into: Path, progress: Progress = silent) -> Taken:
    """Back up both stores, the outbox and, into a file of their own, the keys.

    Nobody waits for it: the operational store is read in one snapshot, and what else is copied
    is of that moment or harmlessly newer (a line of the outbox whose contact is not yet noted
    as sent is found at the next delivery; a key without its value opens nothing).

    Args:
        into: folder in which the backup becomes a folder named by its moment.

    Raises:
        NotAllowed: the actor may not administer.
        KeysElsewhere: PATRONAGE_KEYS_BACKUP names no file apart from `into`.
        StoreNotEmpty: a backup of this moment is there already.
    """
    actor.require(Right.ADMINISTER)
    keys_at = _keys_apart_from(into)
    folder = into.absolute() / f"{now.astimezone(UTC):%Y%m%dT%H%M%S%f}Z"
    if folder.exists():
        raise StoreNotEmpty(f"{folder} is there already")
    draft = folder.with_name(f".{folder.name}.unfinished")
    _make_private(draft)
    try:
        manifest = _written(draft, now, progress)
        flush(draft)
        draft.rename(folder)
        flush(folder.parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    progress(0.95, "keys")
    keys = back_up_keys(actor=actor)
    with atomic():
        audit.record(
            actor=actor,
            now=now,
            action="take backup",
            subject_kind="backup",
            subject_id=folder.name,
            right=Right.ADMINISTER,
            before={},
            change={
                "digest": manifest.digest,
                "tables": len(manifest.tables),
                "rows": sum(table.rows for table in manifest.tables),
                "files": len(manifest.files),
                "bytes": manifest.size,
                "keys": keys,
            },
        )
    return Taken(folder=folder, manifest=manifest, keys=keys, keys_at=keys_at)


def back_up_keys(*, actor: Actor) -> int:
    """Make the keys' backup equal to the key file; return how many keys it holds.

    Raises:
        NotAllowed: the actor may not administer.
        KeysElsewhere: PATRONAGE_KEYS_BACKUP names no file.
    """
    actor.require(Right.ADMINISTER)
    path = key_backup()
    if path is None:
        raise KeysElsewhere("found none")
    key_file().copy_to(path)
    return key_file().count()


def _keys_apart_from(into: Path) -> Path:
    path = key_backup()
    if path is None:
        raise KeysElsewhere("found none")
    if path.resolve().is_relative_to(into.resolve()):
        raise KeysElsewhere(f"found {path}, which is within {into}")
    if path.resolve() == Path(settings.KEY_FILE).resolve():
        raise KeysElsewhere(f"found {path}, which is the key file itself")
    return path


def _written(draft: Path, now: datetime, progress: Progress) -> BackupManifest:
    """Write everything but the keys, and the manifest last."""
    with _no_file_goes(), store.snapshot() as moment:
        progress(0.05, "operational store")
        moment.write(draft)
        progress(0.4, "digests of tables")
        tables, migrations = moment.digests(), moment.migrations()
        progress(0.6, "warehouse")
        _copy_warehouse(draft, moment.heads())
    _copy_folder(Path(settings.OUTBOX_ROOT), draft / OUTBOX)
    progress(0.85, "digests of files")
    manifest = BackupManifest(
        taken_at=now,
        product=version("patronage"),
        store=store.vendor(),
        migrations=migrations,
        tables=tables,
        files=files_below(draft),
    )
    publish(draft / NAME, manifest.content)
    (draft / NAME).chmod(0o600)
    return manifest


@contextmanager
def _no_file_goes() -> Iterator[None]:
    """Let nobody collect the warehouse's garbage for the length of a block; writers go on."""
    with ExitStack() as held:
        for dataset in datasets.names():
            held.enter_context(datasets.warehouse().kept(dataset))
        yield


def _copy_warehouse(draft: Path, heads: Sequence[tuple[str, int, int]]) -> None:
    """Copy what committed rows name: manifests and their files, no orphans."""
    root = Path(settings.WAREHOUSE_ROOT)
    for dataset in sorted({name for name, _, _ in heads}):
        folder = ManifestFolder(dataset, root / dataset / "manifests")
        on_disk = set(folder.numbers())
        numbers = sorted(n for name, n, _ in heads if name == dataset and n in on_disk)
        files: set[str] = set()
        for number in numbers:
            path = folder.path(number)
            copy_private(path, draft / WAREHOUSE / dataset / "manifests" / path.name)
            files.update(file.name for file in folder.read(number).files)
        for name in sorted(files):
            place = Path(dataset, "files", name)
            copy_private(root / place, draft / WAREHOUSE / place)


def _copy_folder(source: Path, to: Path) -> None:
    if not source.is_dir():
        return
    for path in sorted(source.rglob("*")):
        if path.is_file() and not any(path.match(each) for each in _PASSING):
            copy_private(path, to / path.relative_to(source))


def copy_private(source: Path, to: Path) -> None:
    """Copy one file, forced to the disk, for its owner's eyes only, folders included."""
    _make_private(to.parent)
    descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with source.open("rb") as read, os.fdopen(descriptor, "wb") as written:
        shutil.copyfileobj(read, written, 1 << 20)
        written.flush()
        os.fsync(written.fileno())


def _make_private(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_private(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
