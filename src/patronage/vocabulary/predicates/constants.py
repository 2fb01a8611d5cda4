"""What does an expression without fields come to? Calculated as every engine would."""

from __future__ import annotations

from datetime import date

from patronage.vocabulary.predicates.limits import SMALLEST_DIVISOR
from patronage.vocabulary.predicates.nodes import NUMERIC, Arithmetic, Literal, Negate, Node


def number_of(node: Node) -> float | None:
    """Calculate a constant: numbers as doubles, days as they are, dates as ordinals.

    None where a field or a text is in it, or where it divides by zero.
    """
    match node:
        case Literal(kind, int() | float() as value):
            return float(value) if kind in NUMERIC else value
        case Literal(_, date() as value):
            return value.toordinal()
        case Negate(operand):
            inner = number_of(operand)
            return None if inner is None else -inner
        case Arithmetic(_, operator, left, right):
            a, b = number_of(left), number_of(right)
            return None if a is None or b is None else _calculated(operator, a, b)
    return None


def _calculated(operator: str, a: float, b: float) -> float | None:
    if operator == "/":
        return a / b if abs(b) >= SMALLEST_DIVISOR else None
    return a + b if operator == "+" else a - b if operator == "-" else a * b
