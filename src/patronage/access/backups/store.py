"""How is the operational store read as of one moment, written down, digested and filled again?

Two stores, one shape: `snapshot` holds the moment, `Moment.write` copies it, `load` puts a copy
into a store, `digests` says what a store holds. See docs/decisions/0010 for why neither way
calls `pg_dump`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from patronage.access.backups.manifest import TableDigest


class Moment(Protocol):
    """One state of the operational store, whatever is written meanwhile."""

    def migrations(self) -> tuple[str, ...]:
        """Applied changes of the tables, in order."""

    def digests(self) -> tuple[TableDigest, ...]:
        """What every table holds at this moment."""

    def write(self, folder: Path) -> None:
        """Write a copy of this moment into a folder."""

    def heads(self) -> list[tuple[str, int, int]]:
        """Committed states of the warehouse: dataset, number, rows."""


class Scratch(Protocol):
    """A store that a backup was put into to be looked at; gone afterwards."""

    def digests(self) -> tuple[TableDigest, ...]:
        """What every table holds."""

    def problems(self) -> list[str]:
        """What the store itself finds wrong with its contents."""

    def heads(self) -> list[tuple[str, int, int]]:
        """Committed states of the warehouse: dataset, number, rows."""

    def vault_subjects(self) -> Iterator[Sequence[str]]:
        """Subjects of vault entries, in lots."""


def snapshot() -> AbstractContextManager[Moment]:
    """Hold the operational store as it is now for the length of a block; nobody waits for it."""
    if connection.vendor == "postgresql":
        from patronage.access.backups import postgresql

        return postgresql.snapshot(connection)
    from patronage.access.backups import sqlite_file

    return sqlite_file.snapshot(_sqlite_path())


def load(folder: Path, migrations: Sequence[str]) -> None:
    """Put a copy into the operational store in place of what is there, all of it or nothing."""
    if connection.vendor == "postgresql":
        from patronage.access.backups import postgresql

        postgresql.load(connection, folder, migrations)
    else:
        from patronage.access.backups import sqlite_file

        connection.close()
        sqlite_file.load(_sqlite_path(), folder)


@contextmanager
def scratch(folder: Path, migrations: Sequence[str], at: Path) -> Iterator[Scratch]:
    """Put a copy into a store of its own for the length of a block.

    Args:
        folder: where the copy stands.
        migrations: what had been applied to it.
        at: an empty folder for a store that is a file.
    """
    if connection.vendor == "postgresql":
        from patronage.access.backups import postgresql

        with postgresql.scratch(connection, folder, migrations) as place:
            yield place
    else:
        from patronage.access.backups import sqlite_file

        with sqlite_file.scratch(at / "scratch.sqlite3", folder) as place:
            yield place


def current_digests() -> tuple[TableDigest, ...]:
    """What every table of the operational store holds now."""
    with snapshot() as moment:
        return moment.digests()


def vendor() -> str:
    """Which kind of store this installation has."""
    return connection.vendor


def _sqlite_path() -> Path:
    wrapper: BaseDatabaseWrapper | Any = connection
    return Path(str(wrapper.settings_dict["NAME"]))
