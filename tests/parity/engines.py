"""The engines a rule runs in, each as a function from predicates and records to answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

import duckdb
import polars as pl
import psycopg

from patronage.vocabulary.fields import Field, FieldCatalog
from patronage.vocabulary.predicates import Policy, Predicate

Record: TypeAlias = dict[str, Any]
Answers: TypeAlias = list[list[bool | None]]


class Engine(Protocol):
    """Answers of every predicate, in order, each for every record."""

    def __call__(
        self,
        predicates: Sequence[Predicate],
        records: Sequence[Record],
        fields: FieldCatalog = ...,
        /,
    ) -> Answers: ...


#: Two fields of each type, so that fields meet fields; ``cost`` is a decimal column.
FIELDS = FieldCatalog(
    [
        Field("orders", int),
        Field("visits", int),
        Field("spend", float),
        Field("cost", Decimal),
        Field("region", str),
        Field("name", str),
        Field("active", bool),
        Field("vip", bool),
        Field("last_order", date),
        Field("joined", date),
    ]
)
_POLARS: dict[type, Any] = {
    int: pl.Int64,
    float: pl.Float64,
    Decimal: pl.Decimal(18, 4),
    str: pl.String,
    bool: pl.Boolean,
    date: pl.Date,
}
_SQL = {
    int: "BIGINT",
    float: "DOUBLE PRECISION",
    Decimal: "DECIMAL(18, 4)",
    str: "VARCHAR",
    bool: "BOOLEAN",
    date: "DATE",
}
#: Columns of one query; DuckDB's optimizer takes more than a second for very wide ones.
_WIDTH = 50


def fused_one_by_one(
    predicates: Sequence[Predicate], records: Sequence[Record], fields: FieldCatalog = FIELDS
) -> Answers:
    return [[predicate.evaluate(record) for record in records] for predicate in predicates]


def fused_policy(
    predicates: Sequence[Predicate], records: Sequence[Record], fields: FieldCatalog = FIELDS
) -> Answers:
    policy = Policy.compile(predicates)
    rows = [policy(record) for record in records]
    return [list(column) for column in zip(*rows, strict=True)]


def polars_columns(
    predicates: Sequence[Predicate], records: Sequence[Record], fields: FieldCatalog = FIELDS
) -> Answers:
    schema = {name: _POLARS[field.type] for name, field in fields.items()}
    frame = pl.DataFrame(list(records), schema=schema, orient="row")
    answers = frame.with_columns(
        predicate.to_polars().alias(f"answer_{at}") for at, predicate in enumerate(predicates)
    )
    return [answers[f"answer_{at}"].to_list() for at in range(len(predicates))]


def duckdb_sql(
    predicates: Sequence[Predicate], records: Sequence[Record], fields: FieldCatalog = FIELDS
) -> Answers:
    return duckdb_conditions([each.to_sql("duckdb") for each in predicates], records, fields)


def duckdb_conditions(
    conditions: Sequence[str], records: Sequence[Record], fields: FieldCatalog = FIELDS
) -> Answers:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE customer ({_columns(fields)})")
        marks = ", ".join("?" for _ in range(len(fields) + 1))
        connection.executemany(f"INSERT INTO customer VALUES ({marks})", _rows(records, fields))
        return _asked(lambda query: connection.execute(query).fetchall(), conditions)


def postgres_sql(
    predicates: Sequence[Predicate], records: Sequence[Record], fields: FieldCatalog = FIELDS
) -> Answers:
    with psycopg.connect(os.environ["PATRONAGE_TEST_POSTGRES_URL"]) as connection:
        connection.execute(f"CREATE TEMPORARY TABLE customer ({_columns(fields)})")
        marks = ", ".join("%s" for _ in range(len(fields) + 1))
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO customer VALUES ({marks})", _rows(records, fields))
        conditions = [each.to_sql("postgres") for each in predicates]
        return _asked(lambda query: connection.execute(query.encode()).fetchall(), conditions)


def engines() -> dict[str, Engine]:
    """Every engine on this machine; PostgreSQL where the environment names one."""
    found: dict[str, Engine] = {
        "one by one": fused_one_by_one,
        "policy": fused_policy,
        "Polars": polars_columns,
        "DuckDB": duckdb_sql,
    }
    if os.environ.get("PATRONAGE_TEST_POSTGRES_URL"):
        found["PostgreSQL"] = postgres_sql
    return found


def disagreements(
    engine: Engine,
    other: Engine,
    predicates: Sequence[Predicate],
    records: Sequence[Record],
    fields: FieldCatalog = FIELDS,
) -> list[str]:
    """Say, rule by rule and record by record, where two engines answer differently."""
    found = []
    for predicate, left, right in zip(
        predicates,
        engine(predicates, records, fields),
        other(predicates, records, fields),
        strict=True,
    ):
        for record, one, another in zip(records, left, right, strict=True):
            # Identity: True and 1 must not pass for one another.
            if one is not another:
                used = {name: record[name] for name in predicate.fields_used}
                found.append(f"{predicate.text}: {one} against {another} for {used}")
    return found


def _columns(fields: FieldCatalog) -> str:
    typed = (f'"{name}" {_SQL[field.type]}' for name, field in fields.items())
    return "row_number INTEGER, " + ", ".join(typed)


def _rows(records: Iterable[Record], fields: FieldCatalog) -> list[list[Any]]:
    return [[at, *(record[name] for name in fields)] for at, record in enumerate(records)]


def _asked(query: Callable[[str], list[Any]], conditions: Sequence[str]) -> Answers:
    answers: Answers = []
    for start in range(0, len(conditions), _WIDTH):
        listed = ", ".join(conditions[start : start + _WIDTH])
        rows = query(f"SELECT {listed} FROM customer ORDER BY row_number")
        answers += [list(column) for column in zip(*rows, strict=True)]
    return answers
