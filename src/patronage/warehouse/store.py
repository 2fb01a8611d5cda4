"""How is history kept, so that readers see exactly the state a committed row names?

A dataset is a chain of numbered, immutable manifests. A writer puts new files on the disk,
then publishes a manifest that names them and the files it builds on; nothing refers to it
until the caller's operational transaction commits a row with its number. Whoever rolls back
leaves an orphan that nobody reads and that garbage collection removes.

Two writers whose writes overlap race for one number, and one gets `ManifestConflict`. Two
writers that follow one another on the same base both succeed: which of the two counts is
decided by the operational row, which must still name the base when it is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from patronage.warehouse.columns import Dataset
from patronage.warehouse.data_files import DataFiles, Difference
from patronage.warehouse.durable import locked, make_folder
from patronage.warehouse.engine import open_engine
from patronage.warehouse.errors import NewerSchema, SchemaChanged, UnknownDataset
from patronage.warehouse.manifests import DataFile, Manifest, ManifestFolder
from patronage.warehouse.schemas import DATASETS
from patronage.warehouse.untyped import (
    ArrowReader,
    ArrowTable,
    Backend,
    Condition,
    Expression,
    Source,
    Table,
)

if TYPE_CHECKING:
    import polars

#: A condition on a dataset's table that is true for the rows meant.
Predicate = Callable[[Table], Condition]


class Warehouse:
    """The Parquet folder `root`, read and written through one engine.

    Usable from several threads. A child process opens its own.
    """

    def __init__(
        self,
        root: Path,
        engine: str = "duckdb",
        *,
        threads: int = 2,
        memory_limit: str = "2GB",
        datasets: Mapping[str, Dataset] = DATASETS,
    ) -> None:
        self.root = root.absolute()
        self._datasets = datasets
        self._engine = open_engine(engine, self.root / "tmp", threads, memory_limit)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back memory, threads and temporary files."""
        self._engine.close()

    @property
    def connection(self) -> Backend:
        """The Ibis backend; each thread that uses it gets a cursor of its own."""
        return self._engine.connection

    # Reading

    def manifest(self, dataset: str, number: int) -> Manifest:
        """Return manifest `number` of a dataset."""
        return self._manifest(self._declared(dataset), number)

    def numbers(self, dataset: str) -> list[int]:
        """Return the numbers of all manifests on disk, committed or not, ascending."""
        return self._manifests(self._declared(dataset)).numbers()

    def read(self, dataset: str, manifest_number: int | None) -> Table:
        """Return the dataset as an Ibis table in the state `manifest_number`.

        None means that nothing was ever committed: the table is empty, its columns are right.
        """
        declared = self._declared(dataset)
        if manifest_number is None:
            return self._engine.show(f"{dataset}_nothing", declared, self.root, ())
        manifest = self._manifest(declared, manifest_number)
        return self._engine.show(
            _shown_as(manifest), declared, self._files(declared).folder, manifest.files
        )

    def arrow(self, expression: Expression) -> ArrowTable:
        """Run an expression; return its rows as an Arrow table."""
        return self.connection.to_pyarrow(expression.as_table())

    def batches(self, expression: Expression, *, rows: int = 131_072) -> ArrowReader:
        """Run an expression; return its rows in batches of at most `rows`."""
        return self._engine.batches(expression.as_table(), rows)

    def polars(self, expression: Expression) -> polars.DataFrame:
        """Run an expression; return its rows as a Polars frame."""
        frame: polars.DataFrame = self.connection.to_polars(expression.as_table())
        return frame

    # Writing

    def append(self, dataset: str, table: Source, *, base: int | None) -> Manifest:
        """Add rows to the state `base`; return the new manifest, which nobody reads yet.

        Args:
            dataset: name of the dataset.
            table: the rows: Arrow table, record batches, Ibis table or DuckDB relation.
            base: number of the manifest to build on; None for an empty dataset.

        Raises:
            RowsDoNotFit: columns, types or values are not what the dataset declares.
            ManifestConflict: another writer published in the meantime.
        """
        return self._extend(self._declared(dataset), (table,), base=base, keep_base=True)

    def append_parts(self, dataset: str, parts: Iterable[Source], *, base: int | None) -> Manifest:
        """Like `append`, for rows that would not fit in memory together.

        Each part is sorted into files of its own before the next one is asked for; one manifest
        names them all, or none where a part does not fit.
        """
        return self._extend(self._declared(dataset), parts, base=base, keep_base=True)

    def replace(self, dataset: str, table: Source, *, base: int | None) -> Manifest:
        """Like `append`, but the new manifest holds the given rows only."""
        return self._extend(self._declared(dataset), (table,), base=base, keep_base=False)

    def without_rows(
        self, dataset: str, remove: Predicate | Iterable[str], *, base: int
    ) -> Manifest:
        """Take rows out of the state `base`, rewriting only the files that hold some.

        The old files stay until `collect_garbage` is told that no kept manifest needs them.

        Args:
            dataset: name of the dataset.
            remove: ids of the customers whose rows go, or a condition on the dataset's table.
                Rows for which the condition is unknown stay.
            base: number of the manifest to build on.

        Returns:
            The new manifest, or that of `base` itself where no row was meant.

        Raises:
            ManifestConflict: another writer published in the meantime.
        """
        declared = self._declared(dataset)
        if callable(remove):
            return self._thin(declared, remove, base)
        if isinstance(remove, str):
            raise TypeError(f"pass a collection of customer ids, not the single text {remove!r}")
        if declared.subject is None:
            raise ValueError(f"{dataset} holds no rows about customers; pass a condition instead")
        subject = declared.subject
        with self._engine.offered(pa.table({"id": pa.array(remove, pa.string())})) as (ids, _):
            return self._thin(declared, lambda rows: rows[subject].isin(ids.id), base)

    # Keeping

    def verify(self, dataset: str, number: int) -> tuple[Difference, ...]:
        """Recompute digests and counts of every file; return what differs, empty when nothing."""
        declared = self._declared(dataset)
        return self._files(declared).differences(self._manifest(declared, number))

    def collect_garbage(
        self, dataset: str, keep: Set[int], *, spare_newer: bool = True
    ) -> tuple[str, ...]:
        """Remove manifests not in `keep` and files that no remaining manifest names.

        Waits for writers of this dataset to finish. Call it when no query on a manifest outside
        `keep` is still to run.

        Args:
            dataset: name of the dataset.
            keep: numbers named by committed rows: the current state and every publication's.
            spare_newer: spare manifests above the highest in `keep`, whose rows may be about to
                be committed. False after an erasure, by a caller who has shut out other writers.

        Returns:
            Names of the files removed.

        Raises:
            UnknownManifest: a number in `keep` is not on disk; nothing was removed.
        """
        declared = self._declared(dataset)
        manifests, files = self._manifests(declared), self._files(declared)
        with self._writing(declared, alone=True):
            for number in keep:
                manifests.read(number)
            newest = max(keep, default=0)
            unkept = [
                manifest
                for manifest in manifests
                if manifest.number not in keep and not (spare_newer and manifest.number > newest)
            ]
            for manifest in unkept:
                self._engine.forget(_shown_as(manifest))
            manifests.remove(manifest.number for manifest in unkept)
            needed = frozenset(file.name for manifest in manifests for file in manifest.files)
            return files.remove_all_but(needed)

    def kept(self, dataset: str) -> AbstractContextManager[None]:
        """Hold off garbage collection of a dataset for the length of a block; writers go on."""
        return self._writing(self._declared(dataset), alone=False)

    # Inside

    def _extend(
        self, declared: Dataset, parts: Iterable[Source], *, base: int | None, keep_base: bool
    ) -> Manifest:
        with self._writing(declared, alone=False):
            number = self._manifests(declared).next_number()
            earlier = () if base is None else self._manifest(declared, base).files
            written = self._written(declared, parts)
            files = (*earlier, *written) if keep_base else written
            return self._publish(declared, number, base, files, written)

    def _written(self, declared: Dataset, parts: Iterable[Source]) -> tuple[DataFile, ...]:
        store, written = self._files(declared), list[DataFile]()
        try:
            for part in parts:
                written.extend(store.write(part))
        except BaseException:
            store.remove(tuple(written))
            raise
        return tuple(written)

    def _thin(self, declared: Dataset, meant: Predicate, base: int) -> Manifest:
        store = self._files(declared)
        with self._writing(declared, alone=False):
            number = self._manifests(declared).next_number()
            before = self._manifest(declared, base)
            untouched: list[DataFile] = []
            written: list[DataFile] = []
            for file in before.files:
                with store.opened((file,)) as rows:
                    goes = meant(rows).fill_null(False)
                    if self.connection.execute(rows.filter(goes).count()) == 0:
                        untouched.append(file)
                    else:
                        written.extend(store.write(rows.filter(~goes)))
            if len(untouched) == len(before.files):
                return before
            files = (*untouched, *written)
            return self._publish(declared, number, base, files, tuple(written))

    def _publish(
        self,
        declared: Dataset,
        number: int,
        base: int | None,
        files: tuple[DataFile, ...],
        written: tuple[DataFile, ...],
    ) -> Manifest:
        manifest = Manifest(
            dataset=declared.name,
            number=number,
            parent=base,
            schema_version=declared.version,
            columns=declared.column_names,
            files=files,
        )
        try:
            self._manifests(declared).write(manifest)
        except BaseException:
            self._files(declared).remove(written)
            raise
        return manifest

    def _declared(self, name: str) -> Dataset:
        if name not in self._datasets:
            raise UnknownDataset(name, self._datasets)
        return self._datasets[name]

    def _manifest(self, declared: Dataset, number: int) -> Manifest:
        manifest = self._manifests(declared).read(number)
        if manifest.schema_version > declared.version:
            raise NewerSchema(declared.name, number, manifest.schema_version, declared.version)
        differing = declared.columns_at(manifest.schema_version) ^ set(manifest.columns)
        if differing:
            raise SchemaChanged(declared.name, number, manifest.schema_version, differing)
        return manifest

    def _manifests(self, declared: Dataset) -> ManifestFolder:
        return ManifestFolder(declared.name, self.root / declared.name / "manifests")

    def _files(self, declared: Dataset) -> DataFiles:
        return DataFiles(declared, self.root / declared.name, self._engine)

    def _writing(self, declared: Dataset, *, alone: bool) -> AbstractContextManager[None]:
        """Hold the dataset's lock, so that garbage collection sees no half-finished write."""
        folder = self.root / declared.name
        make_folder(folder / "manifests")
        return locked(folder / "lock", alone=alone)


def _shown_as(manifest: Manifest) -> str:
    """Name the manifest's table by its content, so that a name can never mean two things."""
    return f"{manifest.dataset}_{manifest.number:08d}_{manifest.digest[:16]}"
