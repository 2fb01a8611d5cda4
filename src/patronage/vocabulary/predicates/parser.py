"""What does a rule's text mean? Reads it with sqlglot's parser into the language's own tree.

sqlglot decides precedence and structure; it never sees a name or a value. Each field and literal
goes to it as a numbered placeholder, and so does each pair of parentheses, which is read on its
own: neither odd names nor deep nesting can reach the parser.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn, TypeVar

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokens import Token as SqlToken
from sqlglot.tokens import TokenType

from patronage.vocabulary.fields import FieldCatalog
from patronage.vocabulary.predicates.errors import PredicateError
from patronage.vocabulary.predicates.lexer import Token, tokenize
from patronage.vocabulary.predicates.limits import DEEPEST_NESTING
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
    Node,
    Not,
    OneOf,
    Scalar,
    Some,
    StartsWith,
)
from patronage.vocabulary.predicates.shape import refuse_length, refuse_shape
from patronage.vocabulary.predicates.types import check_condition, result_kind
from patronage.vocabulary.sentences import Sentence

_SYMBOLS = {
    "AND": TokenType.AND,
    "OR": TokenType.OR,
    "NOT": TokenType.NOT,
    "IN": TokenType.IN,
    "BETWEEN": TokenType.BETWEEN,
    "IS": TokenType.IS,
    "NULL": TokenType.NULL,
    "LIKE": TokenType.LIKE,
    "=": TokenType.EQ,
    "<>": TokenType.NEQ,
    "<": TokenType.LT,
    "<=": TokenType.LTE,
    ">": TokenType.GT,
    ">=": TokenType.GTE,
    "+": TokenType.PLUS,
    "-": TokenType.DASH,
    "*": TokenType.STAR,
    "/": TokenType.SLASH,
}
_COMPARISONS: dict[type, str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_ARITHMETIC: dict[type, str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}
#: All that sqlglot may say of a node. Whatever else it says would be lost, so it is refused.
_ARGUMENTS = frozenset({"this", "expression", "expressions", "low", "high", "negate"})
_AnyNode = TypeVar("_AnyNode", bound=Node)
_UNREADABLE = Sentence("The rule cannot be read here.")
_ADVICE = Sentence(
    "Check that every comparison has two sides and that AND or OR stands between conditions."
)


def parse(text: str, fields: FieldCatalog) -> Condition:
    """Read a rule into its tree; raises PredicateError with the place of the first fault."""
    return _Reader(text, fields).read()


@dataclass(slots=True)
class _Reader:
    text: str
    fields: FieldCatalog
    #: What each placeholder stands for; the list after IN is a tuple.
    values: list[Node | tuple[Literal, ...]] = field(default_factory=list)
    #: Where each placeholder stands, by its number.
    places: list[int] = field(default_factory=list)
    #: Where each node stands, by its identity. Nodes live as long as the reader: see ``kept``.
    offsets: dict[int, int] = field(default_factory=dict)
    kept: list[Node] = field(default_factory=list)

    def read(self) -> Condition:
        tokens = tokenize(self.text, self.fields)
        if not tokens:
            raise PredicateError.at(
                self.text, 0, "The rule is empty.", "Write TRUE for a rule that always holds."
            )
        try:
            node = self._group(tokens, 0, 0)
            refuse_shape(node, self._refuse)
            check_condition(node, self._refuse, self._units())
            condition = self._as_condition(node)
            refuse_length(condition, self._refuse)
        except RecursionError:
            raise PredicateError.at(
                self.text, 0, "The rule is nested too deeply.", "Split it into several rules."
            ) from None
        return condition

    def _units(self) -> Mapping[str, str | None]:
        return {name: each.unit for name, each in self.fields.items()}

    def _group(self, tokens: Sequence[Token], level: int, offset: int) -> Node:
        """Read what stands between one pair of parentheses, inner pairs first."""
        if level > DEEPEST_NESTING:
            raise self._fault(
                offset,
                Sentence(
                    "Parentheses are nested more than %(deepest_nesting)s deep.",
                    deepest_nesting=DEEPEST_NESTING,
                ),
                "Split the rule into several.",
            )
        flat: list[SqlToken] = []
        closings = self._closing(tokens)
        at = 0
        while at < len(tokens):
            token = tokens[at]
            if token.symbol == "(":
                close = closings[at]
                inner = tokens[at + 1 : close]
                listed = at > 0 and tokens[at - 1].symbol == "IN"
                value = self._options(inner, token) if listed else self._inner(inner, level, token)
                flat += self._listed(value, token) if listed else [self._place(value, token.offset)]
                at = close
            elif token.symbol in ("value", "TRUE", "FALSE"):
                value = token.value or Always(token.symbol == "TRUE")
                flat.append(self._place(self._note(value, token.offset), token.offset))
            elif token.symbol in _SYMBOLS:
                flat.append(self._sql(_SYMBOLS[token.symbol], token.symbol, token.offset))
            else:
                raise self._fault(
                    token.offset,
                    Sentence("'%(symbol)s' does not belong here.", symbol=token.symbol),
                    _ADVICE,
                )
            at += 1
        return self._structure(flat, offset)

    def _inner(self, tokens: Sequence[Token], level: int, opening: Token) -> Node:
        if not tokens:
            raise self._fault(
                opening.offset, "The parentheses are empty.", "Remove them or fill them."
            )
        return self._group(tokens, level + 1, tokens[0].offset)

    def _closing(self, tokens: Sequence[Token]) -> dict[int, int]:
        """Give where each parenthesis of these tokens is closed."""
        closed: dict[int, int] = {}
        opened: list[int] = []
        for at, token in enumerate(tokens):
            if token.symbol == "(":
                opened.append(at)
            elif token.symbol == ")" and opened:
                closed[opened.pop()] = at
        if opened:
            raise self._fault(
                tokens[opened[0]].offset, "This parenthesis is never closed.", "Add a ')'."
            )
        return closed

    def _options(self, tokens: Sequence[Token], opening: Token) -> tuple[Literal, ...]:
        """Read the list after IN: constants between commas."""
        options: list[Literal] = []
        at = 0
        while True:
            negative = at < len(tokens) and tokens[at].symbol == "-"
            at += negative
            option = self._option(tokens[at] if at < len(tokens) else None, opening)
            options.append(self._minus(option, opening.offset) if negative else option)
            at += 1
            if at >= len(tokens):
                return tuple(options)
            if tokens[at].symbol != ",":
                raise self._fault(
                    tokens[at].offset, "A comma is missing here.", "Write IN (1, 2, 3)."
                )
            at += 1

    def _option(self, token: Token | None, opening: Token) -> Literal:
        advice = "The list after IN holds constants only, as in IN ('north', 'south')."
        if token is None:
            raise self._fault(opening.offset, "A value is missing in the list after IN.", advice)
        if token.symbol in ("TRUE", "FALSE"):
            option = Literal(Kind.BOOLEAN, token.symbol == "TRUE")
        elif token.symbol == "NULL":
            raise self._fault(
                token.offset, "NULL in a list equals nothing.", "Ask for it with IS NULL instead."
            )
        elif isinstance(token.value, Literal):
            option = token.value
        else:
            raise self._fault(token.offset, "This is not a constant.", advice)
        self._note(option, token.offset)
        return option

    def _minus(self, literal: Literal, offset: int) -> Literal:
        if literal.kind not in NUMERIC or not isinstance(literal.value, int | float):
            raise self._fault(offset, "Minus is for numbers.", "Remove it.")
        negative = Literal(literal.kind, -literal.value)
        self._note(negative, offset)
        return negative

    def _listed(self, value: Node | tuple[Literal, ...], opening: Token) -> list[SqlToken]:
        at = opening.offset
        return [
            self._sql(TokenType.L_PAREN, "(", at),
            self._place(value, at),
            self._sql(TokenType.R_PAREN, ")", at),
        ]

    def _place(self, value: Node | tuple[Literal, ...], offset: int) -> SqlToken:
        self.values.append(value)
        self.places.append(offset)
        return self._sql(TokenType.NUMBER, str(len(self.values) - 1), offset)

    def _sql(self, kind: TokenType, text: str, offset: int) -> SqlToken:
        return SqlToken(kind, text, 1, offset + 1, offset, offset)

    def _structure(self, tokens: list[SqlToken], offset: int) -> Node:
        try:
            parsed = Dialect.get_or_raise(None).parser().parse(tokens, self.text)
        except SqlglotError as error:
            found = getattr(error, "errors", None) or [{}]
            column = found[0].get("col")
            place = column - 1 if isinstance(column, int) else offset
            raise PredicateError.at(self.text, place, _UNREADABLE, _ADVICE) from error
        if len(parsed) != 1 or parsed[0] is None:
            raise self._fault(offset, _UNREADABLE, _ADVICE)
        return self._node(parsed[0])

    def _node(self, parsed: exp.Expression) -> Node:
        """Turn one of sqlglot's nodes into ours; chains of AND, OR and + are walked, not nested."""
        node: Node
        said = {name for name, value in parsed.args.items() if value not in (None, False, [])}
        if not said <= _ARGUMENTS:
            raise self._fault(_first_place(parsed, self.places), _UNREADABLE, _ADVICE)
        if isinstance(parsed, exp.Literal):
            return self._value(parsed)
        if isinstance(parsed, exp.And | exp.Or):
            parts = tuple(self._condition(part) for part in _chain(parsed))
            node = All(parts) if isinstance(parsed, exp.And) else Some(parts)
            return self._note(node, self._start(parts[0]))
        if type(parsed) in _ARITHMETIC:
            return self._arithmetic(parsed)
        if type(parsed) in _COMPARISONS:
            left, right = self._scalar(parsed.this), self._scalar(parsed.expression)
            return self._note(Compare(_COMPARISONS[type(parsed)], left, right), self._start(left))
        node = self._special(parsed)
        if not parsed.args.get("negate"):
            return node
        return self._note(Not(self._as_condition(node)), self._start(node))

    def _special(self, parsed: exp.Expression) -> Node:
        match parsed:
            case exp.Not():
                inner = self._condition(parsed.this)
                return self._note(Not(inner), self._start(inner))
            case exp.Neg():
                operand = self._scalar(parsed.this)
                if isinstance(operand, Literal):
                    return self._minus(operand, self._start(operand))
                return self._note(Negate(operand), self._start(operand))
            case exp.Between() if not parsed.args.get("symmetric"):
                low, high = parsed.args["low"], parsed.args["high"]
                operand = self._scalar(parsed.this)
                node = Between(operand, self._scalar(low), self._scalar(high))
                return self._note(node, self._start(operand))
            case exp.Is():
                return self._unknown(parsed)
            case exp.In() if len(parsed.expressions) == 1:
                return self._one_of(parsed)
            case exp.Like():
                return self._starts_with(parsed)
            case _:
                raise self._fault(_first_place(parsed, self.places), _UNREADABLE, _ADVICE)

    def _value(self, parsed: exp.Literal) -> Node:
        value = self.values[int(parsed.this)]
        if isinstance(value, tuple):
            raise self._fault(self.places[int(parsed.this)], _UNREADABLE, _ADVICE)
        return value

    def _arithmetic(self, parsed: exp.Expression) -> Node:
        left, right = self._scalar(parsed.this), self._scalar(parsed.expression)
        operator = _ARITHMETIC[type(parsed)]
        kind = result_kind(operator, left.kind, right.kind) or left.kind
        return self._note(Arithmetic(kind, operator, left, right), self._start(left))

    def _unknown(self, parsed: exp.Is) -> Node:
        operand = self._scalar(parsed.this)
        if not isinstance(operand, FieldRef) or not isinstance(parsed.expression, exp.Null):
            raise self._fault(
                self._start(operand),
                "IS asks only whether a field is NULL.",
                "Write field IS NULL or field IS NOT NULL.",
            )
        return self._note(IsUnknown(operand), self._start(operand))

    def _one_of(self, parsed: exp.In) -> Node:
        operand = self._scalar(parsed.this)
        placeholder = parsed.expressions[0]
        options = self.values[int(placeholder.this)] if isinstance(placeholder, exp.Literal) else ()
        if not isinstance(options, tuple):
            raise self._fault(self._start(operand), _UNREADABLE, "Write IN ('north', 'south').")
        return self._note(OneOf(operand, options), self._start(operand))

    def _starts_with(self, parsed: exp.Like) -> Node:
        operand, pattern = self._scalar(parsed.this), self._scalar(parsed.expression)
        written = pattern.value if isinstance(pattern, Literal) else None
        prefix = written[:-1] if isinstance(written, str) and written.endswith("%") else ""
        return self._note(StartsWith(operand, prefix), self._start(pattern))

    def _condition(self, parsed: exp.Expression) -> Condition:
        return self._as_condition(self._node(parsed))

    def _as_condition(self, node: Node) -> Condition:
        if isinstance(node, Literal | Negate | Arithmetic):
            raise self._fault(
                self._start(node),
                "A value stands where a condition belongs.",
                "Compare it with something.",
            )
        return node

    def _scalar(self, parsed: exp.Expression) -> Scalar:
        if isinstance(parsed, exp.Null):
            raise self._fault(
                _first_place(parsed.parent or parsed, self.places),
                "NULL equals nothing, not even NULL.",
                "Ask for it with IS NULL or IS NOT NULL.",
            )
        node = self._node(parsed)
        if isinstance(node, Always):
            return self._note(Literal(Kind.BOOLEAN, node.value), self._start(node))
        if not isinstance(node, FieldRef | Literal | Negate | Arithmetic):
            raise self._fault(
                self._start(node),
                "A condition stands where a value belongs.",
                "Join conditions with AND, OR and NOT; compare only values.",
            )
        return node

    def _note(self, node: _AnyNode, offset: int) -> _AnyNode:
        self.kept.append(node)
        self.offsets[id(node)] = offset
        return node

    def _start(self, node: Node) -> int:
        return self.offsets.get(id(node), 0)

    def _refuse(self, node: Node, reason: str, advice: str) -> NoReturn:
        raise self._fault(self._start(node), reason, advice)

    def _fault(self, offset: int, reason: str, advice: str) -> PredicateError:
        return PredicateError.at(self.text, offset, reason, advice)


def _chain(parsed: exp.Expression) -> list[exp.Expression]:
    """Give the conditions of ``a AND b AND c`` in order, without recursion."""
    parts: list[exp.Expression] = []
    kind = type(parsed)
    current = parsed
    while type(current) is kind:
        parts.append(current.expression)
        current = current.this
    parts.append(current)
    return parts[::-1]


def _first_place(parsed: exp.Expression, places: list[int]) -> int:
    numbers = (int(each.this) for each in parsed.find_all(exp.Literal))
    return min((places[number] for number in numbers), default=0)
