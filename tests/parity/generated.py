"""Seeded predicates and records that reach every node of the language and every kind of value."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

from .engines import FIELDS

_INTEGERS = [
    0,
    1,
    -1,
    2,
    3,
    7,
    100,
    2**31,
    2**53 - 1,
    2**53 + 1,
    -(2**53) - 1,
    2**63 - 1,
    -(2**63) + 1,
    -(2**63),
]
_DOUBLES = [
    0.0,
    -0.0,
    0.1,
    0.3,
    1.0,
    -1.5,
    2.0,
    3.0,
    99.99,
    1e-9,
    5e-10,
    1e-40,
    1e17,
    9007199254740992.0,
    1e300,
    -1e308,
    5e-324,
    math.inf,
    -math.inf,
    math.nan,
]
_DECIMALS = [
    Decimal(text) for text in ("0", "0.1", "-0.1", "1", "2.5", "3", "99.99", "12345678901234.5678")
]
_TEXTS = [
    "",
    "a",
    "A",
    "b",
    "ab",
    "abc",
    "north",
    "North",
    "Zürich",
    "zürich",
    "é",
    "e\u0301",
    "it's",
    'quo"te',
    "back\\slash",
    "per%cent",
    "under_score",
    " a",
    "10",
    "𝔘",
    "ﬀ",
    "\uffff",
    "line\nbreak",
    "%",
    "ß",
]
_DATES = [
    date(1, 1, 1),
    date(1969, 12, 31),
    date(1970, 1, 1),
    date(2023, 12, 31),
    date(2024, 2, 29),
    date(2024, 3, 1),
    date(2024, 12, 31),
    date(9999, 12, 31),
]
_VALUES: dict[type, list[Any]] = {
    int: _INTEGERS,
    float: _DOUBLES,
    Decimal: _DECIMALS,
    str: _TEXTS,
    bool: [True, False],
    date: _DATES,
}
_COMPARISONS = ["=", "<>", "<", "<=", ">", ">="]
_NUMBERS = [
    "0",
    "1",
    "-1",
    "2",
    "3",
    "7",
    "100",
    "0.1",
    "0.3",
    "-1.5",
    "2.0",
    "99.99",
    "2.5",
    "9007199254740991",
    "-9007199254740991",
    "1e-9",
    "1e-15",
    "2147483648",
]
_DIVISORS = frozenset(number for number in _NUMBERS if abs(float(number)) >= 1e-9)


def record(random: Random) -> dict[str, Any]:
    """One customer, each field unknown one time in five, one known value in four drawn at large."""
    return {
        name: None if random.random() < 0.2 else _value(random, field.type)
        for name, field in FIELDS.items()
    }


def _value(random: Random, type: type) -> Any:
    return random.choice(_VALUES[type]) if random.random() < 0.75 else _AT_LARGE[type](random)


def _double(random: Random) -> float:
    """Any finite double with equal chance of each exponent, so that every size is met."""
    bits = random.getrandbits(64)
    number = struct.unpack("<d", struct.pack("<Q", bits))[0]
    return number if math.isfinite(number) else float(bits % 1_000)


#: Any value that a column of the type can hold, so that rounding is met where no list has it.
_AT_LARGE: dict[type, Callable[[Random], Any]] = {
    int: lambda random: random.randint(-(2**63), 2**63 - 1) >> random.randrange(64),
    float: _double,
    Decimal: lambda random: Decimal(random.randint(-(10**18) + 1, 10**18 - 1)).scaleb(-4),
    str: lambda random: "".join(
        chr(random.choice((random.randrange(1, 0x180), random.randrange(1, 0xD800))))
        for _ in range(random.randrange(6))
    ),
    bool: lambda random: random.random() < 0.5,
    date: lambda random: date.fromordinal(random.randint(1, date.max.toordinal())),
}


def condition(random: Random, depth: int = 3) -> str:
    """The text of one rule; most fields and literals are taken from the records' own values."""
    if depth > 0 and random.random() < 0.6:
        if random.random() < 0.25:
            return f"NOT ({condition(random, depth - 1)})"
        return random.choice([" AND ", " OR "]).join(
            f"({condition(random, depth - 1)})" for _ in range(random.randint(2, 3))
        )
    return random.choice(_LEAVES)(random)


