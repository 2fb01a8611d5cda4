"""What would move if these customers were handed over?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.access.scope import scope_of
from patronage.govern.models import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Customers picked from a list; money in minor units."""

    customer_ids: tuple[str, ...]
    #: in the order of their value, highest first
    labels: tuple[str, ...]
    #: of those whose value is known
    value_minor: int
    #: whose value is not known yet
    unvalued: int
    #: the portfolios that they are in now
    portfolio_ids: frozenset[str]


def chosen(actor: Actor, customer_ids: Sequence[str], now: datetime) -> Chosen:
    """Give what the named customers are worth and where they are.

    Raises:
        NotFound: one of them is absent or outside the actor's scope, which look the same.
    """
    actor.require(Right.HAND_OVER)
    scope = scope_of(actor, now)
    wanted = tuple(dict.fromkeys(customer_ids))
    found = {row.customer_id: row for row in Standing.objects.filter(customer_id__in=wanted)}
    for each in wanted:
        if each not in found or not scope.holds(found[each].portfolio_id):
            raise NotFound(noun="customer", id=each)
    ranked = sorted(found.values(), key=lambda row: (-(row.value_minor or 0), row.label))
    return Chosen(
        customer_ids=wanted,
        labels=tuple(row.label for row in ranked),
        value_minor=sum(row.value_minor or 0 for row in ranked),
        unvalued=sum(row.value_minor is None for row in ranked),
        portfolio_ids=frozenset(row.portfolio_id for row in ranked),
    )
