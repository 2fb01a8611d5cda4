"""Writes many rows from columns at once: no model object, no statement a row in Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, models


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
