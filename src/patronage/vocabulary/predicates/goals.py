"""What must be so for a condition to hold, or not to? Writes conditions as goals of a search."""

from __future__ import annotations

from patronage.vocabulary.predicates.constants import number_of
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
    fields_of,
)
from patronage.vocabulary.predicates.normal import normal
from patronage.vocabulary.predicates.solver import (
    SIGNS,
    Both,
    Either,
    Goal,
    Leave,
    Subject,
    line_of_subject,
)
from patronage.vocabulary.predicates.spans import (
    Place,
    Values,
    beginning,
    compared,
    joined,
    line_of,
)
from patronage.vocabulary.predicates.text import scalar_text

_MIRRORED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def true_goal(condition: Condition) -> Goal:
    """Give what must be so for the condition to be surely true."""
    return _goal(normal(condition), wanted=True)


def false_goal(condition: Condition) -> Goal:
    """Give what must be so for it to be surely false."""
    return _goal(normal(Not(condition)), wanted=True)


def not_true_goal(condition: Condition) -> Goal:
    """Give what must be so for it to be false or unknown."""
    return _goal(normal(condition), wanted=False)


def _goal(node: Condition, *, wanted: bool) -> Goal:
    match node:
        case All(parts) | Some(parts):
            kind = Both if isinstance(node, All) is wanted else Either
            return kind(tuple(_goal(part, wanted=wanted) for part in parts))
        case Always(value):
            return Both(()) if value is wanted else Either(())
        case Between() | Not(Between()) if (apart := _apart(node)) is not None:
            return _goal(apart, wanted=wanted)
    subject, values = _holding(node)
    if wanted:
        return Leave(((subject, values), *_known(subject, values)))
    rest = values.opposite(line_of_subject(subject))
    return Leave(((subject, Values(rest.known, unknown=not values.unknown)),))


def _apart(node: Between | Not) -> Condition | None:
    """Write BETWEEN as two comparisons, where one of its ends is no constant."""
    between = node.part if isinstance(node, Not) else node
    if not isinstance(between, Between):
        return None
    if all(_place(each) is not None for each in (between.low, between.high)):
        return None
    low = Compare(">=", between.operand, between.low)
    high = Compare("<=", between.operand, between.high)
    both = All((low, high))
    return both if node is between else normal(Not(both))


def _known(subject: Subject, values: Values) -> list[tuple[Subject, Values]]:
    """Give what a calculated subject that is known says of its fields: they are known too."""
    if isinstance(subject, FieldRef) or values.unknown:
        return []
    scalars = subject if isinstance(subject, tuple) else (subject,)
    fields = dict.fromkeys(field for scalar in scalars for field in fields_of(scalar))
    return [(field, Values((line_of(field.kind),))) for field in fields]


def _holding(node: Condition) -> tuple[Subject, Values]:
    """Give a comparison's subject and the values for which it is surely true."""
    match node:
        case Not(part):
            subject, values = _holding(part)
            return subject, values.opposite(line_of_subject(subject))
        case FieldRef(kind, _):
            return node, compared(kind, "=", 1, line_of(kind))
        case IsUnknown(field):
            return field, Values(unknown=True)
        case Compare(operator, left, right):
            return _comparison(operator, left, right)
        case OneOf(operand, options):
            held = [_comparison("=", operand, option) for option in options]
            return held[0][0], joined([values for _, values in held])
        case Between(operand, low, high):
            subject, lower = _comparison(">=", operand, low)
            return subject, lower & _comparison("<=", operand, high)[1]
        case StartsWith(operand, prefix):
            return operand, beginning(prefix)
    raise AssertionError(f"{type(node).__name__} is no comparison")


def _comparison(operator: str, left: Scalar, right: Scalar) -> tuple[Subject, Values]:
    at = _place(right)
    if at is not None:
        return _with_constant(operator, left, at)
    at = _place(left)
    if at is not None:
        return _with_constant(_MIRRORED[operator], right, at)
    if left == right:
        line = line_of_subject(left)
        return left, Values((line,) if operator in ("=", "<=", ">=") else ())
    if scalar_text(left) > scalar_text(right):
        left, right, operator = right, left, _MIRRORED[operator]
    return (left, right), compared(Kind.INTEGER, operator, 0, SIGNS)


def _with_constant(operator: str, subject: Scalar, at: Place) -> tuple[Subject, Values]:
    """Compare with a place; what is added to a date or whole number goes to the other side."""
    while isinstance(subject, Arithmetic | Negate) and (moved := _moved(subject, at)) is not None:
        subject, at, mirrored = moved
        operator = _MIRRORED[operator] if mirrored else operator
    return subject, compared(subject.kind, operator, at, line_of_subject(subject))


def _moved(subject: Arithmetic | Negate, at: Place) -> tuple[Scalar, Place, bool] | None:
    """Give the subject without its constant or sign, the place then, and whether to mirror."""
    if not _moves_exactly(subject) or not _is_small(at):
        return None
    if isinstance(subject, Negate):
        return subject.operand, -at, True
    left, right = number_of(subject.left), number_of(subject.right)
    if right is not None:
        return subject.left, at - right if subject.operator == "+" else at + right, False
    if subject.operator == "+":
        return subject.right, at - (left or 0), False
    return subject.right, (left or 0) - at, True


def _moves_exactly(subject: Scalar) -> bool:
    """Whether a constant of a sum, or a sign, can change sides without changing an answer.

    Dates and days are whole. Whole numbers are calculated as doubles, which is exact while all is
    small; where the field is not, it is far on the same side of what it is compared with.
    """
    match subject:
        case FieldRef(kind, _):
            return kind in (Kind.INTEGER, Kind.DATE)
        case Negate(operand):
            return _moves_exactly(operand)
        case Arithmetic(_, "+" | "-", left, right):
            constants = [
                number for each in (left, right) if (number := number_of(each)) is not None
            ]
            rest = left if number_of(right) is not None else right
            return len(constants) == 1 and _is_small(constants[0]) and _moves_exactly(rest)
    return False


def _is_small(number: Place) -> bool:
    return float(number).is_integer() and abs(number) < 2.0**40


def _place(node: Scalar) -> Place | None:
    """Give the place of a constant on its line; None for what a field is in."""
    if isinstance(node, Literal) and isinstance(node.value, str):
        return (0, node.value)
    return number_of(node)
