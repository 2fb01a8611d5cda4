"""A store that is built once a process: every later test begins with the same rows and files.

Building a retailer through the product's own actions takes seconds; putting its rows and files
back takes a fraction of one. What a test changes is gone with its transaction and its folder, so
nothing of it is ever put back.
"""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from django.apps import apps
from django.conf import settings
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Model

T = TypeVar("T")

#: settings that name what a test keeps beside its database
_PLACES = ("WAREHOUSE_ROOT", "KEY_FILE", "OUTBOX_ROOT")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept(Generic[T]):
    made: T
    #: rows by table, as the store's own driver gives them
    rows: dict[str, Any]
    #: tables that are not empty in a fresh store
    filled_before: frozenset[str]
    #: gone when the process ends
    files: tempfile.TemporaryDirectory[str]


@dataclass(slots=True)
class Remembered(Generic[T]):
    """Builds at the first call, and puts back what was built at every later one.

    Call it in a test's own transaction, or (`transactional_db`) outside of any.
    """

    build: Callable[[], T]
    _kept: _Kept[T] | None = field(default=None, init=False)

    def __call__(self) -> T:
        if self._kept is None:
            self._kept = self._built()
        else:
            self._put_back(self._kept)
        return copy.deepcopy(self._kept.made)

    def _built(self) -> _Kept[T]:
        before = dict(all_rows())
        made = self.build()
        rows = {table: held for table, held in all_rows() if held != before[table]}
        files = tempfile.TemporaryDirectory(prefix="remembered-")
        for place in _places():
            _copy(place, Path(files.name) / place.name)
        return _Kept(
            made=copy.deepcopy(made),
            rows=rows,
            filled_before=frozenset(table for table in rows if before[table]),
            files=files,
        )

    def _put_back(self, kept: _Kept[T]) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for table, rows in kept.rows.items():
                if table in kept.filled_before:
                    cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
                _insert(cursor, table, rows)
            models = [model for model in _models() if model._meta.db_table in kept.rows]
            for statement in connection.ops.sequence_reset_sql(no_style(), models):
                cursor.execute(statement)
        for place in _places():
            _copy(Path(kept.files.name) / place.name, place)


def _models() -> list[type[Model]]:
    return apps.get_models(include_auto_created=True)


def all_rows() -> Iterator[tuple[str, Any]]:
    """Every table with its rows, as the store's own driver gives them."""
    with connection.cursor() as cursor:
        for model in _models():
            table = model._meta.db_table
            name = connection.ops.quote_name(table)
            if connection.vendor == "postgresql":
                with cursor.cursor.copy(f"COPY {name} TO STDOUT") as copied:
                    yield table, b"".join(bytes(part) for part in copied)
            else:
                yield table, cursor.execute(f"SELECT * FROM {name}").fetchall()


def _insert(cursor: Any, table: str, rows: Any) -> None:
    name = connection.ops.quote_name(table)
    if connection.vendor == "postgresql":
        with cursor.cursor.copy(f"COPY {name} FROM STDIN") as copied:
            copied.write(rows)
    elif rows:
        holes = ", ".join(["%s"] * len(rows[0]))
        cursor.executemany(f"INSERT INTO {name} VALUES ({holes})", rows)


def _places() -> list[Path]:
    return [Path(getattr(settings, name)) for name in _PLACES]


def _copy(source: Path, to: Path) -> None:
    """A folder with all that is in it, or a file with its store's companions (`-wal`)."""
    if source.is_dir():
        shutil.copytree(source, to, dirs_exist_ok=True)
        return
    for each in source.parent.glob(f"{source.name}*"):
        shutil.copy2(each, to.with_name(each.name))
