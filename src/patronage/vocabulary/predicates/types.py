"""Does a rule make sense? Checks the types and the sizes of every node of a tree."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NoReturn

from patronage.vocabulary.fields import Field
from patronage.vocabulary.predicates.constants import number_of
from patronage.vocabulary.predicates.limits import (
    LARGEST_EXPONENT,
    LARGEST_INTERVAL_DAYS,
    LARGEST_LITERAL,
    LARGEST_OPERAND,
    SMALLEST_DIVISOR,
    SMALLEST_LITERAL,
    SMALLEST_OPERAND,
)
from patronage.vocabulary.predicates.nodes import (
    NUMERIC,
    All,
    Always,
    Arithmetic,
    Between,
    Compare,
    FieldRef,
    IsUnknown,
    Kind,
    Literal,
    Negate,
    Node,
    Not,
    OneOf,
    Some,
    StartsWith,
    fields_of,
    walk,
)
from patronage.vocabulary.sentences import Sentence

#: Raises the right error for a node: reason, then advice.
Refuse = Callable[[Node, str, str], NoReturn]

_KINDS: dict[type, Kind] = {
    int: Kind.INTEGER,
    float: Kind.NUMBER,
    Decimal: Kind.NUMBER,
    str: Kind.TEXT,
    bool: Kind.BOOLEAN,
    date: Kind.DATE,
}
_WORDS = {
    Kind.INTEGER: Sentence("a number"),
    Kind.NUMBER: Sentence("a number"),
    Kind.TEXT: Sentence("a text"),
    Kind.BOOLEAN: Sentence("true or false"),
    Kind.DATE: Sentence("a date"),
    Kind.DAYS: Sentence("a number of days"),
}
#: The same where a sentence begins with it.
_FIRST_WORDS = {
    Kind.INTEGER: Sentence("A number"),
    Kind.NUMBER: Sentence("A number"),
    Kind.TEXT: Sentence("A text"),
    Kind.BOOLEAN: Sentence("True or false"),
    Kind.DATE: Sentence("A date"),
    Kind.DAYS: Sentence("A number of days"),
}
#: Result of + and - by the kinds of the two sides; numbers are handled apart.
_DATE_RESULTS = {
    ("+", Kind.DATE, Kind.DAYS): Kind.DATE,
    ("+", Kind.DAYS, Kind.DATE): Kind.DATE,
    ("+", Kind.DAYS, Kind.DAYS): Kind.DAYS,
    ("-", Kind.DATE, Kind.DAYS): Kind.DATE,
    ("-", Kind.DATE, Kind.DATE): Kind.DAYS,
    ("-", Kind.DAYS, Kind.DAYS): Kind.DAYS,
}


def kind_of_field(field: Field) -> Kind:
    """Give the language's type of a declared field."""
    return _KINDS[field.type]


def result_kind(operator: str, left: Kind, right: Kind) -> Kind | None:
    """Give the kind of ``left operator right``, or None when it has no meaning."""
    if left in NUMERIC and right in NUMERIC:
        return Kind.NUMBER
    return _DATE_RESULTS.get((operator, left, right))


def check_condition(node: Node, refuse: Refuse, units: Mapping[str, str | None]) -> None:
    """Refuse the first node, left to right, that makes no sense. Depth is bounded before."""
    match node:
        case Always():
            return
        case FieldRef(kind, name):
            if kind is not Kind.BOOLEAN:
                refuse(
                    node,
                    Sentence(
                        "%(name)s is %(words)s, not a condition.", name=name, words=_WORDS[kind]
                    ),
                    Sentence("Compare it with something, as in %(name)s = …", name=name),
                )
        case All(parts) | Some(parts):
            for part in parts:
                check_condition(part, refuse, units)
        case Not(part):
            check_condition(part, refuse, units)
        case IsUnknown(field):
            check_scalar(field, refuse, units)
        case Compare(operator, left, right):
            _check_compared(node, (left, right), operator, refuse, units)
        case Between(operand, low, high):
            _check_compared(node, (operand, low, high), "BETWEEN", refuse, units)
        case OneOf(operand, options):
            _check_compared(node, (operand, *options), "IN", refuse, units)
            if not options:
                refuse(node, "The list after IN is empty.", "Write at least one value in it.")
        case StartsWith(operand, prefix):
            _check_prefix(node, operand, prefix, refuse, units)
        case _:
            refuse(node, "A value stands where a condition belongs.", "Compare it with something.")


