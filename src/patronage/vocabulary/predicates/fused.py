"""How is a rule run for one customer? Compiles trees to one Python function without look-ups.

Each condition becomes two expressions, "surely true" and "surely false"; what is neither is
unknown. The source holds nothing of a rule's text but numbers and quoted constants, and runs
without built-ins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

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
from patronage.vocabulary.predicates.records import CONVERTERS, NAN

Answer: TypeAlias = bool | None
Record: TypeAlias = Mapping[str, Any]
#: A condition's two expressions: surely true, surely false.
_Pair: TypeAlias = tuple[str, str]

_OPPOSITES = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
#: How a field is read: fast path for the exact type, a converter for everything else. Integers
#: that a double holds exactly and dates become doubles: comparing like with like is what CPython
#: is fast at, and the unknown number is a double too.
_LOADS = {
    Kind.INTEGER: (
        "{v} = {v} + 0.0"
        " if {v}.__class__ is int and -9007199254740992 <= {v} <= 9007199254740992"
        " else to_integer({name}, {v})"
    ),
    Kind.NUMBER: "if {v}.__class__ is not float or {v} - {v} != 0.0: {v} = to_number({name}, {v})",
    Kind.TEXT: "if {v}.__class__ is not str and {v} is not None: {v} = to_text({name}, {v})",
    Kind.BOOLEAN: (
        "if {v} is not True and {v} is not False and {v} is not None: {v} = to_boolean({name}, {v})"
    ),
    Kind.DATE: ("{v} = {v}.toordinal() + 0.0 if {v}.__class__ is date else to_day({name}, {v})"),
}
_UNORDERED = frozenset({Kind.TEXT, Kind.BOOLEAN})


def compile_rules(roots: Sequence[Condition]) -> Callable[[Record], tuple[Answer, ...]]:
    """Give one function from a record to the answers of all rules, in their order."""
    writer = _Writer()
    answers = "".join(f"  {_answer(root, writer.condition(root))},\n" for root in roots)
    return writer.function(f" return (\n{answers} )\n")


def compile_rule(root: Condition) -> Callable[[Record], Answer]:
    """Give the function from a record to the answer of one rule."""
    writer = _Writer()
    answer = _answer(root, writer.condition(root))
    return writer.function(f" return {answer}\n")


def _answer(root: Condition, pair: _Pair) -> str:
    # The likelier answer is asked for first: conditions joined by AND are mostly false.
    if _mostly_false(root):
        return f"False if {pair[1]} else True if {pair[0]} else None"
    return f"True if {pair[0]} else False if {pair[1]} else None"


def _mostly_false(node: Condition) -> bool:
    if isinstance(node, Not):
        return not _mostly_false(node.part)
    return not isinstance(node, Some)


@dataclass(slots=True)
class _Writer:
    #: Variable of each field.
    variables: dict[FieldRef, str] = field(default_factory=dict)
    #: Lines that prepare variables, in order.
    lines: list[str] = field(default_factory=list)
    #: Derived variables already prepared.
    derived: set[str] = field(default_factory=set)
    #: Sets that hold the unknown value too.
    constants: dict[str, object] = field(default_factory=dict)

    def function(self, body: str) -> Callable[[Record], Any]:
        prelude = "".join(f" {line}\n" for line in self.lines)
        source = f"def rules(record):\n get = record.get\n{prelude}{body}"
        namespace: dict[str, Any] = {
            "__builtins__": {},
            "NAN": NAN,
            "date": date,
            "int": int,
            "float": float,
            "str": str,
            **CONVERTERS,
            **self.constants,
        }
        # Only numbers, quoted constants and names of our own are in the source.
        exec(compile(source, "<rules>", "exec"), namespace)  # noqa: S102 - as said above
        return namespace["rules"]  # type: ignore[no-any-return]  # defined by the source above

    def condition(self, node: Condition) -> _Pair:
        match node:
            case FieldRef():
                variable = self._field(node)
                return f"{variable} is True", f"{variable} is False"
            case Always(value):
                return ("True", "False") if value else ("False", "True")
            case Not(part):
                true, false = self.condition(part)
                return false, true
            case All(parts) | Some(parts):
                pairs = [self.condition(part) for part in parts]
                both = "(" + " and ".join(pair[isinstance(node, Some)] for pair in pairs) + ")"
                either = "(" + " or ".join(pair[isinstance(node, All)] for pair in pairs) + ")"
                return (both, either) if isinstance(node, All) else (either, both)
            case Compare(operator, left, right):
                return self._compare(operator, left, right)
            case Between(operand, low, high):
                return self._between(operand, low, high)
            case OneOf(operand, options):
                return self._one_of(operand, options)
            case IsUnknown(ref):
                variable = self._field(ref)
                unknown = "None" if ref.kind in _UNORDERED else "NAN"
                return f"{variable} is {unknown}", f"{variable} is not {unknown}"
            case StartsWith(operand, prefix):
                text = self._value(operand, exact=True)
                starts = f"{text}.startswith({prefix!r})"
                return f"({text} is not None and {starts})", (
                    f"({text} is not None and not {starts})"
                )

    def _compare(self, operator: str, left: Scalar, right: Scalar) -> _Pair:
        if operator == "<>":
            true, false = self._compare("=", left, right)
            return false, true
        a, b = self._pair_of_values(left, right)
        if left.kind in _UNORDERED:
            known = self._known(left, right)
            if operator == "=" and (isinstance(left, Literal) or isinstance(right, Literal)):
                # None equals no constant, so that only "surely false" must look for it.
                return f"{a} == {b}", f"({known}{a} != {b})"
            if operator == "=":
                return f"({known}{a} == {b})", f"({known}{a} != {b})"
            return f"({known}{a} {operator} {b})", f"({known}{a} {_OPPOSITES[operator]} {b})"
        if operator == "=":
            return f"{a} == {b}", f"({a} < {b} or {a} > {b})"
        return f"{a} {operator} {b}", f"{a} {_OPPOSITES[operator]} {b}"

    def _between(self, operand: Scalar, low: Scalar, high: Scalar) -> _Pair:
        if operand.kind not in _UNORDERED:
            (a, lowest), (b, highest) = (
                self._pair_of_values(operand, low),
                self._pair_of_values(operand, high),
            )
            if a == b:
                return f"{lowest} <= {a} <= {highest}", f"({a} < {lowest} or {a} > {highest})"
        return self.condition(All((Compare(">=", operand, low), Compare("<=", operand, high))))

    def _one_of(self, operand: Scalar, options: tuple[Literal, ...]) -> _Pair:
        value = self._value(operand, exact=True)
        listed = "{" + ", ".join(self._literal(option) for option in options) + "}"
        if not isinstance(operand, FieldRef):
            return f"{value} in {listed}", f"((t := {value}) == t and t not in {listed})"
        unknown = None if operand.kind in _UNORDERED else NAN
        name = f"s{len(self.constants)}"
        self.constants[name] = frozenset([unknown, *map(_python_value, options)])
        return f"{value} in {listed}", f"{value} not in {name}"

    def _known(self, *values: Scalar) -> str:
        fields = dict.fromkeys(value for value in values if isinstance(value, FieldRef))
        return "".join(f"{self._field(each)} is not None and " for each in fields)

    def _pair_of_values(self, left: Scalar, right: Scalar) -> tuple[str, str]:
        # An integer against a literal is exact as it stands, because literals stay below 2**53;
        # against a double that is computed or read it is rounded to a double, as columns are.
        exact = left.kind is right.kind or isinstance(left, Literal) or isinstance(right, Literal)
        return self._value(left, exact=exact), self._value(right, exact=exact)

    def _value(self, node: Scalar, *, exact: bool) -> str:
        match node:
            case FieldRef(kind, _):
                variable = self._field(node)
                if kind is Kind.INTEGER and not exact:
                    return self._derive("d", "to_double", variable)
                return variable
            case Literal():
                return self._literal(node)
            case _:
                return self._operand(node)

    def _operand(self, node: Scalar) -> str:
        match node:
            case FieldRef(Kind.INTEGER, _):
                return self._derive("d", "to_double", self._field(node))
            case FieldRef(Kind.NUMBER, _):
                return self._derive("o", "to_operand", self._field(node))
            case FieldRef():
                return self._field(node)
            case Literal():
                return self._literal(node)
            case Negate(operand):
                return f"(-{self._operand(operand)})"
            case Arithmetic(_, "/", left, right):
                return f"divide({self._operand(left)}, {self._operand(right)})"
            case Arithmetic(_, operator, left, right):
                return f"({self._operand(left)} {operator} {self._operand(right)})"

    def _literal(self, node: Literal) -> str:
        return repr(_python_value(node))

    def _field(self, ref: FieldRef) -> str:
        if ref not in self.variables:
            variable = self.variables[ref] = f"v{len(self.variables)}"
            self.lines.append(f"{variable} = get({ref.name!r})")
            self.lines.append(_LOADS[ref.kind].format(v=variable, name=repr(ref.name)))
        return self.variables[ref]

    def _derive(self, letter: str, converter: str, variable: str) -> str:
        derived = letter + variable
        if derived not in self.derived:
            self.derived.add(derived)
            self.lines.append(f"{derived} = {converter}({variable})")
        return derived


def _python_value(node: Literal) -> float | str | bool:
    if isinstance(node.value, date):
        return float(node.value.toordinal())
    if isinstance(node.value, int) and node.kind is not Kind.BOOLEAN:
        return float(node.value)
    return node.value
