"""What can go wrong with backups."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from patronage.access.errors import Refused

#: how many problems a sentence names
_NAMED: Final = 5


class NoBackup(Refused):
    """The folder is no finished backup that this version can read."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"{folder} is no backup that can be used: {why}. "
            "Name the folder that `patronage backup` said it wrote."
        )


class BackupDamaged(Refused):
    """A backup is not what its manifest says; nothing of it was used."""

    def __init__(self, folder: Path, problems: Sequence[str]) -> None:
        more = f", and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        super().__init__(
            f"{folder} is not what it was when it was taken: {'; '.join(problems[:_NAMED])}{more}. "
            "Use another backup."
        )
        self.problems = tuple(problems)


class OtherStore(Refused):
    """A backup is of the other kind of store, or was made by a newer version."""

    def __init__(self, folder: Path, *, expected: str, found: str) -> None:
        super().__init__(
            f"{folder} cannot be restored here: expected a backup of {expected}, found one of "
            f"{found}. Set PATRONAGE_DATABASE_URL, or install the version, that it was taken with."
        )


class StoreNotEmpty(Refused):
    """There is something where the backup would go."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}. Restore into an empty place, or say --replace to lose what is there."
        )


class KeysElsewhere(Refused):
    """Keys and data would stand together, or nobody said where the keys go."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"The keys' backup must be a file apart from the data's, on another disk: {found}. "
            "Name it in PATRONAGE_KEYS_BACKUP."
        )
