"""How is a rule written? Gives the canonical text, which reads back into the same tree."""

from __future__ import annotations

from decimal import Decimal

from patronage.vocabulary.predicates.nodes import (
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
)

_RANKS = {"+": 1, "-": 1, "*": 2, "/": 2}
_UNARY_RANK = 3


def condition_text(node: Condition) -> str:
    """Write a condition; one that stands inside another is put in parentheses by its parent."""
    match node:
        case FieldRef(_, name):
            return name
        case Always(value):
            return "TRUE" if value else "FALSE"
        case Not(part):
            return _negated(part)
        case All(parts):
            return " AND ".join(_joined(part) for part in parts)
        case Some(parts):
            return " OR ".join(_joined(part) for part in parts)
        case Compare(operator, left, right):
            return f"{scalar_text(left)} {operator} {scalar_text(right)}"
        case OneOf() | Between() | IsUnknown() | StartsWith():
            return _question(node, "")


def scalar_text(node: Scalar, rank: int = 0) -> str:
    """Write a value; in parentheses where it binds less tightly than its surroundings."""
    match node:
        case FieldRef(_, name):
            return name
        case Literal():
            return literal_text(node)
        case Negate(operand):
            return (
                f"-{scalar_text(operand, _UNARY_RANK + 1)}"
                if rank <= _UNARY_RANK
                else (f"(-{scalar_text(operand, _UNARY_RANK + 1)})")
            )
        case Arithmetic(_, operator, left, right):
            own = _RANKS[operator]
            text = f"{scalar_text(left, own)} {operator} {scalar_text(right, own + 1)}"
            return f"({text})" if own < rank else text


def literal_text(node: Literal) -> str:
    """Write a constant so that it reads back as the same kind and value."""
    match node.kind, node.value:
        case Kind.BOOLEAN, value:
            return "TRUE" if value else "FALSE"
        case Kind.TEXT, str(value):
            return "'" + value.replace("'", "''") + "'"
        case Kind.DATE, value:
            return f"DATE '{value}'"
        case Kind.DAYS, value:
            return f"INTERVAL '{value}' DAY"
        case Kind.NUMBER, value:
            plain = format(Decimal(repr(value)), "f")
            return plain if "." in plain else plain + ".0"
        case _:
            return str(node.value)


def _joined(part: Condition) -> str:
    text = condition_text(part)
    return f"({text})" if isinstance(part, All | Some) else text


def _negated(part: Condition) -> str:
    match part:
        case FieldRef() | Always():
            return f"NOT {condition_text(part)}"
        case OneOf() | Between() | IsUnknown() | StartsWith():
            return _question(part, "NOT ")
        case _:
            return f"NOT ({condition_text(part)})"


def _question(node: OneOf | Between | IsUnknown | StartsWith, negation: str) -> str:
    match node:
        case IsUnknown(field):
            return f"{field.name} IS {negation}NULL"
        case OneOf(operand, options):
            listed = ", ".join(literal_text(option) for option in options)
            return f"{scalar_text(operand)} {negation}IN ({listed})"
        case Between(operand, low, high):
            bounds = f"{scalar_text(low)} AND {scalar_text(high)}"
            return f"{scalar_text(operand)} {negation}BETWEEN {bounds}"
        case StartsWith(operand, prefix):
            pattern = literal_text(Literal(Kind.TEXT, prefix + "%"))
            return f"{scalar_text(operand)} {negation}LIKE {pattern}"
