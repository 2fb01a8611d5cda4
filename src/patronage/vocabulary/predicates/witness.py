"""Who is an example? Picks a record from what a search left, and proves it by asking the rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from patronage.vocabulary.predicates.constants import number_of
from patronage.vocabulary.predicates.nodes import (
    NUMERIC,
    Condition,
    FieldRef,
    Kind,
    Literal,
    fields_of,
    walk,
)
from patronage.vocabulary.predicates.solver import Box, everything
from patronage.vocabulary.predicates.spans import Values, examples, line_of, value_at

#: Records tried where expressions leave the search blind.
_TRIES: Final = 300


def witness(
    box: Box, conditions: Sequence[Condition], holds: Callable[[dict[str, Any]], bool]
) -> dict[str, Any] | None:
    """Give a record with known values for the fields asked about, or None where none was found.

    Args:
        box: what a search left to the subjects of the conditions.
        conditions: what the record is an example for: their fields and constants are used.
        holds: whether a record is one; what is returned was asked and is.
    """
    choices = {
        field: _choices(field, box.get(field))
        for field in dict.fromkeys(field for each in conditions for field in fields_of(each))
    }
    first = {field.name: values[0] for field, values in choices.items()}
    if holds(first):
        return _shown(first)
    pool = _constants(conditions)
    for field, values in choices.items():
        left = box.get(field) or everything(field)
        line = line_of(field.kind)
        near = [place for place in pool if _stands_on(field.kind, place) and place in left]
        values += [value_at(field.kind, place) for place in near if line[0] <= place < line[1]]
    # The same conditions have the same example every time.
    random = Random(0)  # noqa: S311 - nothing is kept secret by it
    for _ in range(_TRIES):
        record = {field.name: random.choice(values) for field, values in choices.items()}
        if holds(record):
            return _shown(record)
    return None


def _choices(field: FieldRef, left: Values | None) -> list[Any]:
    if left is None:
        return [*examples(field.kind, everything(field)), None]
    found = examples(field.kind, left)
    return [*found, None] if left.unknown or not found else found


def _constants(conditions: Sequence[Condition]) -> list[float | tuple[int, str]]:
    """Give the places of the conditions' constants and of their neighbours."""
    found: dict[float | tuple[int, str], None] = {}
    for condition in conditions:
        for node in walk(condition):
            if isinstance(node, Literal) and isinstance(node.value, str):
                found[0, node.value] = None
            elif isinstance(node, Literal) and (number := number_of(node)) is not None:
                days = 1 if node.kind not in NUMERIC else 0
                for step in (0, 1, -1):
                    found[number + step] = found[-number + step] = None
                found[number + days * 700_000] = None
    return list(found)


def _stands_on(kind: Kind, place: float | tuple[int, str]) -> bool:
    if isinstance(place, tuple) or kind is Kind.TEXT:
        return isinstance(place, tuple) and kind is Kind.TEXT
    return kind is Kind.NUMBER or float(place).is_integer()


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is unknown: an example names what is known of somebody."""
    return {name: value for name, value in record.items() if value is not None}
