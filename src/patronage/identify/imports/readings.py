"""How does a raw column become a field's value, and when does it not?

Every function takes an Ibis column and returns its value with the checks that a row must pass.
Values that do not pass are NULL, so that nothing here stops a query.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import ibis

from patronage.identify.errors import FileUnfit
from patronage.identify.imports.sql_functions import (
    character,
    instant_at,
    local_to_utc,
    parsed_instant,
    zoned_instant,
)
from patronage.identify.mapping import Column
from patronage.vocabulary.money import CURRENCY_DECIMALS, currency_decimals

#: Amounts beyond this are refused: no retail line is worth ten trillion.
LARGEST_MAJOR: Final = 10**13
LARGEST_WHOLE: Final = 2**53
_MOST_DECIMALS: Final = 18
_OFFSET: Final = r"(Z|[+-]\d{2}(:?\d{2})?)$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that can be wrong with a row."""

    #: column of the file, as shown in the quarantine
    column: str
    #: Ibis condition, true where it is wrong
    broken: Any
    #: Ibis text or plain text: what is wrong
    reason: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A value and what it must pass."""

    #: Ibis column
    value: Any
    checks: tuple[Check, ...] = ()


def text_of(column: Any) -> Any:
    """Give a column as stripped text; what is empty is NULL. Whole floats lose their `.0`."""
    kind = column.type()
    if kind.is_string():
        return column.strip().nullif("")
    if kind.is_floating():
        whole = column.try_cast("int64")
        text = ibis.ifelse(whole.cast(kind) == column, whole.cast("string"), column.cast("string"))
        return ibis.ifelse(column.isnan(), ibis.null("string"), text)
    if kind.is_nested() or kind.is_binary():
        raise FileUnfit(f"Column {column.get_name()!r} holds {kind}. Write it as text or numbers.")
    return column.cast("string")


def found(column: Any) -> Any:
    """Say what stands there; only what looks like a number or date is quoted, all else counted."""
    text = column.cast("string")
    harmless = text.re_search(r"^[0-9TZ:.,/+\- ]{1,32}$")
    return ibis.ifelse(
        harmless,
        ibis.literal("found '") + text + ibis.literal("'"),
        ibis.literal("found text of ") + text.length().cast("string") + ibis.literal(" characters"),
    )


def reading(rule: Column, raw: Any, currency: Any) -> Reading:
    """Read one mapped column, its default and whether it may be empty included."""
    column = raw[rule.source]
    if rule.type == "text":
        read = _text(rule, column)
    elif rule.type == "whole":
        read = _whole(rule, column)
    elif rule.type == "number":
        read = _number(rule, column)
    elif rule.type == "money":
        read = _money(rule, column, currency)
    else:
        read = _instant(rule, column)
    if rule.nullable or rule.default is not None:
        return read
    empty = Check(column=rule.source, broken=absent(column), reason="it is empty")
    return Reading(value=read.value, checks=(empty, *read.checks))


def constant(rule: Column, text: str, currency: Any) -> Any:
    """Give the value of a constant; NULL where the text is not of the type."""
    row = {rule.source: ibis.literal(text)}
    return reading(rule, row, currency).value


def number_text(column: Any, decimal: str, *, exponent: bool = False) -> Any:
    """Give text as a plain number with a decimal point; NULL where it is none."""
    mark = r"\." if decimal == "." else ","
    power = "([eE][+-]?[0-9]{1,3})?" if exponent else ""
    plain = column.re_search(rf"^[+-]?[0-9]+({mark}[0-9]+)?{power}$")
    pointed = column.replace(",", ".") if decimal == "," else column
    return ibis.ifelse(plain, pointed, ibis.null("string"))


def absent(column: Any) -> Any:
    kind = column.type()
    if kind.is_string():
        return column.isnull() | (column.strip() == "")
    return column.isnull() | column.isnan() if kind.is_floating() else column.isnull()


def _filled(rule: Column, column: Any) -> Any:
    text = text_of(column)
    return text if rule.default is None else text.fill_null(rule.default)


def _not_read(rule: Column, column: Any, value: Any, expected: str) -> Check:
    return Check(
        column=rule.source,
        broken=~absent(column) & value.isnull(),
        reason=ibis.literal(f"expected {expected}, ") + found(column),
    )


def _text(rule: Column, column: Any) -> Reading:
    value = _filled(rule, column)
    nul = Check(column=rule.source, broken=has_nul(value), reason="it holds a NUL character")
    return Reading(value=value, checks=(nul,) if column.type().is_string() else ())


def has_nul(text: Any) -> Any:
    """Whether a text holds a NUL character, which no operational store keeps."""
    return text.contains(character(0))


def _whole(rule: Column, column: Any) -> Reading:
    kind = column.type()
    if kind.is_integer():
        value = column.cast("int64")
    elif kind.is_floating() or kind.is_decimal():
        whole = column.try_cast("int64")
        value = ibis.ifelse(
            whole.cast("float64") == column.cast("float64"), whole, ibis.null("int64")
        )
    else:
        text = text_of(column)
        plain = text.re_search(r"^[+-]?[0-9]+$")
        value = ibis.ifelse(plain, text, ibis.null("string")).try_cast("int64")
    value = ibis.ifelse(value.abs() <= LARGEST_WHOLE, value, ibis.null("int64"))
    if rule.default is not None:
        value = ibis.ifelse(absent(column), ibis.literal(rule.default).try_cast("int64"), value)
    return Reading(value=value, checks=(_not_read(rule, column, value, "a whole number"),))


def _number(rule: Column, column: Any) -> Reading:
    kind = column.type()
    if kind.is_numeric():
        value = column.cast("float64")
    else:
        value = number_text(text_of(column), rule.decimal).try_cast("float64")
    value = ibis.ifelse(value.isnan() | value.isinf(), ibis.null("float64"), value)
    if rule.default is not None:
        value = ibis.ifelse(absent(column), ibis.literal(rule.default).try_cast("float64"), value)
    example = "12.5" if rule.decimal == "." else "12,5"
    return Reading(
        value=value, checks=(_not_read(rule, column, value, f"a number such as {example}"),)
    )


def _money(rule: Column, column: Any, currency: Any) -> Reading:
    factor = (
        ibis.literal(10 ** currency_decimals(rule.currency)) if rule.currency else _factor(currency)
    )
    factor = ibis.literal(1) if rule.unit == "minor" else factor
    kind = column.type()
    if kind.is_floating():
        exact, rounded = _minor_of_float(column.cast("float64"), factor)
    else:
        text = column.cast("string") if kind.is_numeric() else text_of(column)
        mark = "." if kind.is_numeric() else rule.decimal
        # Floats written as text keep their noise as a power of ten, such as 1.4e-14.
        plain = number_text(text, mark, exponent=rule.round)
        exact, rounded = _minor_of_short_text(plain, factor)
    value = rounded if rule.round else exact
    unread = _not_read(
        rule, column, rounded, "an amount such as " + ("12.50" if rule.decimal == "." else "12,50")
    )
    finer = Check(
        column=rule.source,
        broken=value.isnull() & rounded.notnull(),
        reason=ibis.literal("more decimals than the currency has (round = true would round), ")
        + found(column),
    )
    if rule.default is not None:
        default, _ = _minor_of_text(number_text(ibis.literal(rule.default), "."), factor)
        value = ibis.ifelse(absent(column), default, value)
    return Reading(value=value, checks=(unread,) if rule.round else (unread, finer))


def _factor(currency: Any) -> Any:
    """Give minor units in a major one, by the row's own currency."""
    groups: dict[int, list[str]] = {}
    for code, decimals in CURRENCY_DECIMALS.items():
        groups.setdefault(decimals, []).append(code)
    return ibis.cases(
        *((currency.isin(codes), ibis.literal(10**decimals)) for decimals, codes in groups.items())
    )


