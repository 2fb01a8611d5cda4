"""How do rows become immutable files of a dataset, and are the files still what they were?"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.lib
import pyarrow.parquet as pq

from patronage.warehouse.columns import Dataset
from patronage.warehouse.conform import conform, faults
from patronage.warehouse.durable import digest_of, flush, make_folder
from patronage.warehouse.engine import Engine
from patronage.warehouse.errors import RowsDoNotFit
from patronage.warehouse.manifests import DataFile, Manifest
from patronage.warehouse.untyped import Source, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One way in which a file is not what its manifest says."""

    #: Name of the file.
    file: str
    #: What differs: `missing`, `bytes`, `sha256` or `rows`.
    what: str
    #: What the manifest says.
    expected: str
    #: What is on the disk.
    found: str

    def __str__(self) -> str:
        """Return the difference as a sentence."""
        return f"{self.file}: {self.what} expected {self.expected}, found {self.found}"


class DataFiles:
    """The Parquet files of one dataset."""

    def __init__(self, dataset: Dataset, folder: Path, engine: Engine) -> None:
        self._dataset = dataset
        self._engine = engine
        self._staging = folder / "staging"
        self.folder = folder / "files"

    def write(self, source: Source) -> tuple[DataFile, ...]:
        """Write rows as new files, each forced onto the disk; no rows make no file.

        Raises:
            RowsDoNotFit: columns, types or values are not what the dataset declares.
        """
        make_folder(self._staging)
        make_folder(self.folder)
        token = secrets.token_hex(8)
        staged = self._staging / token
        try:
            with self._engine.offered(source) as (table, untyped):
                fitting = conform(self._dataset, table, untyped=untyped)
                try:
                    paths = self._engine.write(fitting, staged)
                except self._engine.value_errors as error:
                    reason = str(error).splitlines()[0]
                    raise RowsDoNotFit(self._dataset.name, (reason,)) from error
            files = tuple(self._described(path) for path in paths)
            files = tuple(file for file in files if file.rows)
            self._check_values(staged, files)
            return self._adopt(staged, files, token)
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    @contextmanager
    def opened(self, files: tuple[DataFile, ...], folder: Path | None = None) -> Iterator[Table]:
        """Yield some files as one table for the length of the block."""
        name = f"{self._dataset.name}_part_{secrets.token_hex(8)}"
        try:
            yield self._engine.show(name, self._dataset, folder or self.folder, files)
        finally:
            self._engine.forget(name)

    def differences(self, manifest: Manifest) -> tuple[Difference, ...]:
        """Return where the files differ from what the manifest says; empty when nowhere."""
        return tuple(found for file in manifest.files for found in self._differences(file))

    def remove(self, files: tuple[DataFile, ...]) -> None:
        """Remove files that no manifest names."""
        for file in files:
            (self.folder / file.name).unlink(missing_ok=True)

    def remove_all_but(self, kept: frozenset[str]) -> tuple[str, ...]:
        """Remove every file not among `kept`, and what crashed writers left; return the names."""
        shutil.rmtree(self._staging, ignore_errors=True)
        if not self.folder.is_dir():
            return ()
        unnamed = sorted(path for path in self.folder.iterdir() if path.name not in kept)
        for path in unnamed:
            path.unlink()
        flush(self.folder)
        return tuple(path.name for path in unnamed)

    def _described(self, path: Path) -> DataFile:
        return DataFile(
            name=path.name,
            rows=pq.read_metadata(path).num_rows,
            bytes=path.stat().st_size,
            sha256=digest_of(path),
            schema_version=self._dataset.version,
        )

    def _check_values(self, staged: Path, files: tuple[DataFile, ...]) -> None:
        if not files:
            return
        with self.opened(files, staged) as rows:
            reasons = faults(self._dataset, rows)
        if reasons:
            raise RowsDoNotFit(self._dataset.name, reasons)

    def _adopt(self, staged: Path, files: tuple[DataFile, ...], token: str) -> tuple[DataFile, ...]:
        adopted = []
        for position, file in enumerate(files):
            path = staged / file.name
            flush(path)
            name = f"{token}-{position:04d}.parquet"
            path.rename(self.folder / name)
            adopted.append(replace(file, name=name))
        flush(self.folder)
        return tuple(adopted)

    def _differences(self, file: DataFile) -> Iterator[Difference]:
        path = self.folder / file.name
        if not path.is_file():
            yield Difference(file=file.name, what="missing", expected="a file", found="none")
            return
        found: dict[str, Any] = {
            "bytes": path.stat().st_size,
            "sha256": digest_of(path),
            "rows": _rows_in(path),
        }
        for what, value in found.items():
            expected = getattr(file, what)
            if value != expected:
                yield Difference(
                    file=file.name, what=what, expected=str(expected), found=str(value)
                )


def _rows_in(path: Path) -> int | str:
    """Count the rows by decoding them, since a damaged page leaves the footer's count alone."""
    try:
        rows: int = sum(batch.num_rows for batch in pq.ParquetFile(path).iter_batches())
    except (pyarrow.lib.ArrowException, OSError) as error:
        return f"unreadable ({type(error).__name__})"
    return rows
