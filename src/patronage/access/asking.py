"""Which fields may the rules of somebody ask about? Those of their roles, else refused in place."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from django.utils.translation import gettext

from patronage.access.roles import POLICY, SYSTEM_ID, Actor, Right
from patronage.vocabulary.fields import FieldCatalog
from patronage.vocabulary.predicates import Predicate, PredicateError
from patronage.vocabulary.sentences import Sentence

#: Who may ask what a customer is worth or earns: whoever may see it.
OF_PROFITABILITY: Final = frozenset(
    role.value for role, may in POLICY.items() if Right.SEE_PROFITABILITY in may.rights
)
#: Read as the decision is made.
LIVE: Final = timedelta(seconds=1)
#: Of the valuation that each night's run begins with; a run uses that of its own date only.
NIGHTLY: Final = timedelta(days=1)

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def in_words(error: PredicateError) -> str:
    """Say in the reader's language why a condition cannot be used."""
    return error.said(gettext)


def usable(fields: FieldCatalog, actor: Actor) -> FieldCatalog:
    """Give the fields that the actor's rules may ask about."""
    if actor.id == SYSTEM_ID:
        return fields
    return fields.usable_by({role.value for role in actor.roles})


def read_as(actor: Actor, text: str, fields: FieldCatalog) -> Predicate:
    """Read a condition that somebody wrote, with the fields that are theirs to use.

    Raises:
        PredicateError: it cannot be used; it names the place, also of a field that is not theirs.
    """
    theirs = usable(fields, actor)
    try:
        return Predicate.parse(text, theirs)
    except PredicateError as error:
        found = None if error.offset is None else _NAME.match(text, error.offset)
        if found is None or found[0] not in fields or found[0] in theirs:
            raise
        roles = fields[found[0]].usable_by or ()
        raise PredicateError.at(
            text,
            found.start(),
            Sentence("The field %(field)r is not for rules of yours.", field=found[0]),
            Sentence(
                "It is for rules of: %(roles)s. Ask about another field.",
                roles=", ".join(sorted(roles)),
            ),
        ) from error
