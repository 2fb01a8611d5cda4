"""A SQLite store: one read transaction is the moment; the library's backup copies its pages.

Writers go on: in write-ahead mode a reader keeps the state it began with. The process's write
lock is held only while that state is chosen, so that it is never the middle of a checkpoint.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from patronage.access.backups.manifest import TableDigest
from patronage.access.sqlite.connection import connect
from patronage.access.sqlite.write_lock import write_lock

NAME: Final = "database.sqlite3"
_ROWS_AT_ONCE: Final = 5_000
#: pages a step of the copy; between steps other threads get the interpreter
_PAGES_A_STEP: Final = 4_096


class FileMoment:
    """What one connection sees: within a read transaction, one state."""

    def __init__(self, reading: sqlite3.Connection) -> None:
        self._reading = reading

    def migrations(self) -> tuple[str, ...]:
        rows = self._reading.execute("SELECT app, name FROM django_migrations ORDER BY id")
        return tuple(f"{app}.{name}" for app, name in rows.fetchall())

    def digests(self) -> tuple[TableDigest, ...]:
        found = self._reading.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%'"
            " ESCAPE '\\' ORDER BY name"
        ).fetchall()
        return tuple(self._digest(name) for (name,) in found)

    def write(self, folder: Path) -> None:
        path = folder / NAME
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(path, isolation_level=None)) as copy:
            self._reading.backup(copy, pages=_PAGES_A_STEP, sleep=0)
            # one file, complete in itself
            copy.execute("PRAGMA journal_mode=DELETE")

    def heads(self) -> list[tuple[str, int, int]]:
        rows = self._reading.execute("SELECT dataset, number, rows FROM access_datasetversion")
        return [(dataset, number, count) for dataset, number, count in rows.fetchall()]

    def problems(self) -> list[str]:
        found = [row[0] for row in self._reading.execute("PRAGMA integrity_check").fetchall()]
        problems = [f"the database is damaged: {each}" for each in found if each != "ok"]
        loose = self._reading.execute("PRAGMA foreign_key_check").fetchall()
        return problems + [f"a row of {each[0]} names one of {each[2]} that is not there"
                           for each in loose]  # fmt: skip

    def vault_subjects(self) -> Iterator[Sequence[str]]:
        rows = self._reading.execute("SELECT DISTINCT subject_id FROM access_vaultentry")
        while some := rows.fetchmany(_ROWS_AT_ONCE):
            yield [subject for (subject,) in some]

    def _digest(self, table: str) -> TableDigest:
        columns = self._reading.execute(f'PRAGMA table_info("{table}")').fetchall()
        keys = sorted((each[5], each[1]) for each in columns if each[5])
        order = ", ".join(f'"{name}"' for _, name in keys) or "rowid"
        rows = self._reading.execute(f'SELECT * FROM "{table}" ORDER BY {order}')  # noqa: S608 - the store's own names
        digest, count = hashlib.sha256(), 0
        # rows one by one, so that the digest does not depend on how many are read at once
        packed = msgspec.msgpack.Encoder()
        while some := rows.fetchmany(_ROWS_AT_ONCE):
            digest.update(b"".join(map(packed.encode, some)))
            count += len(some)
        return TableDigest(name=table, rows=count, sha256=digest.hexdigest())


@contextmanager
def snapshot(path: Path) -> Iterator[FileMoment]:
    """Hold the file's present state for the length of a block."""
    with closing(connect(path)) as reading:
        with write_lock(path):
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        try:
            yield FileMoment(reading)
        finally:
            reading.rollback()


def load(path: Path, folder: Path) -> None:
    """Put the copy in a folder into the file, in one transaction of the file's own."""
    with (
        write_lock(path),
        closing(sqlite3.connect(f"file:{folder / NAME}?mode=ro&immutable=1", uri=True)) as copy,
        closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as target,
    ):
        copy.backup(target)
        target.execute("PRAGMA journal_mode=WAL")
        target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path.chmod(0o600)


@contextmanager
def scratch(path: Path, folder: Path) -> Iterator[FileMoment]:
    """Put the copy into a new file for the length of a block."""
    load(path, folder)
    with closing(sqlite3.connect(path, isolation_level=None)) as reading:
        yield FileMoment(reading)