def _number(random: Random, depth: int = 2) -> str:
    if depth and random.random() < 0.35:
        left, right = _number(random, depth - 1), _number(random, depth - 1)
        operator = random.choice("+-*/")
        # A constant divisor near zero is refused, and so is one that divides again.
        if operator == "/" and ("/" in right or not (_asks(right) or right in _DIVISORS)):
            operator = "*"
        return random.choice(["({} {} {})", "({} {} {})", "-({} {} {})"]).format(
            left, operator, right
        )
    if random.random() < 0.5:
        return random.choice(["orders", "visits", "spend", "cost"])
    return random.choice(_NUMBERS)


def _number_with_field(random: Random) -> str:
    text = _number(random)
    return text if _asks(text) else f"(orders + {text})"


def _asks(text: str) -> bool:
    """Whether a field of numbers is in it."""
    return any(name in text for name in ("orders", "visits", "spend", "cost"))


def _numbers(random: Random) -> str:
    left, right = _number_with_field(random), _number(random)
    if random.random() < 0.3:
        negation = random.choice(["", "NOT "])
        return f"{left} {negation}BETWEEN {right} AND {_number(random)}"
    if random.random() < 0.3:
        listed = ", ".join(random.choices(_NUMBERS, k=random.randint(1, 4)))
        return f"{left} {random.choice(['', 'NOT '])}IN ({listed})"
    return f"{left} {random.choice(_COMPARISONS)} {right}"


def _text(random: Random) -> str:
    return "'" + random.choice(_TEXTS).replace("'", "''") + "'"


def _texts(random: Random) -> str:
    field = random.choice(["region", "name"])
    negation = random.choice(["", "NOT "])
    match random.randrange(4):
        case 0:
            other = random.choice(["region", "name", _text(random), _text(random)])
            return f"{field} {random.choice(_COMPARISONS)} {other}"
        case 1:
            listed = ", ".join(_text(random) for _ in range(random.randint(1, 4)))
            return f"{field} {negation}IN ({listed})"
        case 2:
            prefix = random.choice(
                ["a", "ab", "A", "Z", "Zü", "e", "it''s", 'quo"', " ", "1", "ß", "𝔘"]
            )
            return f"{field} {negation}LIKE '{prefix}%'"
        case _:
            return f"{field} {negation}BETWEEN {_text(random)} AND {_text(random)}"


def _day(random: Random) -> str:
    text = random.choice(["last_order", "joined", f"DATE '{random.choice(_DATES).isoformat()}'"])
    if random.random() < 0.4:
        days = random.choice([0, 1, -1, 30, 365, 3_660_000])
        text = f"{text} {random.choice('+-')} INTERVAL '{days}' DAY"
    return text


def _days(random: Random) -> str:
    field = random.choice(["last_order", "joined"])
    match random.randrange(4):
        case 0:
            return f"{field} {random.choice(_COMPARISONS)} {_day(random)}"
        case 1:
            listed = ", ".join(f"DATE '{each.isoformat()}'" for each in random.choices(_DATES, k=3))
            late = random.choice(["", " + INTERVAL '1' DAY"])
            return f"{field}{late} {random.choice(['', 'NOT '])}IN ({listed})"
        case 2:
            negation = random.choice(["", "NOT "])
            return f"{field} {negation}BETWEEN {_day(random)} AND {_day(random)}"
        case _:
            apart = f"{_day(random)} - ({_day(random)})".replace("DATE '0001-01-01'", "joined")
            weeks = random.choice([0, 1, -1, 52])
            return (
                f"{field} - ({_day(random)}) {random.choice(_COMPARISONS)} INTERVAL '{weeks}' WEEK"
                if (random.random() < 0.5)
                else f"{apart} >= joined - last_order"
            )


def _truths(random: Random) -> str:
    field = random.choice(["active", "vip"])
    return random.choice(
        [
            field,
            f"NOT {field}",
            f"{field} = TRUE",
            f"{field} <> FALSE",
            "active = vip",
            "active <> vip",
            f"{field} IN (TRUE)",
            f"{field} NOT IN (TRUE, FALSE)",
            "TRUE",
            "FALSE",
        ]
    )


def _unknowns(random: Random) -> str:
    return f"{random.choice(list(FIELDS))} IS {random.choice(['', 'NOT '])}NULL"


_LEAVES: list[Callable[[Random], str]] = [
    _numbers,
    _numbers,
    _texts,
    _texts,
    _days,
    _truths,
    _unknowns,
]