def check_scalar(node: Node, refuse: Refuse, units: Mapping[str, str | None]) -> None:
    """Refuse a value that makes no sense."""
    match node:
        case FieldRef():
            return
        case Literal():
            _check_literal(node, refuse)
        case Negate(operand, kind):
            check_scalar(operand, refuse, units)
            if operand.kind not in NUMERIC or kind is not Kind.NUMBER:
                refuse(
                    node,
                    Sentence(
                        "Minus is for numbers; this is %(words)s.", words=_WORDS[operand.kind]
                    ),
                    "Remove it.",
                )
            if isinstance(operand, Literal):
                refuse(node, "Minus stands apart from its number.", "Store the negative number.")
        case Arithmetic():
            _check_arithmetic(node, refuse, units)
        case _:
            refuse(
                node,
                "A condition stands where a value belongs.",
                "Join conditions with AND, OR and NOT; compare only values.",
            )


def _check_compared(
    node: Node,
    values: tuple[Node, ...],
    operator: str,
    refuse: Refuse,
    units: Mapping[str, str | None],
) -> None:
    for value in values:
        check_scalar(value, refuse, units)
        _size(value, refuse)
    kinds = [
        value.kind
        for value in values
        if isinstance(value, FieldRef | Literal | Negate | Arithmetic)
    ]
    first = kinds[0]
    for value, kind in zip(values, kinds, strict=True):
        if kind is not first and not (kind in NUMERIC and first in NUMERIC):
            refuse(
                value,
                Sentence(
                    "%(first)s is compared with %(words)s.",
                    first=_FIRST_WORDS[first],
                    words=_WORDS[kind],
                ),
                _conversion(first, kind),
            )
    if first is Kind.BOOLEAN and operator not in ("=", "<>", "IN"):
        refuse(node, "True and false have no order.", "Compare with = or <>.")
    if not fields_of(node):
        refuse(node, "Two constants are compared: the answer never changes.", "Name a field in it.")
    _check_units(node, values, refuse, units)


def _check_prefix(
    node: Node, operand: Node, prefix: str, refuse: Refuse, units: Mapping[str, str | None]
) -> None:
    check_scalar(operand, refuse, units)
    if not isinstance(operand, FieldRef) or operand.kind is not Kind.TEXT:
        refuse(operand, "LIKE asks about a text field only.", "Name a text field before it.")
    if not isinstance(prefix, str) or not prefix or any(c in "%_\\" for c in prefix):
        refuse(
            node,
            "LIKE takes the start of a text followed by one %, as in 'abc%'.",
            "For a whole text use =. Starts that hold %, _ or a backslash cannot be asked for.",
        )
    _check_literal(Literal(Kind.TEXT, prefix), refuse)


def _check_literal(node: Literal, refuse: Refuse) -> None:
    value = node.value
    sound = {
        Kind.INTEGER: type(value) is int,
        Kind.NUMBER: type(value) is float,
        Kind.TEXT: type(value) is str,
        Kind.BOOLEAN: type(value) is bool,
        Kind.DATE: isinstance(value, date) and not isinstance(value, datetime),
        Kind.DAYS: type(value) is int,
    }[node.kind]
    if sound and isinstance(value, str):
        sound = "\x00" not in value and not any("\ud800" <= each <= "\udfff" for each in value)
    if sound and node.kind is Kind.DAYS and isinstance(value, int):
        sound = abs(value) <= LARGEST_INTERVAL_DAYS
    if sound and node.kind in NUMERIC and isinstance(value, int | float):
        # Written so that NaN fails both comparisons.
        sound = value == 0 or SMALLEST_LITERAL <= abs(value) <= LARGEST_LITERAL
    if not sound:
        refuse(
            node,
            Sentence(
                "%(value)r is not %(words)s that a rule can hold.",
                value=value,
                words=_WORDS[node.kind],
            ),
            "Write a value of its type and within bounds.",
        )


