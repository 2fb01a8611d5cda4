"""How does DuckDB read and write the files, from many threads at once?

One in-memory database; the history itself stays in Parquet, which any number of processes may
read at once. Every thread gets a cursor of its own on that database, behind one Ibis backend,
so that expressions built in one thread can be joined and run in another.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
import ibis
import pyarrow as pa
from ibis.backends.duckdb import Backend as IbisDuckDB
from ibis.expr.operations import InMemoryTable

from patronage.warehouse.columns import Column, ColumnType, Dataset
from patronage.warehouse.cursors import CursorPerThread, Result
from patronage.warehouse.manifests import DataFile
from patronage.warehouse.spill import SpillFolder
from patronage.warehouse.untyped import ArrowReader, Backend, Expression, Source, Table

ROWS_PER_GROUP: Final = 131_072
#: Files are cut at about this size, so that an erasure rewrites little.
FILE_SIZE: Final = "256MB"

SQL_TYPES: Final = {
    ColumnType.STRING: "VARCHAR",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.INT8: "TINYINT",
    ColumnType.INT32: "INTEGER",
    ColumnType.INT64: "BIGINT",
    ColumnType.FLOAT64: "DOUBLE",
    ColumnType.DATE: "DATE",
    ColumnType.INSTANT: "TIMESTAMPTZ",
}


class DuckDBEngine:
    """The embedded engine. Fork-unsafe: a child process opens its own."""

    #: What DuckDB raises when a value cannot be cast to its column's type.
    value_errors: tuple[type[Exception], ...] = (
        duckdb.ConversionException,
        duckdb.OutOfRangeException,
    )

    def __init__(self, spill_folder: Path, threads: int, memory_limit: str) -> None:
        if "'" in str(spill_folder):
            raise ValueError(
                f"the warehouse folder {spill_folder.parent} has an apostrophe in its path, which "
                "the DuckDB engine cannot write to; choose another folder"
            )
        self._spill = SpillFolder(spill_folder)
        self._database = duckdb.connect(
            ":memory:",
            config={
                "threads": threads,
                "memory_limit": memory_limit,
                "temp_directory": str(self._spill.path),
            },
        )
        self._cursors = CursorPerThread(self._database)
        self._backend = IbisDuckDB.from_connection(self._cursors)
        # Ibis 12 tells one thread of an in-memory table and lets go of it when the process
        # ends; a server runs for weeks and in many threads.
        self._backend._register_in_memory_table = self._cursors.show
        self._backend._make_memtable_finalizer = _nothing_at_exit
        self._naming = threading.Lock()

    @property
    def connection(self) -> Backend:
        """The Ibis backend, usable from every thread."""
        return self._backend

    def show(self, name: str, dataset: Dataset, folder: Path, files: Sequence[DataFile]) -> Table:
        """Return the files as one table of the dataset's current columns, kept under `name`."""
        query = _query(dataset, folder, files)
        with self._naming:
            self._cursors.execute(f'CREATE VIEW IF NOT EXISTS "{name}" AS {query}')
        return self._backend.table(name)

    def forget(self, name: str) -> None:
        """Forget what was shown under `name`."""
        with self._naming:
            self._cursors.execute(f'DROP VIEW IF EXISTS "{name}"')

    @contextmanager
    def offered(self, source: Source) -> Iterator[tuple[Table, Sequence[str]]]:
        """Yield the caller's rows as a table, and those of its columns that have no type."""
        if isinstance(source, ibis.Table):
            yield source, ()
            return
        rows = _arrow(source)
        untyped = [field.name for field in rows.schema if pa.types.is_null(field.type)]
        name = f"offered_{secrets.token_hex(8)}"
        # On this thread's cursor alone: a stream can be read by one query only.
        cursor = self._cursors.of_this_thread()
        cursor.register(name, rows)
        try:
            yield self._backend.table(name), untyped
        finally:
            cursor.unregister(name)

    def batches(self, expression: Expression, rows: int) -> ArrowReader:
        """Run an expression on a cursor of its own, so that the thread may query meanwhile."""
        cursor = self._cursors.opened()
        for held in expression.op().find(InMemoryTable):
            cursor.register(held.name, held.data.to_pyarrow(held.schema))
        return cursor.execute(self._backend.compile(expression)).to_arrow_reader(rows)

    def write(self, table: Table, folder: Path) -> list[Path]:
        """Write the table's rows as Parquet files into `folder`, which does not exist yet."""
        self._backend.to_parquet(
            table,
            folder,
            compression="zstd",
            row_group_size=ROWS_PER_GROUP,
            file_size_bytes=FILE_SIZE,
        )
        return sorted(folder.glob("*.parquet"))

    def close(self) -> None:
        """Give back memory, threads and temporary files."""
        self._database.close()
        self._spill.remove()


def _nothing_at_exit(_name: str) -> None:
    """Tell Ibis that there is nothing to do for an in-memory table when the process ends."""


def _arrow(source: Source) -> Any:
    """Return the rows as something DuckDB scans: an Arrow table, or a reader to pass over once."""
    if isinstance(source, duckdb.DuckDBPyRelation | Result):
        # Taken whole: a relation may belong to the very cursor that is about to write.
        return source.to_arrow_table()
    if isinstance(source, pa.Table | pa.RecordBatchReader):
        return source
    batches = iter(source)
    first = next(batches, None)
    if first is None:
        raise ValueError("an iterator without any record batch has no columns; pass an empty table")
    return pa.RecordBatchReader.from_batches(first.schema, _resumed(first, batches))


def _resumed(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _query(dataset: Dataset, folder: Path, files: Sequence[DataFile]) -> str:
    """Return SQL over the files, one branch for each schema version found among them."""
    versions = sorted({file.schema_version for file in files})
    branches = [
        _branch(
            dataset.columns,
            dataset.columns_at(version),
            [folder / file.name for file in files if file.schema_version == version],
        )
        for version in versions
    ]
    if not branches:
        nothing = ", ".join(_typed_null(column) for column in dataset.columns)
        return f"SELECT {nothing} WHERE false"
    return " UNION ALL ".join(branches)


def _branch(columns: Sequence[Column], held: frozenset[str], paths: Sequence[Path]) -> str:
    picked = ", ".join(
        f'"{column.name}"' if column.name in held else _typed_null(column) for column in columns
    )
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return f"SELECT {picked} FROM read_parquet([{listed}])"  # noqa: S608  declared names only


def _typed_null(column: Column) -> str:
    return f'CAST(NULL AS {SQL_TYPES[column.type]}) AS "{column.name}"'
