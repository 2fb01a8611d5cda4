"""What is a rule, once read? A small tree of frozen nodes: this is what is stored and run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeAlias


class Kind(StrEnum):
    """The types of the language."""

    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"
    #: A whole number of days: what an interval is, and the difference of two dates.
    DAYS = "days"


NUMERIC = frozenset({Kind.INTEGER, Kind.NUMBER})


@dataclass(frozen=True, slots=True)
class FieldRef:
    """The value of a field. As a condition on its own, a boolean field being true."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant. Days are an int; integers and numbers stay apart (``3`` is not ``3.0``)."""

    kind: Kind
    value: int | float | str | bool | date


@dataclass(frozen=True, slots=True)
class Negate:
    """Minus a number."""

    operand: Scalar
    kind: Kind = Kind.NUMBER


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``+ - * /`` on numbers (as doubles), ``+ -`` on dates and days."""

    kind: Kind
    operator: str
    left: Scalar
    right: Scalar


@dataclass(frozen=True, slots=True)
class Always:
    """The condition that holds for everybody (TRUE) or for nobody (FALSE)."""

    value: bool


@dataclass(frozen=True, slots=True)
class Compare:
    """One of ``= <> < <= > >=``."""

    operator: str
    left: Scalar
    right: Scalar


@dataclass(frozen=True, slots=True)
class OneOf:
    """``operand IN (options)``."""

    operand: Scalar
    options: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """``operand BETWEEN low AND high``, both ends included."""

    operand: Scalar
    low: Scalar
    high: Scalar


@dataclass(frozen=True, slots=True)
class IsUnknown:
    """``field IS NULL``: the only question that an unknown value answers."""

    field: FieldRef


@dataclass(frozen=True, slots=True)
class StartsWith:
    """``operand LIKE 'prefix%'``."""

    operand: Scalar
    prefix: str


@dataclass(frozen=True, slots=True)
class Not:
    """The condition turned round; unknown stays unknown."""

    part: Condition


@dataclass(frozen=True, slots=True)
class All:
    """Conditions joined by AND."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """Conditions joined by OR."""

    parts: tuple[Condition, ...]


Scalar: TypeAlias = FieldRef | Literal | Negate | Arithmetic
Condition: TypeAlias = (
    FieldRef | Always | Compare | OneOf | Between | IsUnknown | StartsWith | Not | All | Some
)
Node: TypeAlias = Scalar | Condition


def children(node: Node) -> tuple[Node, ...]:
    """Give the nodes directly below, left to right."""
    match node:
        case All(parts) | Some(parts):
            return parts
        case Not(part):
            return (part,)
        case Compare(_, left, right) | Arithmetic(_, _, left, right):
            return (left, right)
        case Between(operand, low, high):
            return (operand, low, high)
        case OneOf(operand, options):
            return (operand, *options)
        case StartsWith(operand, _) | Negate(operand, _):
            return (operand,)
        case IsUnknown(field):
            return (field,)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Give the node and everything below it, left to right."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(children(current)))


def fields_of(node: Node) -> tuple[FieldRef, ...]:
    """Give the fields asked about, each once, in the order of their first mention."""
    return tuple(dict.fromkeys(each for each in walk(node) if isinstance(each, FieldRef)))
