"""The rule language's face: a predicate that is read once and run at two speeds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from patronage.vocabulary.fields import FieldCatalog
from patronage.vocabulary.predicates.builder import from_builder, to_builder
from patronage.vocabulary.predicates.fused import Answer, Record, compile_rule, compile_rules
from patronage.vocabulary.predicates.nodes import Condition, fields_of
from patronage.vocabulary.predicates.parser import parse
from patronage.vocabulary.predicates.sql import to_sql
from patronage.vocabulary.predicates.stored import from_document, to_document
from patronage.vocabulary.predicates.text import condition_text

if TYPE_CHECKING:
    import polars as pl


class Predicate:
    """A checked condition about one customer. Immutable; equal to another with the same tree.

    Answers are three-valued as in SQL: True, False, or None where too much is unknown. NULL, NaN,
    infinities and quotients by zero are unknown. Numbers are doubles wherever they are calculated
    with or meet a double, and ``/`` is never integer division.
    """

    __slots__ = ("_evaluate", "tree")

    #: The stored syntax tree.
    tree: Condition

    def __init__(self, tree: Condition) -> None:
        """Wrap a tree that was checked; use ``parse`` or ``from_json`` to get one."""
        self.tree = tree
        self._evaluate: Callable[[Record], Answer] | None = None

    @classmethod
    def parse(cls, text: str, fields: FieldCatalog) -> Predicate:
        """Read a rule's text; raises PredicateError with place, reason and advice."""
        return cls(parse(text, fields))

    @classmethod
    def from_json(
        cls, document: str | Mapping[str, Any], fields: FieldCatalog | None = None
    ) -> Predicate:
        """Read what ``to_json`` gave (text or the parsed object) into an equal predicate.

        With ``fields``, each field must still be declared with the same type. Raises
        PredicateError for anything that ``parse`` could not have produced.
        """
        return cls(from_document(document, fields))

    def to_json(self) -> str:
        """Give the stored form: a version and the tree, the same text for equal predicates."""
        document = to_document(self.tree)
        return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_builder(cls, document: str | Mapping[str, Any], fields: FieldCatalog) -> Predicate:
        """Read rows and groups (text or the parsed object) as ``to_builder`` gives them.

        Raises PredicateError that names the row, as in "Row 2.1", for what no rule can be.
        """
        return cls(from_builder(document, fields))

    def to_builder(self) -> dict[str, Any]:
        """Give the rule as a group of rows and groups, for a condition builder.

        A group is ``{"kind": "group", "match": "all" | "any" | "none", "rows": […]}``, a row
        ``{"kind": "row", "field": …, "operator": …, "value": …}`` (values are texts; a list of
        them for lists and ranges; none where nothing is compared), and what rows cannot say is
        ``{"kind": "text", "text": …}``. ``from_builder`` gives an equal predicate.
        """
        return to_builder(self.tree)

    @property
    def text(self) -> str:
        """The canonical text, which parses into an equal predicate."""
        return condition_text(self.tree)

    @property
    def fields_used(self) -> tuple[str, ...]:
        """Names of the fields asked about, each once, in the order of first mention."""
        return tuple(field.name for field in fields_of(self.tree))

    @property
    def evaluate(self) -> Callable[[Record], Answer]:
        """The function from a record (field name → value; missing is unknown) to the answer.

        It raises RecordError for a value of the wrong type. Compiled at first use.
        """
        if self._evaluate is None:
            self._evaluate = compile_rule(self.tree)
        return self._evaluate

    def to_polars(self) -> pl.Expr:
        """Give the rule as a nullable boolean expression over columns named as the fields.

        Columns have the declared types: integers, doubles or decimals, texts or enums, booleans,
        dates. NULL, NaN and infinities are unknown. A rule without fields gives one value.
        """
        try:
            from patronage.vocabulary.predicates.columns import to_expression
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "Rules over columns need Polars. Install it with: pip install 'patronage[app]'"
            ) from error
        return to_expression(self.tree)

    def to_sql(self, dialect: str) -> str:
        """Give the rule as an SQL condition for "duckdb", "postgres" or "spark"."""
        return to_sql(self.tree, dialect)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Predicate) and self.tree == other.tree

    def __hash__(self) -> int:
        return hash(self.tree)

    def __reduce__(self) -> tuple[type[Predicate], tuple[Condition]]:
        return Predicate, (self.tree,)

    def __repr__(self) -> str:
        return f"Predicate({self.text!r})"


class Policy:
    """Many predicates compiled into one function. Immutable."""

    __slots__ = ("evaluate", "fields_used", "predicates")

    #: The predicates, in the order of the answers.
    predicates: tuple[Predicate, ...]
    #: The function from a record to the answers of all predicates.
    evaluate: Callable[[Record], tuple[Answer, ...]]
    #: Names of the fields that any of them asks about.
    fields_used: tuple[str, ...]

    def __init__(self, predicates: Iterable[Predicate]) -> None:
        self.predicates = tuple(predicates)
        self.evaluate = compile_rules([each.tree for each in self.predicates])
        used = (name for each in self.predicates for name in each.fields_used)
        self.fields_used = tuple(dict.fromkeys(used))

    @classmethod
    def compile(cls, predicates: Iterable[Predicate]) -> Policy:
        """Compile predicates; call the policy with a record to get their answers in order."""
        return cls(predicates)

    def __call__(self, record: Record) -> tuple[Answer, ...]:
        return self.evaluate(record)

    def to_polars(self) -> list[pl.Expr]:
        """Give the predicates as Polars expressions, in order."""
        return [each.to_polars() for each in self.predicates]

    def __reduce__(self) -> tuple[type[Policy], tuple[tuple[Predicate, ...]]]:
        return Policy, (self.predicates,)
