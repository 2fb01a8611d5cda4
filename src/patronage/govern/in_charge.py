"""Which portfolios does a person answer for at an instant, and for which do they stand in?

A room of its own because the scope, the actions and the reads must mean the same by both.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import OuterRef, Q, QuerySet, Subquery

from patronage.access.errors import NotFound
from patronage.access.roles import SYSTEM_ID, Actor, Right
from patronage.govern.models import Accountability, Cover, Portfolio


def portfolios_of(person_id: str, at: datetime) -> frozenset[str]:
    """Ids of the portfolios that the person alone answers for at the instant."""
    started = Accountability.objects.filter(portfolio=OuterRef("pk"), starts_at__lte=at)
    newest = started.order_by("-starts_at").values("manager_id")[:1]
    mine = Portfolio.objects.annotate(in_charge=Subquery(newest)).filter(in_charge=person_id)
    return frozenset(mine.values_list("id", flat=True))


def covers_at(at: datetime) -> QuerySet[Cover]:
    """The covers that last at the instant."""
    return Cover.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at), starts_at__lte=at)


def covered_by(person_id: str, at: datetime) -> frozenset[str]:
    """Ids of the portfolios that the person acts for at the instant as somebody's deputy."""
    return frozenset(covers_at(at).filter(deputy=person_id).values_list("portfolio_id", flat=True))


def require_arranging(actor: Actor) -> Right:
    """Refuse whoever neither manages portfolios nor assigns them; give the right that counts.

    Raises:
        NotAllowed: the actor may do neither.
    """
    right = Right.HAND_OVER if actor.may(Right.HAND_OVER) else Right.ASSIGN
    actor.require(right)
    return right


def require_in_charge(actor: Actor, portfolio_id: str, now: datetime) -> Portfolio:
    """Give the portfolio to its own manager, or to somebody who assigns portfolios.

    Raises:
        NotFound: it is absent or not the actor's, which look the same.
    """
    found = Portfolio.objects.filter(pk=portfolio_id).first()
    any_of_them = actor.id == SYSTEM_ID or actor.may(Right.ASSIGN)
    if found is None or not (any_of_them or found.id in portfolios_of(actor.id, now)):
        raise NotFound(noun="portfolio", id=portfolio_id)
    return found