def _minor_of_float(amount: Any, factor: Any) -> tuple[Any, Any]:
    """Give whole minor units: where the float is exactly that many, and rounded half to even.

    A float means the shortest decimal that denotes it. Nearly all are exact and need no decimals.
    """
    safe = ibis.ifelse(amount.abs() < LARGEST_MAJOR, amount, ibis.null("float64"))
    nearest = (safe * factor).round().cast("int64")
    is_exact = nearest.cast("float64") / factor == safe
    exact, rounded = _minor_of_text(safe.cast("string"), factor)
    return ibis.ifelse(is_exact, nearest, exact), ibis.ifelse(is_exact, nearest, rounded)


def _minor_of_short_text(text: Any, factor: Any) -> tuple[Any, Any]:
    """Like `_minor_of_text`, but quick for amounts of up to 14 digits.

    A double tells any two decimals of up to 15 digits apart, so the comparison is exact for them.
    """
    short = text.re_search(r"^[+-]?[0-9]{1,10}(\.[0-9]{1,4})?$")
    amount = ibis.ifelse(short, text, ibis.null("string")).try_cast("float64")
    nearest = (amount * factor).round().cast("int64")
    is_exact = (nearest.cast("float64") / factor == amount).fill_null(False)
    exact, rounded = _minor_of_text(text, factor)
    return ibis.ifelse(is_exact, nearest, exact), ibis.ifelse(is_exact, nearest, rounded)


