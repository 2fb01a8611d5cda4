"""The published workload: 200 rules about customers of 38 attributes, the same on every machine.

Described in docs/reference/rules-benchmark.md. Rules and records are drawn from a seed by the
standard library's generator; whole bases of customers by NumPy's, with the same shares and ranges.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import Any, Final

import numpy as np
import polars as pl

from patronage.vocabulary.fields import Field, FieldCatalog

#: One value in five is unknown.
UNKNOWN_SHARE: Final = 0.2
#: Comparisons of a rule: each number from 1 to 7 is as likely, so that the mean is 4.
MOST_COMPARISONS: Final = 7
RULES: Final = 200

_FIRST_DAY, _DAYS = date(2022, 1, 1), 1096
_WORDS: Final = {
    "region": ("north", "south", "east", "west", "centre", "islands"),
    "country": ("DE", "FR", "IT", "ES", "PL", "NL", "AT", "BE", "CZ", "PT"),
    "tier": ("top", "middle", "base"),
    "need": ("fresh", "family", "quick", "health", "bargain", "gourmet"),
    "objective": ("retain", "grow", "convert", "exit", "acquire"),
    "channel": ("shop", "web", "app", "call"),
    "entry": ("panel", "acquired"),
    "segment": tuple(f"s{number:02d}" for number in range(24)),
    "contract": ("none", "monthly", "yearly"),
    "language": ("de", "fr", "it", "es", "pl", "nl"),
}
_COUNTS: Final = {
    "orders_90d": 20,
    "orders_365d": 60,
    "visits_30d": 30,
    "recency_days": 730,
    "age_days": 3_000,
    "calls_90d": 6,
    "complaints_365d": 4,
    "returns_365d": 10,
    "items_per_order": 25,
    "value_minor": 500_000,
    "margin_minor": 80_000,
    "household": 6,
}
_SHARES: Final = (
    "probability_alive",
    "probability_of_purchase",
    "share_of_customer",
    "discount_share",
    "digital_share",
    "return_share",
    "satisfaction",
    "churn_risk",
)
_TRUTHS: Final = ("newsletter", "app_installed", "business", "loyalty_card")
_DATES: Final = ("first_order", "last_order", "last_contact", "contract_end")

FIELDS: Final = FieldCatalog(
    [
        *(Field(name, int) for name in _COUNTS),
        *(Field(name, float) for name in _SHARES),
        *(Field(name, str) for name in _WORDS),
        *(Field(name, bool) for name in _TRUTHS),
        *(Field(name, date) for name in _DATES),
    ]
)


def record(random: Random) -> dict[str, Any]:
    """Draw one customer."""
    return {
        name: None if random.random() < UNKNOWN_SHARE else _value(random, name) for name in FIELDS
    }


def rules(random: Random, count: int = RULES) -> list[str]:
    """Draw the texts of the rules."""
    return [_rule(random, random.randint(1, MOST_COMPARISONS)) for _ in range(count)]


def frame(seed: int, customers: int) -> pl.DataFrame:
    """Draw many customers: integers, doubles, enums, booleans and dates, each nullable."""
    rng = np.random.default_rng(seed)
    columns = []
    for name in FIELDS:
        known = pl.Series(rng.random(customers) >= UNKNOWN_SHARE)
        columns.append(pl.select(pl.when(known).then(_column(rng, name, customers)).alias(name)))
    return pl.concat(columns, how="horizontal")


def _column(rng: np.random.Generator, name: str, customers: int) -> pl.Series:
    if name in _COUNTS:
        return pl.Series(rng.integers(0, _COUNTS[name] + 1, customers))
    if name in _SHARES:
        return pl.Series(rng.random(customers).round(4))
    if name in _WORDS:
        words = np.array(_WORDS[name])[rng.integers(0, len(_WORDS[name]), customers)]
        return pl.Series(words, dtype=pl.Enum(_WORDS[name]))
    if name in _TRUTHS:
        return pl.Series(rng.random(customers) < 0.5)
    first = np.datetime64(_FIRST_DAY, "D")
    return pl.Series(first + rng.integers(0, _DAYS, customers))


def _value(random: Random, name: str) -> Any:
    if name in _COUNTS:
        return random.randint(0, _COUNTS[name])
    if name in _SHARES:
        return round(random.random(), 4)
    if name in _WORDS:
        return random.choice(_WORDS[name])
    if name in _TRUTHS:
        return random.random() < 0.5
    return _FIRST_DAY + timedelta(days=random.randrange(_DAYS))


def _rule(random: Random, comparisons: int) -> str:
    """Split the comparisons in two at random and join them; turn one part in seven round."""
    if comparisons == 1:
        return _comparison(random)
    left = random.randint(1, comparisons - 1)
    word = random.choice(("AND", "OR"))
    text = f"({_rule(random, left)}) {word} ({_rule(random, comparisons - left)})"
    return f"NOT ({text})" if random.random() < 1 / 7 else text


def _comparison(random: Random) -> str:
    name = random.choice(list(FIELDS))
    if random.random() < 0.1:
        return f"{name} IS {random.choice(('', 'NOT '))}NULL"
    return _ASKED[FIELDS[name].type](random, name)


def _ordered(random: Random, name: str) -> str:
    if random.random() < 0.25:
        low, high = sorted((_value(random, name), _value(random, name)))
        negation = random.choice(("", "NOT "))
        return f"{name} {negation}BETWEEN {_written(low)} AND {_written(high)}"
    operator = random.choice(("=", "<>", "<", "<=", ">", ">="))
    return f"{name} {operator} {_written(_value(random, name))}"


def _word(random: Random, name: str) -> str:
    if random.random() < 0.5:
        listed = random.sample(_WORDS[name], k=random.randint(1, min(4, len(_WORDS[name]))))
        negation = random.choice(("", "NOT "))
        return f"{name} {negation}IN ({', '.join(map(_written, listed))})"
    return f"{name} {random.choice(('=', '<>'))} {_written(random.choice(_WORDS[name]))}"


def _truth(random: Random, name: str) -> str:
    return random.choice((name, f"NOT {name}"))


def _written(value: Any) -> str:
    if isinstance(value, date):
        return f"DATE '{value}'"
    return f"'{value}'" if isinstance(value, str) else str(value)


_ASKED: Final[dict[type, Callable[[Random, str], str]]] = {
    int: _ordered,
    float: _ordered,
    date: _ordered,
    str: _word,
    bool: _truth,
}
