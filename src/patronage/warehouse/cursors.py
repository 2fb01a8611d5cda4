"""How do many threads share one DuckDB database behind one Ibis backend?

Ibis keeps one connection; a DuckDB connection runs one query at a time. What stands here in
place of that connection passes each call on to a cursor of the calling thread.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any

import duckdb

from patronage.warehouse.untyped import ArrowReader, ArrowTable


class Result:
    """A DuckDB result or relation that also answers to the names Ibis 12 fetches by.

    DuckDB 1.5 warns that those names will go, and a warning is an error in the tests here and
    in those of whoever uses this library.
    """

    def __init__(self, fetched: Any) -> None:
        #: DuckDB's own object.
        self.fetched = fetched

    def fetch_arrow_table(self) -> ArrowTable:
        """Return all rows as an Arrow table."""
        return self.fetched.to_arrow_table()

    def fetch_record_batch(self, rows_per_batch: int) -> ArrowReader:
        """Return the rows in batches."""
        return self.fetched.to_arrow_reader(rows_per_batch)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.fetched, name)


class CursorPerThread:
    """Stands for a DuckDB connection; what it is asked goes to the calling thread's cursor.

    DuckDB shows an in-memory table to one cursor only; so each cursor is told of those of the
    other threads before it is used.
    """

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self._database = database
        self._opening = threading.Lock()
        self._shown: dict[str, Any] = {}
        self._of_thread = threading.local()

    def opened(self) -> duckdb.DuckDBPyConnection:
        """Open another cursor with this warehouse's session settings."""
        with self._opening:
            cursor = self._database.cursor()
        cursor.execute("SET TimeZone = 'UTC'")
        cursor.execute("SET python_enable_replacements = false")
        return cursor

    def of_this_thread(self) -> duckdb.DuckDBPyConnection:
        """Return this thread's cursor, opened at its first use and closed with the thread."""
        if not hasattr(self._of_thread, "cursor"):
            self._of_thread.cursor = self.opened()
            self._of_thread.told = {}
        cursor: duckdb.DuckDBPyConnection = self._of_thread.cursor
        told, shown = self._of_thread.told, self._shown.copy()
        if told.keys() != shown.keys():
            for name in told.keys() - shown.keys():
                cursor.unregister(name)
            for name in shown.keys() - told.keys():
                cursor.register(name, shown[name])
            self._of_thread.told = shown
        return cursor

    def show(self, memtable: Any) -> None:
        """Show an Ibis in-memory table to every thread for as long as an expression holds it.

        The end comes with garbage collection, in any thread and at any moment: it takes no lock.
        """
        self._shown[memtable.name] = memtable.data.to_pyarrow(memtable.schema)
        weakref.finalize(memtable, self._shown.pop, memtable.name, None).atexit = False

    def execute(self, *arguments: Any, **options: Any) -> Result:
        """Run a statement."""
        return Result(self.of_this_thread().execute(*arguments, **options))

    def sql(self, *arguments: Any, **options: Any) -> Result:
        """Return a query as a relation, not yet run."""
        return Result(self.of_this_thread().sql(*arguments, **options))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.of_this_thread(), name)
