"""A PostgreSQL store: every table by COPY within one repeatable-read transaction.

The bytes that COPY gives are the copy and what the digest is of; the same query on a restored
store gives the same bytes. Text is ordered by its code points, so that a machine with another
locale digests alike.
"""

from __future__ import annotations

import copy
import hashlib
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from psycopg import sql

from patronage.access.backups.manifest import TableDigest

FOLDER: Final = "tables"
_SUFFIX: Final = ".copy"
_CHUNK: Final = 1 << 20
_SUBJECTS_AT_ONCE: Final = 5_000
_TABLES: Final = (
    "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r'"
    ' AND c.relnamespace = current_schema()::regnamespace ORDER BY c.relname COLLATE "C"'
)
_COLUMNS: Final = (
    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
    " AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"
)
_KEYS: Final = (
    "SELECT a.attname, a.attcollation <> 0 FROM pg_index i"
    " CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)"
    " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum"
    " WHERE i.indrelid = %s::regclass AND i.indisprimary ORDER BY k.place"
)


class TablesMoment:
    """What one connection sees: within a repeatable-read transaction, one state."""

    def __init__(self, wrapper: BaseDatabaseWrapper) -> None:
        self._wrapper = wrapper
        #: from writing, so that every row is read once only
        self._written: tuple[TableDigest, ...] | None = None

    def migrations(self) -> tuple[str, ...]:
        rows = self._all("SELECT app, name FROM django_migrations ORDER BY id")
        return tuple(f"{app}.{name}" for app, name in rows)

    def digests(self) -> tuple[TableDigest, ...]:
        if self._written is None:
            self._written = tuple(self._copied(table, None) for table in tables(self._wrapper))
        return self._written

    def write(self, folder: Path) -> None:
        (folder / FOLDER).mkdir(mode=0o700)
        self._written = tuple(
            self._copied(table, folder / FOLDER / f"{table}{_SUFFIX}")
            for table in tables(self._wrapper)
        )

    def heads(self) -> list[tuple[str, int, int]]:
        return self._all("SELECT dataset, number, rows FROM access_datasetversion")

    def problems(self) -> list[str]:
        return []  # every constraint was checked when the rows were put in

    def vault_subjects(self) -> Iterator[Sequence[str]]:
        subjects = [s for (s,) in self._all("SELECT DISTINCT subject_id FROM access_vaultentry")]
        for start in range(0, len(subjects), _SUBJECTS_AT_ONCE):
            yield subjects[start : start + _SUBJECTS_AT_ONCE]

    def _all(self, query: str) -> list[Any]:
        with self._wrapper.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def _copied(self, table: str, to: Path | None) -> TableDigest:
        digest, rows = hashlib.sha256(), 0
        with (
            self._wrapper.cursor() as cursor,
            _writing(to) as file,
            cursor.cursor.copy(_copy_out(cursor, table)) as copied,
        ):
            for part in copied:
                digest.update(part)
                # a line break within a value is written as two characters
                rows += bytes(part).count(b"\n")
                if file is not None:
                    file.write(part)
        return TableDigest(name=table, rows=rows, sha256=digest.hexdigest())


