"""How does a database run a rule? Writes it as one SQL condition for a dialect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlglot import exp

from patronage.vocabulary.predicates.limits import (
    LARGEST_DOUBLE,
    LARGEST_OPERAND,
    SMALLEST_DIVISOR,
    SMALLEST_OPERAND,
)
from patronage.vocabulary.predicates.nodes import (
    NUMERIC,
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

#: Dialects and their name for a double.
_DOUBLES = {"duckdb": "DOUBLE", "postgres": "DOUBLE PRECISION", "spark": "DOUBLE"}
_EPOCH = date(1970, 1, 1)


def to_sql(root: Condition, dialect: str) -> str:
    """Give the rule as a condition that is true, false or NULL in this dialect."""
    if dialect not in _DOUBLES:
        raise ValueError(
            f"{dialect!r} is not a dialect rules are written in. Use one of {', '.join(_DOUBLES)}."
        )
    return _Sql(dialect).condition(root)


@dataclass(frozen=True, slots=True)
class _Sql:
    dialect: str

    def condition(self, node: Condition) -> str:
        match node:
            case FieldRef():
                return self._name(node)
            case Always(value):
                return "TRUE" if value else "FALSE"
            case Not(part):
                return f"(NOT {self.condition(part)})"
            case All(parts):
                return "(" + " AND ".join(map(self.condition, parts)) + ")"
            case Some(parts):
                return "(" + " OR ".join(map(self.condition, parts)) + ")"
            case Compare(operator, left, right):
                return self._compare(operator, left, right)
            case Between(operand, low, high):
                lowest = self._compare(">=", operand, low)
                return f"({lowest} AND {self._compare('<=', operand, high)})"
            case OneOf(operand, options):
                return self._one_of(operand, options)
            case IsUnknown(field):
                return f"({self._read(field)} IS NULL)"
            case StartsWith(operand, prefix):
                return f"({self._read(operand)} LIKE {self._quoted(prefix + '%')})"

    def _compare(self, operator: str, left: Scalar, right: Scalar) -> str:
        as_double = left.kind in NUMERIC and Kind.NUMBER in (left.kind, right.kind)
        as_days = left.kind is Kind.DAYS or any(isinstance(e, Arithmetic) for e in (left, right))
        a, b = (self._value(e, as_double=as_double, as_days=as_days) for e in (left, right))
        if left.kind is Kind.TEXT and operator not in ("=", "<>") and self.dialect == "postgres":
            # The order of texts is that of their characters' numbers, whatever the database's.
            a = f'{a} COLLATE "C"'
        return f"({a} {operator} {b})"

    def _one_of(self, operand: Scalar, options: tuple[Literal, ...]) -> str:
        kinds = {operand.kind, *(option.kind for option in options)}
        as_double, as_days = Kind.NUMBER in kinds, isinstance(operand, Arithmetic)
        value = self._value(operand, as_double=as_double, as_days=as_days)
        listed = ", ".join(
            self._value(option, as_double=as_double, as_days=as_days) for option in options
        )
        return f"({value} IN ({listed}))"

    def _value(self, node: Scalar, *, as_double: bool, as_days: bool) -> str:
        match node:
            case FieldRef(Kind.INTEGER, _) if as_double:
                return self._double(self._name(node))
            case FieldRef(Kind.DATE, _) if as_days:
                return self._days(self._read(node))
            case FieldRef():
                return self._read(node)
            case Literal(Kind.DATE, _) if as_days:
                return self._operand(node)
            case Literal(Kind.INTEGER, value) if not as_double:
                return str(value)
            case Literal():
                return self._literal(node)
            case _:
                return self._operand(node)

    def _operand(self, node: Scalar) -> str:
        match node:
            case FieldRef(Kind.DATE, _):
                return self._days(self._read(node))
            case FieldRef(Kind.NUMBER, _):
                return self._bounded(self._double(self._name(node)))
            case FieldRef():
                return self._double(self._name(node))
            case Literal(Kind.DATE, value) if isinstance(value, date):
                return str((value - _EPOCH).days)
            case Literal():
                return self._literal(node)
            case Negate(operand):
                return f"(- {self._operand(operand)})"
            case Arithmetic(_, "/", left, right):
                divisor = self._operand(right)
                smallest = self._number(SMALLEST_DIVISOR)
                safe = f"CASE WHEN ABS({divisor}) >= {smallest} THEN {divisor} END"
                return f"({self._operand(left)} / {safe})"
            case Arithmetic(_, operator, left, right):
                return f"({self._operand(left)} {operator} {self._operand(right)})"

    def _read(self, node: Scalar) -> str:
        """Read a field as it is compared: infinities and NaN become NULL."""
        if not isinstance(node, FieldRef):
            return self._operand(node)
        name = self._name(node)
        if node.kind is Kind.NUMBER:
            double = self._double(name)
            largest = self._number(LARGEST_DOUBLE)
            lowest = self._number(-LARGEST_DOUBLE)
            # NaN is above every number in all three dialects, so that this leaves it out too.
            return f"CASE WHEN {double} BETWEEN {lowest} AND {largest} THEN {double} END"
        if node.kind is Kind.DATE:
            first, last = self._date(date.min), self._date(date.max)
            return f"CASE WHEN {name} BETWEEN {first} AND {last} THEN {name} END"
        return name

    def _bounded(self, double: str) -> str:
        """Make NULL what arithmetic would take out of safe bounds; NaN fails both comparisons."""
        smallest, largest = self._number(SMALLEST_OPERAND), self._number(LARGEST_OPERAND)
        usable = f"ABS({double}) BETWEEN {smallest} AND {largest} OR {double} = {self._number(0.0)}"
        return f"CASE WHEN {usable} THEN {double} END"

    def _days(self, day: str) -> str:
        epoch = self._date(_EPOCH)
        return f"DATEDIFF({day}, {epoch})" if self.dialect == "spark" else f"({day} - {epoch})"

    def _literal(self, node: Literal) -> str:
        match node.kind, node.value:
            case ((Kind.INTEGER | Kind.NUMBER), (int() | float()) as value):
                return self._number(float(value))
            case Kind.TEXT, str(value):
                return self._quoted(value)
            case Kind.DATE, date() as value:
                return self._date(value)
            case Kind.BOOLEAN, value:
                return "TRUE" if value else "FALSE"
            case _:
                return str(node.value)

    def _number(self, value: float) -> str:
        # With an exponent, so that no engine reads it as a decimal of fixed scale first.
        mantissa, _, exponent = repr(value).partition("e")
        return self._double(f"{mantissa}e{exponent or '0'}")

    def _double(self, text: str) -> str:
        return f"CAST({text} AS {_DOUBLES[self.dialect]})"

    def _date(self, value: date) -> str:
        return f"CAST('{value.isoformat()}' AS DATE)"

    def _name(self, node: FieldRef) -> str:
        return str(exp.to_identifier(node.name, quoted=True).sql(dialect=self.dialect))

    def _quoted(self, text: str) -> str:
        return str(exp.Literal.string(text).sql(dialect=self.dialect))
