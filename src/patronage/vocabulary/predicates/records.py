"""What does a record's value mean to a rule? Turns one Python value into what the rules compare.

Unknown numbers and dates become one NaN, which every comparison answers with False; unknown texts
become one text that no rule can name; unknown booleans stay None.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from numbers import Integral, Real

from patronage.vocabulary.predicates.errors import RecordError
from patronage.vocabulary.predicates.limits import (
    LARGEST_DOUBLE,
    LARGEST_OPERAND,
    SMALLEST_DIVISOR,
    SMALLEST_OPERAND,
)

#: The one unknown number. Sets find it by identity, so nobody may make another.
NAN = float("nan")
#: The one unknown text, known by identity. No literal equals it: rules refuse broken Unicode.
NO_TEXT = "\ud800 unknown"
_SMALLEST_INTEGER, _LARGEST_INTEGER = -(2**63), 2**63 - 1
#: Up to here every integer is a double.
_LARGEST_EXACT = 2**53


def to_integer(name: str, value: object) -> int | float:
    """Give a 64-bit integer, as a double where that is exact, or NAN for what is missing."""
    value = _plain(value)
    if value is None:
        return NAN
    if isinstance(value, Integral) and not isinstance(value, bool):
        whole = int(value)
        if -_LARGEST_EXACT <= whole <= _LARGEST_EXACT:
            return float(whole)
        return whole if _SMALLEST_INTEGER <= whole <= _LARGEST_INTEGER else NAN
    if isinstance(value, float | Decimal):
        number = to_number(name, value)
        if number != number:
            return NAN
        if number == value == int(value):
            return to_integer(name, int(value))
    raise _wrong(name, "a whole number", value)


def to_number(name: str, value: object) -> float:
    """Give a finite double, or NAN for what is missing, infinite or not a number."""
    value = _plain(value)
    if value is None:
        return NAN
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        raise _wrong(name, "a number", value)
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return NAN
    return number if -LARGEST_DOUBLE <= number <= LARGEST_DOUBLE else NAN


def to_text(name: str, value: object) -> str:
    """Give a plain text, or NO_TEXT for what is missing."""
    value = _plain(value)
    if value is None:
        return NO_TEXT
    if isinstance(value, str):
        return str.__str__(value)
    raise _wrong(name, "a text", value)


def to_boolean(name: str, value: object) -> bool | None:
    """Give true or false, or None for what is missing."""
    value = _plain(value)
    if value is None or isinstance(value, bool):
        return value
    raise _wrong(name, "true or false", value)


def to_day(name: str, value: object) -> float:
    """Give the date's ordinal number, or NAN for what is missing."""
    if value is None:
        return NAN
    if isinstance(value, date) and not isinstance(value, datetime):
        return float(value.toordinal())
    raise _wrong(name, "a date", value)


def to_operand(number: float) -> float:
    """Give the double that arithmetic works with, or NAN where it would leave safe bounds."""
    if SMALLEST_OPERAND <= number <= LARGEST_OPERAND or number == 0:
        return number + 0.0
    return number if -LARGEST_OPERAND <= number <= -SMALLEST_OPERAND else NAN


def to_double(number: float) -> float:
    """Give an integer as a double; NAN stays the one NAN."""
    return number + 0.0 if number == number else NAN


def divide(dividend: float, divisor: float) -> float:
    """Divide; unknown where the divisor is unknown or as good as zero."""
    if divisor >= SMALLEST_DIVISOR or divisor <= -SMALLEST_DIVISOR:
        return dividend / divisor
    return NAN


CONVERTERS: dict[str, Callable[..., object]] = {
    function.__name__: function
    for function in (
        to_integer,
        to_number,
        to_text,
        to_boolean,
        to_day,
        to_operand,
        to_double,
        divide,
    )
}


def _plain(value: object) -> object:
    """Unwrap a NumPy scalar without importing NumPy."""
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "ndim", None) == 0 else value


def _wrong(name: str, expected: str, found: object) -> RecordError:
    return RecordError(
        f"Field {name!r} of the record should be {expected} or None, "
        f"found {type(found).__name__} {found!r:.60}. Convert it before asking the rules."
    )
