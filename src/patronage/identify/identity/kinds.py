"""Which kinds of identifier are declared now? The company's own, and the standard ones."""

from __future__ import annotations

from collections.abc import Mapping

from patronage.access.company import NoCompany, current
from patronage.vocabulary.identifiers import IdentifierKind, kinds_of


def kinds_in_force() -> Mapping[str, IdentifierKind]:
    """Every declared kind by name, the most trusted first."""
    try:
        declared = current().company.identifiers
    except NoCompany:
        declared = ()
    return kinds_of(declared)


def kind_in_force(name: str) -> IdentifierKind:
    """Give one kind; of a name that nobody declared, a text that stands for one customer."""
    return kinds_in_force().get(name) or IdentifierKind(name=name)
