"""How is a rule run for one customer? Compiles trees to one Python function without look-ups.

Each condition becomes expressions for "surely true" and "surely false"; what is neither is
unknown. Those of a small rule are woven into one walk that leaves out what is settled already. The
source holds nothing of a rule's text but numbers and quoted constants, and runs without built-ins.
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
from patronage.vocabulary.predicates.normal import normal
from patronage.vocabulary.predicates.records import CONVERTERS, NAN, NO_TEXT

Answer: TypeAlias = bool | None
Record: TypeAlias = Mapping[str, Any]
#: A condition's two expressions: surely true, surely false.
_Pair: TypeAlias = tuple[str, str]

#: Comparisons up to which a rule is woven; a woven rule's source grows with their square.
_MOST_WOVEN = 16
_OPPOSITES = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
#: How a field is read: fast path for the exact type, a converter for everything else. Integers
#: that a double holds exactly and dates become doubles: comparing like with like is what CPython
#: is fast at, and the unknown number is a double too, as the unknown text is a text.
_LOADS = {
    Kind.INTEGER: (
        "{v} = {v} + 0.0"
        " if {v}.__class__ is int and -9007199254740992 <= {v} <= 9007199254740992"
        " else to_integer({name}, {v})"
    ),
    Kind.NUMBER: "if {v}.__class__ is not float or {v} - {v} != 0.0: {v} = to_number({name}, {v})",
    Kind.TEXT: "if {v}.__class__ is not str: {v} = to_text({name}, {v})",
    Kind.BOOLEAN: (
        "if {v} is not True and {v} is not False and {v} is not None: {v} = to_boolean({name}, {v})"
    ),
    Kind.DATE: ("{v} = {v}.toordinal() + 0.0 if {v}.__class__ is date else to_day({name}, {v})"),
}
_UNORDERED = frozenset({Kind.TEXT, Kind.BOOLEAN})
_UNKNOWN = {Kind.TEXT: "no_text", Kind.BOOLEAN: "None"}


def compile_rules(roots: Sequence[Condition]) -> Callable[[Record], tuple[Answer, ...]]:
    """Give one function from a record to the answers of all rules, in their order."""
    writer = _Writer()
    answers = "".join(f"  {writer.answer(root)},\n" for root in roots)
    return writer.function(f" return (\n{answers} )\n")


def compile_rule(root: Condition) -> Callable[[Record], Answer]:
    """Give the function from a record to the answer of one rule."""
    writer = _Writer()
    answer = writer.answer(root)
    return writer.function(f" return {answer}\n")


@dataclass(frozen=True, slots=True)
class _Leaf:
    """The expressions of one comparison."""

    true: str
    false: str
    #: Whether it has an answer; None where asking is dearer than the answer.
    known: str | None = None
    #: Surely true and surely false, for where it is known.
    holds: str = ""
    fails: str = ""

    @classmethod
    def guarded(cls, known: str, holds: str, fails: str, *, bare: bool = False) -> _Leaf:
        """Give the leaf of a comparison that is asked only where its values are known.

        ``bare``: the unknown never holds, so that only "surely false" must look for it. CPython
        compares texts fast whatever they are, but NaN slowly.
        """
        true = holds if bare else f"({known} and {holds})"
        return cls(true, f"({known} and {fails})", known, holds, fails)

    def turned(self) -> _Leaf:
        """Give the opposite comparison's expressions."""
        return _Leaf(self.false, self.true, self.known, self.fails, self.holds)


