"""Reads and writes many rows as columns at once: no model object, no work a row in Python.

The store itself writes what is read as CSV, while other threads go on; Polars takes it apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import polars as pl
from django.db import connection, models

from patronage.vocabulary.periods import as_utc

#: rows that SQLite writes into one text, far below its limit of 10⁹ bytes
_ROWS_A_TEXT: Final = 250_000


def read(model: type[models.Model], columns: Mapping[str, tuple[str, Any]]) -> pl.DataFrame:
    """Give a whole table in no order; NULL is unknown.

    Args:
        model: whose table is meant.
        columns: by name, an expression over the table in the words that SQLite and PostgreSQL
            share, and the Polars type of what it gives: text, integers or floats.
    """
    schema = {name: kind for name, (_, kind) in columns.items()}
    pieces = [
        # a text that is empty comes in quotes, NULL does not
        pl.read_csv(text, has_header=False, schema=schema)
        for text in _texts(model, columns)
        if text
    ]
    return pl.concat([pl.DataFrame(schema=schema), *pieces])


def _texts(model: type[models.Model], columns: Mapping[str, tuple[str, Any]]) -> Iterator[bytes]:
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            asked = ", ".join(expression for expression, _ in columns.values())
            written = f"COPY (SELECT {asked} FROM {table}) TO STDOUT (FORMAT csv)"  # noqa: S608 - own names
            with cursor.copy(written) as copy:
                yield b"".join(copy)
            return
        ends = cursor.execute(f"SELECT MIN(rowid), MAX(rowid) FROM {table}").fetchone()  # noqa: S608 - own names
        if ends[0] is None:
            return
        for start in range(ends[0], ends[1] + 1, _ROWS_A_TEXT):
            yield _text(cursor, table, columns, [start, start + _ROWS_A_TEXT - 1])


def _text(
    cursor: Any, table: str, columns: Mapping[str, tuple[str, Any]], between: list[int]
) -> bytes:
    """Write the rows between two of SQLite's own numbers as CSV.

    Quotes within a text are rare and looking for them in each takes long: only where there are
    more quotes than stand about the texts, the rows are written again with those doubled.
    """
    told = [expression for expression, kind in columns.values() if kind == pl.String]
    counted = " + ".join(["0", *(f"count({expression})" for expression in told)])
    for doubled in (False, True):
        line = " || ',' || ".join(_in_csv(*each, doubled=doubled) for each in columns.values())
        asked = f"SELECT CAST(group_concat({line}, char(10)) AS BLOB), {counted}"
        cursor.execute(f"{asked} FROM {table} WHERE rowid BETWEEN %s AND %s", between)
        text, texts = cursor.fetchone()
        if text is None or text.count(b'"') == 2 * texts:
            break
    return text or b""


def _in_csv(expression: str, kind: Any, *, doubled: bool) -> str:
    if kind == pl.String:
        told = f"""replace({expression}, '"', '""')""" if doubled else expression
        shown = f"""'"' || {told} || '"'"""
    elif kind.is_float():
        shown = f"printf('%%!.17g', {expression})"  # as a text alone it would lose digits
        shown = f"CASE WHEN {expression} IS NOT NULL THEN {shown} END"
    else:
        shown = expression
    return f"coalesce({shown}, '')"


def as_stored(instant: datetime) -> str:
    """The least text that `read` may give in both stores for an instant or what follows it."""
    text = as_utc(instant).replace(tzinfo=None).isoformat(sep=" ")
    return text.rstrip("0") if instant.microsecond else text


def append(model: type[models.Model], rows: pl.DataFrame) -> int:
    """Insert the rows of a frame, under the columns' own names; return how many there are.

    A text that is empty stays one; NULL is unknown. Instants go in as `instants` writes them.
    """
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            _copy(cursor, table, rows)
        else:
            marks = ", ".join(["%s"] * rows.width)
            statement = f"INSERT INTO {table} ({_listed(rows)}) VALUES ({marks})"  # noqa: S608 - own names
            _each(cursor, statement, rows)
    return len(rows)


def instants(values: datetime | Sequence[datetime]) -> pl.Expr | pl.Series:
    """Write instants as both stores take them from text; one stands for every row."""
    if isinstance(values, datetime):
        return pl.lit(_instants(pl.Series([values]))[0])
    return _instants(pl.Series(values, dtype=pl.Datetime("us", "UTC")))


def _instants(values: pl.Series) -> pl.Series:
    texts = values.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%d %H:%M:%S%.6f")
    # as Django writes them to SQLite, where they are compared as texts
    plain = texts.str.strip_suffix(".000000")
    return plain + "+00" if connection.vendor == "postgresql" else plain


def update(model: type[models.Model], key: str, rows: pl.DataFrame) -> int:
    """Set the columns of the rows that `key` names; return how many rows there are.

    Args:
        model: whose table is meant.
        key: a column that finds one row, `rowid` on SQLite or a unique one.
        rows: `key` and what is set, under the columns' own names.
    """
    table = connection.ops.quote_name(model._meta.db_table)
    quoted = [connection.ops.quote_name(name) for name in rows.columns if name != key]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"CREATE TEMPORARY TABLE changed AS SELECT {_listed(rows)} FROM {table}"  # noqa: S608 - own names
                " WITH NO DATA"
            )
            _copy(cursor, "changed", rows)
            cursor.execute("ANALYZE changed")
            sets = ", ".join(f"{name} = changed.{name}" for name in quoted)
            same = f"{table}.{connection.ops.quote_name(key)} = changed.{key}"
            cursor.execute(f"UPDATE {table} SET {sets} FROM changed WHERE {same}")  # noqa: S608 - own names
            cursor.execute("DROP TABLE changed")
        else:
            sets = ", ".join(f"{name} = %s" for name in quoted)
            statement = f"UPDATE {table} SET {sets} WHERE {key} = %s"  # noqa: S608 - own names
            _each(cursor, statement, rows.select(pl.exclude(key), key))
    return len(rows)


def _each(cursor: Any, statement: str, rows: pl.DataFrame) -> None:
    """Run a statement for every row; its values are made from whole columns, a piece at a time."""
    for piece in rows.iter_slices(_ROWS_A_TEXT):
        columns = [column.to_list() for column in piece.get_columns()]
        cursor.executemany(statement, list(zip(*columns, strict=True)))


def _copy(cursor: Any, table: str, rows: pl.DataFrame) -> None:
    with cursor.copy(f"COPY {table} ({_listed(rows)}) FROM STDIN (FORMAT csv)") as stream:
        # Quoting every text keeps an empty one apart from NULL.
        stream.write(rows.write_csv(include_header=False, quote_style="non_numeric"))


def _listed(rows: pl.DataFrame) -> str:
    return ", ".join(connection.ops.quote_name(name) for name in rows.columns)


@contextmanager
def indexes_afterwards(model: type[models.Model], columns: Iterable[str]) -> Iterator[None]:
    """Take the model's declared indexes on any of the columns away; build them anew afterwards.

    For a change of most rows: entry by entry it would take several times as long. SQLite's readers
    see the table as it was meanwhile; on PostgreSQL they would have to wait, so nothing is done.
    """
    if connection.vendor != "sqlite":
        yield
        return
    changing = {field.name for field in model._meta.fields if field.column in set(columns)}
    declared = [
        index.name
        for index in model._meta.indexes
        if changing & {name for name, _ in index.fields_orders}
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'")
        built = dict(cursor.fetchall())
        for name in declared:
            cursor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")
        yield
        for name in declared:
            cursor.execute(built[name])


def insert(
    model: type[models.Model], columns: Mapping[str, Sequence[Any]], *, on_conflict: str = ""
) -> int:
    """Insert the rows that the columns make up; return how many there are.

    Args:
        model: whose table is meant.
        columns: values by field name, all of one length, as the field itself would take them.
        on_conflict: an `ON CONFLICT …` clause in the words that SQLite and PostgreSQL share.
    """
    fields: list[Any] = [model._meta.get_field(name) for name in columns]
    names = [connection.ops.quote_name(str(field.column)) for field in fields]
    table = connection.ops.quote_name(model._meta.db_table)
    marks = ", ".join(["%s"] * len(names))
    statement = " ".join(
        ["INSERT INTO", table, "(", ", ".join(names), ") VALUES (", marks, ")", on_conflict]
    )
    prepared = [
        _prepared(field, values) for field, values in zip(fields, columns.values(), strict=True)
    ]
    count = len(next(iter(columns.values()), ()))
    if count:
        rows = zip(*prepared, strict=True)
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql" and not on_conflict:
                copied = cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN")
                with connection.wrap_database_errors, copied as stream:
                    for row in rows:
                        stream.write_row(row)
            else:
                cursor.executemany(statement, list(rows))
    return count


def _prepared(field: Any, values: Iterable[Any]) -> Iterable[Any]:
    if isinstance(field, models.DateTimeField):
        return map(connection.ops.adapt_datetimefield_value, values)
    return values
