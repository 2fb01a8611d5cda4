"""How did a portfolio rule on an offer, now and before?"""

from __future__ import annotations

from datetime import datetime

from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.access.scope import scope_of
from patronage.customize.models import Ruling


def ruling_history(
    actor: Actor, offer_id: str, portfolio_id: str, now: datetime
) -> tuple[Ruling, ...]:
    """Every word of a portfolio in the actor's scope on an offer, the one in force first.

    Raises:
        NotFound: the portfolio is outside the actor's scope, or there is no ruling on the pair.
    """
    actor.require(Right.SEE_OFFERS)
    if not scope_of(actor, now).holds(portfolio_id):
        raise NotFound(noun="portfolio", id=portfolio_id)
    rows = Ruling.objects.filter(
        offer_id=offer_id, portfolio_id=portfolio_id, valid_from__lte=now
    ).select_related("offer__team", "portfolio")
    # A person's word comes before the default, however late the default was written down.
    history = tuple(rows.order_by("by_default", "-valid_from", "-recorded_at", "-id"))
    if not history:
        raise NotFound(noun="offer", id=offer_id)
    return history
