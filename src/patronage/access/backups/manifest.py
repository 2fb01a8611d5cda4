"""What does a backup hold? Every table and file with its digest, as of the backup's moment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from patronage.access.backups.errors import NoBackup
from patronage.warehouse.durable import digest_of

NAME: Final = "manifest.json"
FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDigest:
    """One table's rows in the order of its primary key."""

    name: str
    rows: int
    #: SHA-256 over the rows as they were read in the snapshot, hexadecimal
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDigest:
    """One file of the backup."""

    #: below the backup's folder, with slashes
    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupManifest:
    """One backup, described so that a copy of it can be proved equal or found damaged."""

    #: moment of the snapshot
    taken_at: datetime
    #: version of the product that took it
    product: str
    #: "sqlite" or "postgresql"
    store: str
    #: applied changes of the tables, as "app.name", in the order in which they were applied
    migrations: tuple[str, ...]
    tables: tuple[TableDigest, ...]
    files: tuple[FileDigest, ...]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.bytes for file in self.files)

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest itself: whoever keeps it can tell the backup from another."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def content(self) -> bytes:
        """The manifest as it stands on the disk."""
        fields = asdict(self) | {"format": FORMAT, "taken_at": self.taken_at.isoformat()}
        return (json.dumps(fields, sort_keys=True, indent=1) + "\n").encode()


def read_manifest(folder: Path) -> BackupManifest:
    """Give the manifest of a backup.

    Raises:
        NoBackup: the folder holds none, or one that this version cannot read.
    """
    try:
        fields: dict[str, Any] = json.loads((folder / NAME).read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoBackup(folder, "it has no manifest: the backup was not finished") from error
    except ValueError as error:
        raise NoBackup(folder, "its manifest cannot be read") from error
    if not isinstance(fields, dict) or fields.pop("format", None) != FORMAT:
        raise NoBackup(folder, f"its manifest is not of format {FORMAT}")
    try:
        return BackupManifest(
            taken_at=datetime.fromisoformat(fields.pop("taken_at")),
            migrations=tuple(fields.pop("migrations")),
            tables=tuple(TableDigest(**each) for each in fields.pop("tables")),
            files=tuple(FileDigest(**each) for each in fields.pop("files")),
            **fields,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise NoBackup(folder, "its manifest lacks something") from error


def files_below(folder: Path) -> tuple[FileDigest, ...]:
    """Digest every file below a folder, the manifest aside, in the order of their paths."""
    return tuple(
        FileDigest(path=each.as_posix(), bytes=size, sha256=digest_of(folder / each))
        for each, size in _walked(folder)
    )


def file_problems(folder: Path, manifest: BackupManifest) -> list[str]:
    """Say where the files are not what the manifest says; empty when nowhere."""
    expected = {file.path: file for file in manifest.files}
    found = {file.path: file for file in files_below(folder)}
    problems = [f"{path} is missing" for path in sorted(expected.keys() - found.keys())]
    problems += [f"{path} is not in the manifest" for path in sorted(found.keys() - expected)]
    both = sorted(expected.keys() & found.keys())
    return problems + [
        f"{path} was changed: expected {expected[path].bytes} bytes with SHA-256"
        f" {expected[path].sha256}, found {found[path].bytes} with {found[path].sha256}"
        for path in both
        if expected[path] != found[path]
    ]


def _walked(folder: Path) -> Iterator[tuple[Path, int]]:
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and relative.as_posix() != NAME:
            yield relative, path.stat().st_size
