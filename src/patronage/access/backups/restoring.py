"""How is a backup put back, so that who was erased since stays erased before anybody is served?"""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import call_command

from patronage.access import audit, datasets
from patronage.access.backups import store
from patronage.access.backups.checking import require_same_store, table_problems
from patronage.access.backups.errors import BackupDamaged, KeysElsewhere, StoreNotEmpty
from patronage.access.backups.manifest import BackupManifest, file_problems, read_manifest
from patronage.access.backups.taking import OUTBOX, WAREHOUSE, copy_private
from patronage.access.erasures import finish_open, reapply
from patronage.access.key_file import KeyFile, key_backup, key_file
from patronage.access.models import AuditEntry, User, VaultEntry
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was put back."""

    manifest: BackupManifest
    #: erasures that came after the backup and were done again
    erased_again: int


def restore_backup(*, actor: Actor, now: datetime, folder: Path, replace: bool = False) -> Restored:
    """Put a backup into this installation's stores, and erase again whoever was erased since.

    No server may run meanwhile. The files are compared with the manifest first, the tables
    afterwards, and only then is anything changed: who was erased since goes again, everybody is
    logged out, the tables are brought up to this version.

    Who was erased is known from the key file that is here, and from the keys' backup that
    PATRONAGE_KEYS_BACKUP names, whichever knows of more.

    Args:
        folder: the backup.
        replace: lose what the stores hold now.

    Raises:
        NotAllowed: the actor may not administer.
        NoBackup, OtherStore, BackupDamaged: the backup cannot be used.
        StoreNotEmpty: something is there and `replace` was not said.
        KeysElsewhere: there are neither keys here nor a backup of them.
    """
    actor.require(Right.ADMINISTER)
    manifest = read_manifest(folder)
    require_same_store(folder, manifest)
    if not replace:
        _require_empty()
    if problems := file_problems(folder, manifest):
        raise BackupDamaged(folder, problems)
    finish_open()  # a tombstone that a crash kept from the key file is in the store only
    _put_keys_back()
    store.load(folder, manifest.migrations)
    if problems := table_problems(manifest.tables, store.current_digests()):
        raise BackupDamaged(folder, problems)
    _put_folder_back(folder / WAREHOUSE, Path(settings.WAREHOUSE_ROOT))
    _put_folder_back(folder / OUTBOX, Path(settings.OUTBOX_ROOT))
    call_command("migrate", interactive=False, verbosity=0)
    erased = reapply(now)
    with atomic():
        Session.objects.all().delete()
        audit.record(
            actor=actor,
            now=now,
            action="restore backup",
            subject_kind="backup",
            subject_id=folder.name[:60],
            right=Right.ADMINISTER,
            before={},
            change={
                "taken_at": manifest.taken_at,
                "digest": manifest.digest,
                "erased_again": erased,
            },
        )
    return Restored(manifest=manifest, erased_again=erased)


def _require_empty() -> None:
    for model in (User, VaultEntry, AuditEntry):
        if model._default_manager.exists():
            raise StoreNotEmpty(f"The operational store holds rows of {model._meta.db_table}")
    for root in (Path(settings.WAREHOUSE_ROOT), Path(settings.OUTBOX_ROOT)):
        if root.is_dir() and any(path.is_file() for path in root.rglob("*.parquet")):
            raise StoreNotEmpty(f"{root} holds files")


def _put_keys_back() -> None:
    """Have every key that the backup may need and that was not destroyed since."""
    path, keys = key_backup(), key_file()
    if path is not None and path.exists():
        with closing(KeyFile(path)) as backup:
            keys.take_over(backup)
    elif not keys.count():
        raise KeysElsewhere("found neither a key file here nor a backup of one")


def _put_folder_back(source: Path, to: Path) -> None:
    """Make a folder hold exactly what the backup holds."""
    datasets.close_warehouses()
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in sorted(source.rglob("*")):
        if path.is_file():
            copy_private(path, to / path.relative_to(source))
