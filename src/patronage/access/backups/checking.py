"""Would a backup restore? It is restored, into a scratch place, and compared with its manifest."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from patronage.access import audit
from patronage.access.backups import store
from patronage.access.backups.errors import OtherStore
from patronage.access.backups.manifest import (
    BackupManifest,
    TableDigest,
    file_problems,
    read_manifest,
)
from patronage.access.backups.taking import WAREHOUSE
from patronage.access.key_file import KeyFile, key_backup
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.warehouse.manifests import ManifestFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What restoring a backup into a scratch place showed."""

    manifest: BackupManifest
    #: as sentences; empty when the backup is what it was
    problems: tuple[str, ...]
    #: subjects whose personal values no key opens; None where the keys were not looked at
    without_key: int | None

    @property
    def sound(self) -> bool:
        """Whether everything is as it was at the backup's moment."""
        return not self.problems


def check_backup(*, actor: Actor, now: datetime, folder: Path) -> CheckReport:
    """Restore a backup into a scratch place, compare every digest, and throw the place away.

    Where there is a keys' backup, it is looked at too: everybody whose key is neither there nor
    destroyed by an erasure is a problem.

    Raises:
        NotAllowed: the actor may not administer.
        NoBackup: the folder holds none.
        OtherStore: it is of another kind of store.
    """
    actor.require(Right.ADMINISTER)
    manifest = read_manifest(folder)
    require_same_store(folder, manifest)
    problems = file_problems(folder, manifest)
    without_key: int | None = None
    if not problems:
        with (
            tempfile.TemporaryDirectory(prefix="patronage-check-") as at,
            store.scratch(folder, manifest.migrations, Path(at)) as restored,
        ):
            problems += table_problems(manifest.tables, restored.digests())
            problems += restored.problems()
            problems += _unlike(folder, restored.heads())
            without_key = _without_key(restored.vault_subjects())
    if without_key:
        problems.append(f"the keys' backup opens nothing of {without_key} subjects")
    report = CheckReport(manifest=manifest, problems=tuple(problems), without_key=without_key)
    with atomic():
        audit.record(
            actor=actor,
            now=now,
            action="check backup",
            subject_kind="backup",
            subject_id=folder.name[:60],
            right=Right.ADMINISTER,
            before={},
            change={"sound": report.sound, "problems": len(problems), "first": problems[:5]},
        )
    return report


def table_problems(expected: Sequence[TableDigest], found: Sequence[TableDigest]) -> list[str]:
    """Say where tables are not what they were; empty when nowhere."""
    before, after = ({table.name: table for table in each} for each in (expected, found))
    problems = [f"table {name} is missing" for name in sorted(before.keys() - after.keys())]
    problems += [f"table {name} was not there" for name in sorted(after.keys() - before.keys())]
    return problems + [
        f"table {name} was changed: expected {before[name].rows} rows with SHA-256"
        f" {before[name].sha256}, found {after[name].rows} with {after[name].sha256}"
        for name in sorted(before.keys() & after.keys())
        if before[name] != after[name]
    ]


def require_same_store(folder: Path, manifest: BackupManifest) -> None:
    """Refuse a backup that this installation cannot read.

    Raises:
        OtherStore: it is of the other kind of store, or of a newer version of the tables.
    """
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    if manifest.store != store.vendor():
        raise OtherStore(folder, expected=store.vendor(), found=manifest.store)
    known = {f"{app}.{name}" for app, name in MigrationLoader(connection).disk_migrations or ()}
    newer = sorted(set(manifest.migrations) - known)
    if newer:
        found = f"version {manifest.product}, whose tables have {', '.join(newer[:3])}"
        raise OtherStore(folder, expected="this version or an older one", found=found)


def _unlike(folder: Path, heads: Sequence[tuple[str, int, int]]) -> list[str]:
    """Say where the warehouse is not what the operational rows name."""
    problems = []
    newest = {name: max(n for each, n, _ in heads if each == name) for name, _, _ in heads}
    for dataset, number, rows in heads:
        manifests = ManifestFolder(dataset, folder / WAREHOUSE / dataset / "manifests")
        if number not in manifests.numbers():
            if number == newest[dataset]:
                problems.append(f"dataset {dataset} has no state {number}, which is the newest")
            continue
        found = manifests.read(number)
        files = folder / WAREHOUSE / dataset / "files"
        missing = [each.name for each in found.files if not (files / each.name).is_file()]
        problems += [f"dataset {dataset}, state {number}: {each} is missing" for each in missing]
        if found.rows != rows:
            problems.append(
                f"dataset {dataset}, state {number}: expected {rows} rows, found {found.rows}"
            )
    return problems


def _without_key(lots: Iterable[Sequence[str]]) -> int | None:
    path = key_backup()
    if path is None or not path.exists():
        return None
    missing = 0
    with closing(KeyFile(path)) as keys:
        erased = keys.tombstones()
        for subjects in lots:
            missing += len(set(keys.subjects_without_key(subjects)) - erased.keys())
    return missing