def _minor_of_text(text: Any, factor: Any) -> tuple[Any, Any]:
    """Give whole minor units of a plain decimal: only where exact, and rounded half to even."""
    fits = ~text.re_search(rf"\.[0-9]{{{_MOST_DECIMALS + 1},}}$")
    major = ibis.ifelse(fits, text, ibis.null("string")).try_cast(f"decimal(38,{_MOST_DECIMALS})")
    small = major.abs() < LARGEST_MAJOR
    scaled = ibis.ifelse(small, major, ibis.null(major.type())) * factor
    floor = scaled.floor().cast("int64")
    rest = scaled - floor
    up = (rest > 0.5) | ((rest == 0.5) & (floor % 2 != 0))
    exact = ibis.ifelse(rest == 0, floor, ibis.null("int64"))
    return exact, ibis.ifelse(up, floor + 1, floor)


def _instant(rule: Column, column: Any) -> Reading:
    value, expected = _instant_value(rule, column)
    return Reading(value=value, checks=(_not_read(rule, column, value, expected),))


def _instant_value(rule: Column, column: Any) -> tuple[Any, str]:
    kind = column.type()
    if rule.type == "date":
        day, expected = _day(rule, column)
        shifted = day + ibis.interval(days=1) if rule.at == "end" else day
        return local_to_utc(rule.time_zone, shifted.cast("timestamp")), expected
    if kind.is_timestamp():
        zoned = kind.timezone is not None
        value = column.cast("timestamp('UTC')") if zoned else local_to_utc(rule.time_zone, column)
        return value, "an instant"
    if rule.unit in ("seconds", "milliseconds"):
        number = text_of(column).try_cast("int64")
        per_second = 1 if rule.unit == "seconds" else 1000
        safe = ibis.ifelse(number.abs() < 10**10 * per_second, number, ibis.null("int64"))
        return instant_at(safe * (1_000_000 // per_second)), f"{rule.unit} since 1970"
    text = text_of(column)
    if rule.format is not None:
        local = local_to_utc(rule.time_zone, parsed_instant(text, rule.format))
        return local, f"an instant as {rule.format}"
    with_offset = text.re_search(r":\d{2}.*" + _OFFSET)
    return (
        ibis.ifelse(
            with_offset,
            zoned_instant(text),
            local_to_utc(rule.time_zone, text.try_cast("timestamp")),
        ),
        "an instant such as 2017-01-31T09:30:00",
    )


def _day(rule: Column, column: Any) -> tuple[Any, str]:
    kind = column.type()
    if kind.is_date():
        return column, "a date"
    if kind.is_timestamp():
        midnight = column.truncate("D") == column
        return ibis.ifelse(midnight, column.date(), ibis.null("date")), "a date without a time"
    text = text_of(column)
    if rule.format is not None:
        return parsed_instant(text, rule.format).date(), f"a date as {rule.format}"
    plain = text.re_search(r"^\d{4}-\d{2}-\d{2}$")
    return (
        ibis.ifelse(plain, text, ibis.null("string")).try_cast("date"),
        "a date such as 2017-01-31",
    )
