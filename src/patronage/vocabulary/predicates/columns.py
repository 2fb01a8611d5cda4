"""How is a rule run for all customers? Gives it as a Polars expression over columns."""

from __future__ import annotations

import functools
from datetime import date
from operator import add, and_, eq, ge, gt, le, lt, mul, ne, or_, sub
from typing import Any

import polars as pl

from patronage.vocabulary.predicates.limits import (
    LARGEST_OPERAND,
    SMALLEST_DIVISOR,
    SMALLEST_OPERAND,
)
from patronage.vocabulary.predicates.nodes import (
    NUMERIC,
    All,
    Always,
    Arithmetic,
    Between,
    Compare,
    Condition,
    FieldRef,
    IsUnknown,
    Kind,
    Literal,
    Negate,
    Not,
    OneOf,
    Scalar,
    Some,
    StartsWith,
    fields_of,
)

_COMPARISONS: dict[str, Any] = {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_ARITHMETIC: dict[str, Any] = {"+": add, "-": sub, "*": mul}
#: Polars counts days from 1970, Python from year 1.
_EPOCH = date(1970, 1, 1).toordinal()


def to_expression(node: Condition) -> pl.Expr:
    """Give a nullable boolean expression; a rule without fields gives one value, not a column."""
    match node:
        case FieldRef(_, name):
            return pl.col(name)
        case Always(value):
            return pl.lit(value)
        case Not(part):
            return ~to_expression(part)
        case All(parts):
            return functools.reduce(and_, map(to_expression, parts))
        case Some(parts):
            return functools.reduce(or_, map(to_expression, parts))
        case Compare(operator, left, right):
            return _compare(operator, left, right)
        case Between(operand, low, high):
            return _compare(">=", operand, low) & _compare("<=", operand, high)
        case OneOf(operand, options):
            return _one_of(operand, options)
        case IsUnknown(field):
            return _read(field).is_null()
        case StartsWith(operand, prefix):
            text = _read(operand).cast(pl.String)
            return text.str.starts_with(prefix)


def _compare(operator: str, left: Scalar, right: Scalar) -> pl.Expr:
    as_double = left.kind in NUMERIC and left.kind is not right.kind
    in_order = left.kind is Kind.TEXT and operator not in ("=", "<>")
    as_days = left.kind is Kind.DAYS or any(isinstance(e, Arithmetic) for e in (left, right))
    values = []
    for each in (left, right):
        value = _value(each, as_double=as_double, as_days=as_days)
        if in_order and isinstance(each, FieldRef):
            value = value.cast(pl.String)
        values.append(value)
    answer: pl.Expr = _COMPARISONS[operator](*values)
    return answer


def _one_of(operand: Scalar, options: tuple[Literal, ...]) -> pl.Expr:
    as_double = operand.kind in NUMERIC and {operand.kind} != {each.kind for each in options}
    as_days = isinstance(operand, Arithmetic)
    value = _value(operand, as_double=as_double, as_days=as_days)
    number = as_double or operand.kind is Kind.NUMBER
    listed = [_plain(each, number=number, as_days=as_days) for each in options]
    return value.is_in(listed)


def _value(node: Scalar, *, as_double: bool, as_days: bool) -> pl.Expr:
    match node:
        case FieldRef(Kind.INTEGER, name) if as_double:
            return pl.col(name).cast(pl.Float64)
        case FieldRef(Kind.DATE, _) if as_days:
            return _operand(node)
        case FieldRef():
            return _read(node)
        case Literal():
            number = as_double or node.kind is Kind.NUMBER
            return pl.lit(_plain(node, number=number, as_days=as_days))
        case _:
            return _operand(node)


def _operand(node: Scalar) -> pl.Expr:
    match node:
        case FieldRef(Kind.DATE, name):
            return pl.col(name).cast(pl.Int32).cast(pl.Int64)
        case FieldRef(Kind.NUMBER, name):
            return _bounded(pl.col(name).cast(pl.Float64))
        case FieldRef(_, name):
            return pl.col(name).cast(pl.Float64)
        case Literal(kind, _):
            return pl.lit(_plain(node, number=kind in NUMERIC, as_days=True))
        case Negate(operand):
            return -_operand(operand)
        case Arithmetic(_, "/", left, right):
            return _divided(left, right)
        case Arithmetic(_, operator, left, right):
            result: pl.Expr = _ARITHMETIC[operator](_operand(left), _operand(right))
            return result


def _divided(left: Scalar, right: Scalar) -> pl.Expr:
    divisor = _operand(right)
    safe: pl.Expr = pl.when(divisor.abs() >= SMALLEST_DIVISOR).then(divisor)
    fields = fields_of(left)
    if fields:
        # Polars multiplies a column by the reciprocal of a constant, which rounds differently
        # (0.3 / 0.1). Adding a zero that depends on the dividend makes the divisor a column too.
        unknown = functools.reduce(or_, (pl.col(each.name).is_null() for each in fields))
        safe = safe + unknown.cast(pl.Float64) * 0.0
    return _operand(left) / safe


def _read(node: Scalar) -> pl.Expr:
    """Read a field as it is compared: numbers that are not finite become unknown."""
    name = node.name if isinstance(node, FieldRef) else ""
    column: pl.Expr = pl.col(name)
    if node.kind is Kind.NUMBER:
        column = column.cast(pl.Float64)
        column = pl.when(column.is_finite()).then(column)
    return column


def _bounded(column: pl.Expr) -> pl.Expr:
    """Make unknown what arithmetic would take out of safe bounds."""
    size = column.abs()
    usable = ((size >= SMALLEST_OPERAND) & (size <= LARGEST_OPERAND)) | (size == 0.0)
    return pl.when(usable).then(column)


def _plain(node: Literal, *, number: bool, as_days: bool) -> Any:
    if isinstance(node.value, date):
        return node.value.toordinal() - _EPOCH if as_days else node.value
    return float(node.value) if number and isinstance(node.value, int) else node.value
