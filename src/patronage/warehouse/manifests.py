"""Which files make up a dataset at one numbered, immutable state?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from patronage.warehouse.durable import flush, publish
from patronage.warehouse.errors import ManifestConflict, UnknownManifest


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One immutable Parquet file of a dataset."""

    #: File name inside the dataset's `files` folder.
    name: str
    #: Number of rows.
    rows: int
    #: Size in bytes.
    bytes: int
    #: SHA-256 of the content, hexadecimal.
    sha256: str
    #: Schema version the file was written with.
    schema_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One state of a dataset. Never changed once written."""

    #: Dataset this is a state of.
    dataset: str
    #: Position in the dataset's chain; numbers may be skipped.
    number: int
    #: Manifest it was built on; None when built on nothing.
    parent: int | None
    #: Schema version of the writer.
    schema_version: int
    #: Columns the writer knew.
    columns: tuple[str, ...]
    #: The files that hold the rows.
    files: tuple[DataFile, ...]

    @property
    def rows(self) -> int:
        """Number of rows in all files."""
        return sum(file.rows for file in self.files)

    @property
    def content(self) -> bytes:
        """The manifest as it stands on disk."""
        return (json.dumps(asdict(self), sort_keys=True, indent=1) + "\n").encode()

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest, for the operational row that names it."""
        return hashlib.sha256(self.content).hexdigest()


class ManifestFolder:
    """The numbered manifests of one dataset."""

    def __init__(self, dataset: str, folder: Path) -> None:
        self._dataset = dataset
        self._folder = folder

    def path(self, number: int) -> Path:
        """Return where manifest `number` stands or would stand."""
        return self._folder / f"{number:08d}.json"

    def numbers(self) -> list[int]:
        """Return the numbers of all manifests on disk, committed or orphaned, ascending."""
        if not self._folder.is_dir():
            return []
        return sorted(int(path.stem) for path in self._folder.glob("[0-9]*.json"))

    def next_number(self) -> int:
        """Return the number after the highest on disk."""
        return max(self.numbers(), default=0) + 1

    def read(self, number: int) -> Manifest:
        """Return manifest `number`.

        Raises:
            UnknownManifest: none of that number is on disk.
        """
        try:
            fields = json.loads(self.path(number).read_bytes())
        except FileNotFoundError as error:
            raise UnknownManifest(self._dataset, number) from error
        fields["columns"] = tuple(fields["columns"])
        fields["files"] = tuple(DataFile(**file) for file in fields["files"])
        return Manifest(**fields)

    def write(self, manifest: Manifest) -> None:
        """Publish a manifest under its number.

        Raises:
            ManifestConflict: another writer took the number first.
        """
        try:
            publish(self.path(manifest.number), manifest.content)
        except FileExistsError as error:
            raise ManifestConflict(self._dataset, manifest.number, manifest.parent) from error

    def remove(self, numbers: Iterable[int]) -> None:
        """Remove manifests, and what writers left that died before they could publish.

        To be called while no writer is at work.
        """
        for path in (*map(self.path, numbers), *self._folder.glob(".*")):
            path.unlink(missing_ok=True)
        flush(self._folder)

    def __iter__(self) -> Iterator[Manifest]:
        """Yield every manifest on disk, oldest first."""
        return map(self.read, self.numbers())
