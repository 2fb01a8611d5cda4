"""Which query engine reads and writes the files, and what must an engine be able to do?

To add an engine, write a class with the methods of `Engine` and name it in `ENGINES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from patronage.warehouse.columns import Dataset
from patronage.warehouse.duckdb_engine import DuckDBEngine
from patronage.warehouse.errors import UnknownEngine
from patronage.warehouse.manifests import DataFile
from patronage.warehouse.untyped import ArrowReader, Backend, Expression, Source, Table


class Engine(Protocol):
    """What the warehouse asks of a query engine."""

    #: What the engine raises when a value cannot be cast to its column's type.
    value_errors: tuple[type[Exception], ...]

    @property
    def connection(self) -> Backend:
        """The Ibis backend, usable from every thread."""

    def show(self, name: str, dataset: Dataset, folder: Path, files: Sequence[DataFile]) -> Table:
        """Return the files as one table of the dataset's current columns, kept under `name`."""

    def forget(self, name: str) -> None:
        """Forget what was shown under `name`."""

    def offered(self, source: Source) -> AbstractContextManager[tuple[Table, Sequence[str]]]:
        """Yield the caller's rows as a table, and those of its columns that have no type."""

    def batches(self, expression: Expression, rows: int) -> ArrowReader:
        """Run an expression and return its rows in batches; other queries may run meanwhile."""

    def write(self, table: Table, folder: Path) -> list[Path]:
        """Write the table's rows as Parquet files into `folder`, which does not exist yet."""

    def close(self) -> None:
        """Give back memory, threads and temporary files."""


#: Engines by the name the configuration gives them. Each is opened with its folder for what
#: does not fit in memory, the number of threads, and the memory limit (such as "2GB").
ENGINES: Final[Mapping[str, Callable[[Path, int, str], Engine]]] = MappingProxyType(
    {"duckdb": DuckDBEngine}
)


def open_engine(name: str, spill_folder: Path, threads: int, memory_limit: str) -> Engine:
    """Open the engine called `name`.

    Raises:
        UnknownEngine: there is no such engine.
    """
    if name not in ENGINES:
        raise UnknownEngine(name, ENGINES)
    return ENGINES[name](spill_folder, threads, memory_limit)
