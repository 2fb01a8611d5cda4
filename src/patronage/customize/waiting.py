"""How many offers wait at the gates of an actor's portfolios? Asked by the room of portfolios."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from patronage.access.roles import Actor, Right
from patronage.access.scope import scope_of
from patronage.customize.models import Ruling


def offers_waiting(actor: Actor, now: datetime) -> int:
    """Count the open offers that stand at a gate by default, as `reads.gate` lists them.

    It asks for no figures: a headline must not wait for what is at stake.
    """
    scope = scope_of(actor, now)
    if not actor.may(Right.RULE) or scope.nothing:
        return 0
    still_open = Q(offer__valid_until__isnull=True) | Q(offer__valid_until__gt=now)
    rulings = Ruling.objects.filter(still_open, offer__valid_from__lte=now, valid_from__lte=now)
    if not scope.everything:
        rulings = rulings.filter(portfolio_id__in=scope.portfolio_ids)
    pairs = rulings.order_by().values_list("offer_id", "portfolio_id").distinct()
    return len(set(pairs.filter(by_default=True)) - set(pairs.filter(by_default=False)))