def _check_arithmetic(node: Arithmetic, refuse: Refuse, units: Mapping[str, str | None]) -> None:
    check_scalar(node.left, refuse, units)
    check_scalar(node.right, refuse, units)
    kind = result_kind(node.operator, node.left.kind, node.right.kind)
    if node.operator not in ("+", "-", "*", "/") or kind is None or kind is not node.kind:
        refuse(
            node,
            Sentence(
                "%(first)s %(operator)s %(words)s has no meaning.",
                first=_FIRST_WORDS[node.left.kind],
                operator=node.operator,
                words=_WORDS[node.right.kind],
            ),
            "Calculate with two numbers, or with dates and days.",
        )
    if node.operator in ("+", "-"):
        _check_units(node, (node.left, node.right), refuse, units)


def _check_units(
    node: Node, values: tuple[Node, ...], refuse: Refuse, units: Mapping[str, str | None]
) -> None:
    named = {
        value.name: units[value.name]
        for value in values
        if isinstance(value, FieldRef) and units.get(value.name)
    }
    if len(set(named.values())) > 1:
        parts = " and ".join(f"{name} ({unit})" for name, unit in named.items())
        refuse(
            node,
            Sentence("The units differ: %(parts)s.", parts=parts),
            "Bring both to one unit first.",
        )


def _conversion(expected: Kind, found: Kind) -> str:
    if expected is Kind.DATE and found is Kind.TEXT:
        return "Write the date as DATE '2024-12-31'."
    if expected is Kind.DAYS and found in NUMERIC:
        return "Write the days as INTERVAL '30' DAY."
    if expected in NUMERIC and found is Kind.TEXT:
        return "Write the number without quotes."
    return Sentence("Compare %(words)s with %(words)s.", words=_WORDS[expected])


@dataclass(frozen=True, slots=True)
class _Size:
    """Decimal exponents of a value: none is larger, none finer-grained."""

    largest: float
    grain: float


_FIELD_SIZES = {
    Kind.INTEGER: _Size(19.0, 0.0),
    Kind.NUMBER: _Size(math.log10(LARGEST_OPERAND), math.log10(SMALLEST_OPERAND) - 16),
}


def _size(node: Node, refuse: Refuse) -> _Size:
    """Bound a number so that no engine can overflow or underflow; other kinds cannot."""
    match node:
        case FieldRef(kind, _):
            size = _FIELD_SIZES.get(kind, _Size(0, 0))
        case Literal(Kind.INTEGER | Kind.NUMBER):
            size = _Size(16.0, -32.0)
        case Negate(operand):
            size = _size(operand, refuse)
        case Arithmetic(kind, operator, left, right):
            if operator == "/":
                divisor = number_of(right)
                if divisor is not None and abs(divisor) < SMALLEST_DIVISOR:
                    refuse(
                        right,
                        "This divides by zero."
                        if divisor == 0
                        else Sentence(
                            "This divides by %(divisor)r, which counts as zero.", divisor=divisor
                        ),
                        "Divide by another number.",
                    )
            if operator == "/" and any(
                isinstance(each, Arithmetic) and each.operator == "/" for each in walk(right)
            ):
                # Engines name the divisor twice, so nested ones would double at every level.
                refuse(right, "A divisor divides again.", "Write x * z / y for x / (y / z).")
            size = _combined(operator, _size(left, refuse), _size(right, refuse))
            if kind is Kind.NUMBER and max(size.largest, -size.grain) > LARGEST_EXPONENT:
                refuse(
                    node,
                    "The result may be too large or too small for a number.",
                    "Multiply or divide fewer values in one expression.",
                )
        case _:
            size = _Size(0, 0)
    return size


def _combined(operator: str, left: _Size, right: _Size) -> _Size:
    if operator == "*":
        return _Size(left.largest + right.largest, left.grain + right.grain)
    if operator == "/":
        return _Size(left.largest - math.log10(SMALLEST_DIVISOR), left.grain - right.largest - 16)
    return _Size(max(left.largest, right.largest) + 0.31, min(left.grain, right.grain))