@dataclass(slots=True)
class _Writer:
    #: Variable of each field.
    variables: dict[FieldRef, str] = field(default_factory=dict)
    #: Lines that prepare variables, in order.
    lines: list[str] = field(default_factory=list)
    #: Derived variables already prepared.
    derived: set[str] = field(default_factory=set)

    def function(self, body: str) -> Callable[[Record], Any]:
        prelude = "".join(f" {line}\n" for line in self.lines)
        source = (
            f"def rules(record):\n nan, no_text, get = NAN, NO_TEXT, record.get\n{prelude}{body}"
        )
        namespace: dict[str, Any] = {
            "__builtins__": {},
            "NAN": NAN,
            "NO_TEXT": NO_TEXT,
            "date": date,
            "int": int,
            "float": float,
            "str": str,
            **CONVERTERS,
        }
        # Only numbers, quoted constants and names of our own are in the source.
        exec(compile(source, "<rules>", "exec"), namespace)  # noqa: S102 - as said above
        return namespace["rules"]  # type: ignore[no-any-return]  # defined by the source above

    def answer(self, root: Condition) -> str:
        """Write the expression of a rule's answer."""
        tree = normal(root)
        if _comparisons(tree) <= _MOST_WOVEN:
            return self._woven(tree, 0)
        true, false = self._pair(tree)
        return f"True if {true} else False if {false} else None"

    def _woven(self, node: Condition, depth: int) -> str:
        """Write the answer as one walk: what is settled early is not asked again."""
        match node:
            case All(parts) | Some(parts):
                return self._walk(sorted(parts, key=_cost), isinstance(node, All), depth)
            case Always(value):
                return str(value)
            case FieldRef():
                return self._field(node)
            case _:
                return self._settled(self._leaf(node), "True", "False", "None")

    def _walk(self, parts: Sequence[Condition], both: bool, depth: int) -> str:
        first, rest = parts[0], parts[1:]
        if not rest:
            return self._woven(first, depth)
        later = self._walk(rest, both, depth)
        settles = " or ".join(self._pair(part)[both] for part in rest)
        open_end = f"({not both} if {settles} else None)"
        true, false = (later, "False") if both else ("True", later)
        if isinstance(first, All | Some):
            # Each depth has a variable of its own: a walk within this one must not overwrite it.
            walked = f"(w{depth} := {self._woven(first, depth + 1)})"
            return f"({true} if {walked} else {false} if w{depth} is False else {open_end})"
        return self._settled(self._leaf(first), true, false, open_end)

    def _settled(self, leaf: _Leaf, true: str, false: str, unknown: str) -> str:
        if leaf.known is None:
            return f"({true} if {leaf.true} else {false} if {leaf.false} else {unknown})"
        return f"(({true} if {leaf.holds} else {false}) if {leaf.known} else {unknown})"

    def _pair(self, node: Condition) -> _Pair:
        if isinstance(node, All | Some):
            pairs = [self._pair(part) for part in node.parts]
            both = "(" + " and ".join(pair[isinstance(node, Some)] for pair in pairs) + ")"
            either = "(" + " or ".join(pair[isinstance(node, All)] for pair in pairs) + ")"
            return (both, either) if isinstance(node, All) else (either, both)
        leaf = self._leaf(node)
        return leaf.true, leaf.false

    def _leaf(self, node: Condition) -> _Leaf:
        match node:
            case Not(part):
                return self._leaf(part).turned()
            case FieldRef():
                variable = self._field(node)
                true, false = f"{variable} is True", f"{variable} is False"
                return _Leaf(true, false, f"{variable} is not None", variable, f"not {variable}")
            case Always(value):
                return _Leaf(str(value), str(not value))
            case Compare(operator, left, right):
                return self._compare(operator, left, right)
            case Between(operand, low, high):
                return self._between(operand, low, high)
            case OneOf(operand, options):
                return self._one_of(operand, options)
            case IsUnknown(ref):
                variable, unknown = self._field(ref), _UNKNOWN.get(ref.kind, "nan")
                return _Leaf(f"{variable} is {unknown}", f"{variable} is not {unknown}")
            case StartsWith(operand, prefix):
                starts = f"{self._value(operand, exact=True)}.startswith({prefix!r})"
                return _Leaf.guarded(self._known(operand) or "True", starts, f"not {starts}")
        raise AssertionError(f"{type(node).__name__} is no comparison")

    def _compare(self, operator: str, left: Scalar, right: Scalar) -> _Leaf:
        if operator == "<>":
            return self._compare("=", left, right).turned()
        a, b = self._pair_of_values(left, right)
        known = self._known(left, right)
        if operator == "=" and known is not None:
            constant = isinstance(left, Literal) or isinstance(right, Literal)
            bare = constant and left.kind in _UNORDERED
            return _Leaf.guarded(known, f"{a} == {b}", f"{a} != {b}", bare=bare)
        if operator == "=":
            return _Leaf(f"{a} == {b}", f"({a} < {b} or {a} > {b})")
        true, false = f"{a} {operator} {b}", f"{a} {_OPPOSITES[operator]} {b}"
        return _Leaf(true, false) if known is None else _Leaf.guarded(known, true, false)

    def _between(self, operand: Scalar, low: Scalar, high: Scalar) -> _Leaf:
        lower, upper = self._compare(">=", operand, low), self._compare("<=", operand, high)
        known = self._known(operand)
        if known is not None and isinstance(low, Literal) and isinstance(high, Literal):
            holds = f"{lower.holds} and {upper.holds}"
            return _Leaf.guarded(known, holds, f"({lower.fails} or {upper.fails})")
        return _Leaf(f"({lower.true} and {upper.true})", f"({lower.false} or {upper.false})")

    def _one_of(self, operand: Scalar, options: tuple[Literal, ...]) -> _Leaf:
        if len(options) == 1 and isinstance(operand, FieldRef):
            return self._compare("=", operand, options[0])
        value = self._value(operand, exact=True)
        listed = "{" + ", ".join(self._literal(option) for option in options) + "}"
        known = self._known(operand)
        if known is None:
            return _Leaf(f"{value} in {listed}", f"((t := {value}) == t and t not in {listed})")
        return _Leaf.guarded(known, f"{value} in {listed}", f"{value} not in {listed}", bare=True)

    def _known(self, *values: Scalar) -> str | None:
        """Write that the values are known; None where one is calculated."""
        if any(isinstance(value, Negate | Arithmetic) for value in values):
            return None
        fields = dict.fromkeys(value for value in values if isinstance(value, FieldRef))
        return " and ".join(
            f"{self._field(each)} is not {_UNKNOWN.get(each.kind, 'nan')}" for each in fields
        )

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


def _comparisons(node: Condition) -> int:
    return sum(map(_comparisons, node.parts)) if isinstance(node, All | Some) else 1


def _cost(node: Condition) -> int:
    """Rank conditions by what they take: the order of a conjunction changes no answer."""
    match node:
        case All() | Some():
            return 3
        case FieldRef() | Not(FieldRef()) | Always() | IsUnknown() | Not(IsUnknown()):
            return 0
        case Compare() | Not(Compare()):
            return 1
        case _:
            return 2


def _python_value(node: Literal) -> float | str | bool:
    if isinstance(node.value, date):
        return float(node.value.toordinal())
    if isinstance(node.value, int) and node.kind is not Kind.BOOLEAN:
        return float(node.value)
    return node.value
