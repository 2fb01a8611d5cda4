"""Which values are left to a field? Sets of values as spans of an ordered line, exactly.

Every type of the language is an ordered line on which each value has a next one: whole numbers and
days by counting, doubles by ``nextafter``, texts because nothing stands between ``a`` and ``a``
followed by NUL. So every set that rules can cut out is a list of half-open spans.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from patronage.vocabulary.predicates.limits import LARGEST_DOUBLE
from patronage.vocabulary.predicates.nodes import Kind

#: A place on a kind's line: a number, or (0, text) with (1, "") after all texts.
Place: TypeAlias = Any
Span: TypeAlias = tuple[Place, Place]

_LINES: dict[Kind, Span] = {
    Kind.INTEGER: (-(2**63), 2**63),
    Kind.NUMBER: (-LARGEST_DOUBLE, math.inf),
    Kind.TEXT: ((0, ""), (1, "")),
    Kind.BOOLEAN: (0, 2),
    Kind.DATE: (1, date.max.toordinal() + 1),
    Kind.DAYS: (-(2**63), 2**63),
}
_LAST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Values:
    """Values that something may have: spans of known ones in order, and whether it is unknown."""

    known: tuple[Span, ...] = ()
    unknown: bool = False

    def __bool__(self) -> bool:
        return self.unknown or bool(self.known)

    def __and__(self, other: Values) -> Values:
        if self is other:
            return self
        found, i, j = [], 0, 0
        while i < len(self.known) and j < len(other.known):
            (low, high), (lower, higher) = self.known[i], other.known[j]
            start, end = max(low, lower), min(high, higher)
            if start < end:
                found.append((start, end))
            if high <= higher:
                i += 1
            else:
                j += 1
        return Values(tuple(found), self.unknown and other.unknown)

    def __contains__(self, place: Place) -> bool:
        at = bisect_right(self.known, place, key=lambda span: span[0]) - 1
        return at >= 0 and place < self.known[at][1]

    def opposite(self, line: Span) -> Values:
        """Give the known values of a line that are not in it."""
        found, start = [], line[0]
        for low, high in self.known:
            if start < low:
                found.append((start, low))
            start = high
        if start < line[1]:
            found.append((start, line[1]))
        return Values(tuple(found))


def line_of(kind: Kind, *, calculated: bool = False) -> Span:
    """Give where a kind's values begin and end; calculated dates may leave the calendar."""
    return _LINES[Kind.DAYS] if calculated and kind is Kind.DATE else _LINES[kind]


def value_at(kind: Kind, place: Place) -> Any:
    """Give the value at a place."""
    if kind is Kind.TEXT:
        return place[1]
    if kind is Kind.DATE:
        return date.fromordinal(int(place))
    if kind is Kind.BOOLEAN:
        return bool(place)
    return float(place) if kind is Kind.NUMBER else int(place)


def compared(kind: Kind, operator: str, place: Place, line: Span) -> Values:
    """Give the values of a line for which ``value operator place`` holds."""
    first, past = _reached(kind, place), after(kind, place)
    spans: list[Span] = {
        "=": [(first, past)],
        "<>": [(line[0], first), (past, line[1])],
        "<": [(line[0], first)],
        "<=": [(line[0], past)],
        ">": [(past, line[1])],
        ">=": [(first, line[1])],
    }[operator]
    clipped = [(max(low, line[0]), min(high, line[1])) for low, high in spans]
    return Values(tuple(span for span in clipped if span[0] < span[1]))


def beginning(prefix: str) -> Values:
    """Give the texts that begin with a prefix."""
    rest = prefix.rstrip(_LAST_CHARACTER)
    end = (0, rest[:-1] + chr(ord(rest[-1]) + 1)) if rest else (1, "")
    return Values((((0, prefix), end),))


def joined(sets: list[Values]) -> Values:
    """Give the values that are in any of them."""
    found: list[Span] = []
    for low, high in sorted(span for each in sets for span in each.known):
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return Values(tuple(found), any(each.unknown for each in sets))


def _reached(kind: Kind, place: Place) -> Place:
    """Give the first place that is not before this one."""
    return math.ceil(place) if kind in (Kind.INTEGER, Kind.DAYS) else place


def after(kind: Kind, place: Place) -> Place:
    """Give the first place after this one."""
    if kind is Kind.NUMBER:
        return math.nextafter(place, math.inf)
    if kind is Kind.TEXT:
        return (0, place[1] + "\x00")
    return math.floor(place) + 1


def examples(kind: Kind, values: Values) -> list[Any]:
    """Give some of the known values, first those that a person would write as an example."""
    places: list[Place] = []
    if kind is Kind.TEXT and (0, "") in values:
        # The empty text is allowed, but nobody's example.
        places.append((0, "a"))
    elif kind is not Kind.TEXT and 0 in values:
        places.append(0.0 if kind is Kind.NUMBER else 0)
    for low, high in values.known:
        places += _plain_places(kind, low, high)
    kept = dict.fromkeys(place for place in places if place in values)
    return [value_at(kind, place) for place in kept]


def _plain_places(kind: Kind, low: Place, high: Place) -> list[Place]:
    if kind is Kind.TEXT:
        plain = low[1].rstrip("\x00")
        written = [(0, plain), *((0, plain + end) for end in ("0", "a", " ")), (0, "a"), low]
        return [place for place in written if low <= place < high]
    if kind is Kind.NUMBER:
        last = math.nextafter(high, -math.inf)
        whole = [float(math.ceil(low)), float(math.floor(last))] if math.isfinite(last) else []
        return [place for place in (*whole, low, last, (low + last) / 2) if low <= place < high]
    return [low, high - 1, (low + high) // 2]
