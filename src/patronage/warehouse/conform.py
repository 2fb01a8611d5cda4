"""Do the rows offered fit the dataset, and how do they become its columns?

Unknown columns and types that could lose something on the way are refused before anything is
written. What only the values can tell (a NULL in a required column, a word that is not on the
list, a number that is not one) is asked of the written files before a manifest names them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ibis

from patronage.warehouse.columns import Column, ColumnType, Dataset
from patronage.warehouse.errors import RowsDoNotFit
from patronage.warehouse.untyped import Table


def conform(dataset: Dataset, table: Table, *, untyped: Iterable[str] = ()) -> Table:
    """Return `table` with exactly the dataset's columns, typed, ordered and sorted.

    Args:
        dataset: the declaration to fit.
        table: Ibis table of the rows offered, columns in any order.
        untyped: columns of `table` that hold NULL only and have no type of their own.

    Raises:
        RowsDoNotFit: a column is unknown, missing or of a type that cannot be kept exactly.
    """
    offered = {name: kind for name, kind in table.schema().items() if name not in set(untyped)}
    reasons = list(_misfits(dataset, offered))
    if reasons:
        raise RowsDoNotFit(dataset.name, reasons)
    return table.select(
        **{
            column.name: table[column.name].cast(column.type.value)
            if column.name in offered
            else ibis.null(column.type.value)
            for column in dataset.columns
        }
    ).order_by(list(dataset.sort_by))


def faults(dataset: Dataset, table: Table) -> list[str]:
    """Return what is wrong with the values of written rows, one sentence a column."""
    questions: dict[str, Any] = {}
    for column in dataset.columns:
        questions |= _questions(column, table[column.name])
    if not questions:
        return []
    answers = table.aggregate(**questions).to_pyarrow().to_pylist()[0]
    return [f"{name} in {count} rows" for name, count in answers.items() if count]


def _misfits(dataset: Dataset, offered: dict[str, Any]) -> Iterable[str]:
    declared = {column.name: column for column in dataset.columns}
    unknown = sorted(set(offered) - set(declared))
    if unknown:
        yield f"unknown columns {', '.join(unknown)}"
    missing = [
        column.name
        for column in dataset.columns
        if column.name not in offered and not column.nullable
    ]
    if missing:
        yield f"missing required columns {', '.join(missing)}"
    for name, kind in offered.items():
        column = declared.get(name)
        if column is not None and not _keeps(kind, column.type):
            yield f"column {name} is {kind}, expected {_expected(column.type)}"


def _keeps(offered: Any, wanted: ColumnType) -> bool:
    """Whether every value of the offered type has an exact place in the wanted one.

    Whole numbers of other widths pass: the engine refuses those that overflow.
    """
    whole = offered.is_integer() or (offered.is_decimal() and offered.scale == 0)
    match wanted:
        case ColumnType.STRING:
            return bool(offered.is_string())
        case ColumnType.BOOLEAN:
            return bool(offered.is_boolean())
        case ColumnType.INT8 | ColumnType.INT32 | ColumnType.INT64:
            return bool(whole)
        case ColumnType.FLOAT64:
            return bool(whole or offered.is_floating() or offered.is_decimal())
        case ColumnType.DATE:
            return bool(offered.is_date())
        case ColumnType.INSTANT:
            return bool(offered.is_timestamp() and offered.timezone is not None)


def _expected(wanted: ColumnType) -> str:
    return "a timestamp with a time zone" if wanted is ColumnType.INSTANT else wanted.value


def _questions(column: Column, values: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    if not column.nullable:
        asked[f"{column.name} is NULL"] = values.isnull().sum()
    if column.type is ColumnType.FLOAT64:
        asked[f"{column.name} is not a finite number"] = (values.isnan() | values.isinf()).sum()
    if column.values:
        asked[f"{column.name} is none of {', '.join(column.values)}"] = values.notin(
            list(column.values)
        ).sum()
    return asked
