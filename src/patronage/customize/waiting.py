"""How many offers wait at the gates of an actor's portfolios? Asked by the room of portfolios."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from patronage.access.roles import Actor, Right
from patronage.access.scope import scope_of
from patronage.customize.standing import DEFAULT_REASON, RESUBMITTED, standing


def offers_waiting(actor: Actor, now: datetime) -> int:
    """Count the open offers that stand at a gate by default, as `reads.gate` lists them.

    It asks for no figures: a headline must not wait for what is at stake.
    """
    scope = scope_of(actor, now)
    if not actor.may(Right.RULE) or scope.nothing:
        return 0
    still_open = Q(offer__valid_until__isnull=True) | Q(offer__valid_until__gt=now)
    rulings = standing(now).filter(still_open, offer__valid_from__lte=now, about="")
    if not scope.everything:
        rulings = rulings.filter(portfolio_id__in=scope.portfolio_ids)
    pairs = rulings.order_by().values_list("offer_id", "portfolio_id").distinct()
    first = Q(by_default=True, reason_code__in=(DEFAULT_REASON, RESUBMITTED))
    return len(set(pairs.filter(first)) - set(pairs.exclude(first)))
