"""How does one SQLite connection keep its turn: which statements need the lock, and until when?

The rule is one: before a statement that writes, take the lock; after any statement, give it back
unless a transaction is still open. It holds for Django's transactions, for autocommit and for
connections opened without Django.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from patronage.access.sqlite.write_lock import WriteLockTimeout, write_lock

#: Checkpoint after so many commits, or when the log has grown by so many bytes.
COMMITS_PER_CHECKPOINT = 1000
LOG_GROWTH_PER_CHECKPOINT = 4 * 1024 * 1024

_SPACE_AND_COMMENTS = r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*"
_READS = re.compile(
    _SPACE_AND_COMMENTS + r"(?:(?:SELECT|VALUES|EXPLAIN|COMMIT|END|ROLLBACK|RELEASE)\b"
    r"|BEGIN(?:\s+DEFERRED)?(?:\s+TRANSACTION)?\s*;?\s*$"
    r"|PRAGMA\s+(?!.*(?:wal_checkpoint|optimize|incremental_vacuum|user_version\s*=))"
    r"|$)",
    re.IGNORECASE | re.DOTALL,
)
_WITH = re.compile(_SPACE_AND_COMMENTS + r"WITH\b", re.IGNORECASE | re.DOTALL)
_CHANGES = re.compile(r"\b(?:INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)


def writes(statement: str) -> bool:
    """Say whether a statement may write; anything not known to read counts as writing."""
    if _WITH.match(statement):
        return _CHANGES.search(statement) is not None
    return _READS.match(statement) is None


class TurnTakingConnection(sqlite3.Connection):
    """A connection that holds its file's write lock while it writes, and checkpoints inside it."""

    def __init__(self, database: str, timeout: float = 30.0, *rest: Any, **options: Any) -> None:
        super().__init__(database, timeout, *rest, **options)
        #: None for a database in memory: nobody else can write to it.
        self._lock = None if _in_memory(str(database)) else write_lock(_path_of(str(database)))
        self._turn: threading.Thread | None = None
        self._patience = timeout
        sqlite3.Cursor(self).execute("PRAGMA wal_autocheckpoint=0").close()

    @contextmanager
    def turn(self, *, needed: bool) -> Iterator[None]:
        """Run one statement; keep the lock afterwards only while a transaction is open."""
        if needed:
            self._take()
        try:
            yield
        finally:
            self._give_back_unless_open()

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or TurnTakingCursor)

    # sqlite3's own shortcuts make plain cursors, which would not take turns.

    def execute(self, sql: str, parameters: Any = ()) -> Any:
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any]) -> Any:
        return self.cursor().executemany(sql, parameters)

    def executescript(self, sql_script: str) -> Any:
        return self.cursor().executescript(sql_script)

    def commit(self) -> None:
        with self.turn(needed=False):
            super().commit()

    def rollback(self) -> None:
        with self.turn(needed=False):
            super().rollback()

    def close(self) -> None:
        """Close, in turn where nobody writes: the last connection to a file checkpoints it.

        While somebody else writes this is not the last one, so that it need not wait.
        """
        with suppress(sqlite3.OperationalError):
            self._take(patience=0)
        try:
            super().close()
        finally:
            self._give_back()

    def __del__(self) -> None:
        """Give back the turn of a connection that was dropped within a transaction."""
        if getattr(self, "_turn", None) is not None:
            self._give_back()

    def checkpoint(self, *, truncate: bool = False) -> None:
        """Move what the log holds into the file; with `truncate`, leave an empty log."""
        with self.turn(needed=True):
            self._checkpoint("TRUNCATE" if truncate else "PASSIVE")

    def _take(self, patience: float | None = None) -> None:
        if self._lock is None or self._turn is not None:
            return
        try:
            self._turn = self._lock.acquire(self._patience if patience is None else patience)
        except WriteLockTimeout as error:
            raise sqlite3.OperationalError(f"database is locked: {error}") from error

    def _give_back_unless_open(self) -> None:
        if self._turn is None or self.in_transaction:
            return
        try:
            self._checkpoint_if_due()
        finally:
            self._give_back()

    def _give_back(self) -> None:
        if self._lock is not None and self._turn is not None:
            turn, self._turn = self._turn, None
            self._lock.release(turn)

    def _checkpoint_if_due(self) -> None:
        if self._lock is None:
            return
        self._lock.commits += 1
        size = _size_of(self._lock.path + "-wal")
        self._lock.log_size = min(self._lock.log_size, size)
        if (
            self._lock.commits >= COMMITS_PER_CHECKPOINT
            or size - self._lock.log_size >= LOG_GROWTH_PER_CHECKPOINT
        ):
            # The commit has happened; a log that cannot be copied now is copied next time.
            with suppress(sqlite3.OperationalError):
                self._checkpoint("PASSIVE")

    def _checkpoint(self, mode: str) -> None:
        # A plain cursor: this happens inside a turn and must not end it.
        sqlite3.Cursor(self).execute(f"PRAGMA wal_checkpoint({mode})").close()
        if self._lock is not None:
            self._lock.commits = 0
            self._lock.log_size = _size_of(self._lock.path + "-wal")


class TurnTakingCursor(sqlite3.Cursor):
    """A cursor whose writing statements wait for their turn."""

    #: Rows of a writing statement outside a transaction: it is committed only when all are read.
    _rows: Iterator[Any] | None = None

    def execute(self, query: str, params: Any = ()) -> Any:
        self._rows = None
        connection = _connection_of(self)
        needed = writes(query)
        with connection.turn(needed=needed):
            super().execute(query, params)
            if needed and self.description is not None and not connection.in_transaction:
                self._rows = iter(super().fetchall())
        return self

    def executemany(self, query: str, param_list: Iterable[Any]) -> Any:
        self._rows = None
        with _connection_of(self).turn(needed=True):
            super().executemany(query, param_list)
        return self

    def executescript(self, sql_script: str) -> Self:
        self._rows = None
        with _connection_of(self).turn(needed=True):
            super().executescript(sql_script)
        return self

    def fetchone(self) -> Any:
        return super().fetchone() if self._rows is None else next(self._rows, None)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        size = self.arraysize if size is None else size
        if self._rows is None:
            return super().fetchmany(size)
        return [row for _, row in zip(range(size), self._rows, strict=False)]

    def fetchall(self) -> list[Any]:
        return super().fetchall() if self._rows is None else list(self._rows)

    def __next__(self) -> Any:
        return super().__next__() if self._rows is None else next(self._rows)


def connect(path: str | Path, *, timeout: float = 30.0) -> TurnTakingConnection:
    """Open a database file without Django, in autocommit, under the same lock as everybody else."""
    connection = sqlite3.connect(
        str(path),
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
        factory=TurnTakingConnection,
    )
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()
    return connection


def _connection_of(cursor: sqlite3.Cursor) -> TurnTakingConnection:
    connection = cursor.connection
    if not isinstance(connection, TurnTakingConnection):
        raise TypeError(f"expected a TurnTakingConnection, found {type(connection).__name__}")
    return connection


def _in_memory(database: str) -> bool:
    return database == ":memory:" or "mode=memory" in database or database == ""


def _path_of(database: str) -> str:
    """Take the path out of a `file:` address."""
    if not database.startswith("file:"):
        return database
    return database.removeprefix("file:").split("?")[0]


def _size_of(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except FileNotFoundError:
        return 0