@contextmanager
def snapshot(wrapper: BaseDatabaseWrapper) -> Iterator[TablesMoment]:
    """Hold the database's present state for the length of a block, on a connection of its own."""
    with closing(wrapper.copy()) as own, transaction_of(own):
        _execute(own, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        _execute(own, "SELECT 1")  # the state is the one of now
        yield TablesMoment(own)


@contextmanager
def transaction_of(wrapper: BaseDatabaseWrapper) -> Iterator[None]:
    """One transaction on a connection that Django does not know by name."""
    wrapper.ensure_connection()
    wrapper.set_autocommit(False)
    try:
        yield
        wrapper.commit()
    except BaseException:
        wrapper.rollback()
        raise
    finally:
        wrapper.set_autocommit(True)


def load(wrapper: BaseDatabaseWrapper, folder: Path, migrations: Sequence[str]) -> None:
    """Put the tables in a folder into the database in place of what is there."""
    with transaction.atomic(using=wrapper.alias):
        _bring_to(wrapper, migrations)
        _fill(wrapper, folder)


@contextmanager
def scratch(
    wrapper: BaseDatabaseWrapper, folder: Path, migrations: Sequence[str]
) -> Iterator[TablesMoment]:
    """Put the tables into a schema of their own, which is dropped at the end of the block."""
    schema = f"patronage_check_{secrets.token_hex(8)}"
    _execute(wrapper, f"CREATE SCHEMA {schema}")
    try:
        with closing(_within(wrapper, schema)) as own:
            _bring_to(own, migrations)
            with transaction_of(own):
                _fill(own, folder)
            yield TablesMoment(own)
    finally:
        _execute(wrapper, f"DROP SCHEMA {schema} CASCADE")


def tables(wrapper: BaseDatabaseWrapper) -> list[str]:
    """Name the tables of the connection's schema."""
    with wrapper.cursor() as cursor:
        cursor.execute(_TABLES)
        return [name for (name,) in cursor.fetchall()]


def _within(wrapper: BaseDatabaseWrapper, schema: str) -> BaseDatabaseWrapper:
    """A further connection to the same database that sees one schema only."""
    own = wrapper.copy()
    own.settings_dict = copy.deepcopy(own.settings_dict)
    own.settings_dict["OPTIONS"]["options"] = f"-c search_path={schema}"
    return own


def _bring_to(wrapper: BaseDatabaseWrapper, migrations: Sequence[str]) -> None:
    """Give the database the tables that a backup was taken of, empty or not."""
    executor = MigrationExecutor(wrapper)
    applied = {f"{app}.{name}" for app, name in executor.recorder.applied_migrations()}
    if applied == set(migrations):
        return
    for table in tables(wrapper):
        _execute(wrapper, sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier(table)))
    executor = MigrationExecutor(wrapper)
    meant = {(app, name) for app, _, name in (each.partition(".") for each in migrations)}
    graph = executor.loader.graph
    # the last of each room: a target that a later one has passed would be undone
    executor.migrate(
        sorted(key for key in meant if not {c.key for c in graph.node_map[key].children} & meant)
    )


def _fill(wrapper: BaseDatabaseWrapper, folder: Path) -> None:
    names = tables(wrapper)
    every = sql.SQL(", ").join(map(sql.Identifier, names))
    _execute(wrapper, sql.SQL("TRUNCATE {}").format(every))
    # a published statement's rows are refused one by one, since they may never change
    for name in names:
        _execute(wrapper, _alter(name, "DISABLE TRIGGER USER"))
    for name in names:
        _copy_in(wrapper, name, folder / FOLDER / f"{name}{_SUFFIX}")
    _execute(wrapper, "SET CONSTRAINTS ALL IMMEDIATE")
    _execute(wrapper, "SET CONSTRAINTS ALL DEFERRED")
    for name in names:
        _execute(wrapper, _alter(name, "ENABLE TRIGGER USER"))
        _set_sequences(wrapper, name)


def _alter(table: str, change: str) -> sql.Composed:
    return sql.SQL("ALTER TABLE {} {}").format(sql.Identifier(table), sql.SQL(change))


def _copy_in(wrapper: BaseDatabaseWrapper, table: str, file: Path) -> None:
    with wrapper.cursor() as cursor, file.open("rb") as lines:
        columns = sql.SQL(", ").join(map(sql.Identifier, _columns(cursor, table)))
        query = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), columns)
        with cursor.cursor.copy(query) as copied:
            while part := lines.read(_CHUNK):
                copied.write(part)


def _set_sequences(wrapper: BaseDatabaseWrapper, table: str) -> None:
    with wrapper.cursor() as cursor:
        for column in _columns(cursor, table):
            cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [f'"{table}"', column])
            sequence = cursor.fetchone()[0]
            if sequence is not None:
                highest = sql.SQL("SELECT setval(%s, max({0}), max({0}) IS NOT NULL) FROM {1}")
                named = highest.format(sql.Identifier(column), sql.Identifier(table))
                cursor.execute(named.as_string(cursor.connection), [sequence])


def _copy_out(cursor: Any, table: str) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, _columns(cursor, table)))
    cursor.execute(_KEYS, [f'"{table}"'])
    order: list[sql.Composable] = [
        sql.SQL('{} COLLATE "C"' if collated else "{}").format(sql.Identifier(name))
        for name, collated in cursor.fetchall()
    ]
    order = order or [sql.SQL("1")]
    return sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT").format(
        columns, sql.Identifier(table), sql.SQL(", ").join(order)
    )


def _columns(cursor: Any, table: str) -> list[str]:
    cursor.execute(_COLUMNS, [f'"{table}"'])
    return [name for (name,) in cursor.fetchall()]


def _execute(wrapper: BaseDatabaseWrapper, statement: str | sql.Composable) -> None:
    with wrapper.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def _writing(to: Path | None) -> Iterator[Any]:
    if to is None:
        yield None
        return
    descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
