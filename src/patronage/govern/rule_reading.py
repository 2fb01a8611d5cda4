"""Reads a rule that somebody wrote: the language first, then what the company itself declares.

A room of its own because actions, boundaries, assignment and offers must read the same way.
"""

from __future__ import annotations

from collections.abc import Iterator

from patronage.access.asking import read_as
from patronage.access.company import current
from patronage.access.roles import SYSTEM, Actor
from patronage.govern.service_tiers import names_of
from patronage.vocabulary.company import Company
from patronage.vocabulary.fields import FieldCatalog
from patronage.vocabulary.predicates import Predicate, PredicateError
from patronage.vocabulary.predicates.nodes import Compare, FieldRef, Literal, Node, OneOf, walk
from patronage.vocabulary.predicates.text import literal_text
from patronage.vocabulary.sentences import Sentence


def read_rule(
    text: str, fields: FieldCatalog, company: Company | None = None, *, actor: Actor = SYSTEM
) -> Predicate:
    """Read a rule's text.

    Args:
        actor: who wrote it; every field is the company's own to use.
        company: whose names it must keep to; the company in force when left out.

    Raises:
        PredicateError: it is not in the language, asks what is not its author's to ask, or names
            a service tier that is not declared.
    """
    predicate = read_as(actor, text, fields)
    named = list(_tiers_named(predicate))
    if not named:
        return predicate
    declared = names_of(current().company if company is None else company)
    for literal in named:
        if literal.value not in declared:
            written = literal_text(literal)
            known = ", ".join(repr(name) for name in declared)
            raise PredicateError.at(
                text,
                max(text.find(written), 0),
                Sentence("The company declares no service tier %(tier)s.", tier=written[:40]),
                Sentence("Use one of %(known)s.", known=known)
                if known
                else Sentence("Declare service_tiers in company.toml first."),
            )
    return predicate


def _tiers_named(predicate: Predicate) -> Iterator[Literal]:
    for node in walk(predicate.tree):
        match node:
            case Compare("=" | "<>", left, right):
                sides: tuple[Node, ...] = (left, right)
            case OneOf(operand, options):
                sides = (operand, *options)
            case _:
                continue
        if any(isinstance(each, FieldRef) and each.name == "service_tier" for each in sides):
            yield from (each for each in sides if isinstance(each, Literal))
