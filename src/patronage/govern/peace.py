"""Which customers are left in peace from which offers, by rulings on conflicts?

A room of its own because decisions, and the last look before sending, must mean the same by it.
The newest ruling on a customer and an offer counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from patronage.govern.models import Claim, ConflictRuling
from patronage.govern.suggesting import CONTACT


def peace_at(at: datetime) -> Mapping[str, frozenset[str]]:
    """Customer id → ids of the offers that may not reach them at an instant."""
    rulings = ConflictRuling.objects.filter(conflict__kind=CONTACT, at__lte=at)
    offers: dict[str, set[str]] = {}
    claims = Claim.objects.filter(
        kind="contact", conflict__ruling__in=rulings, end__in=("upheld", "not_upheld")
    )
    for conflict_id, offer_id in claims.values_list("conflict", "offer_id"):
        offers.setdefault(conflict_id or "", set()).add(offer_id)
    kept: dict[str, set[str]] = {}
    rows = rulings.order_by("at", "id").values_list(
        "conflict_id", "conflict__customer", "claim__kind", "until"
    )
    for conflict_id, customer_id, upheld, until in rows:
        about = offers.get(conflict_id, set())
        if upheld == "quiet" and (until is None or until > at):
            kept.setdefault(customer_id, set()).update(about)
        else:
            kept.get(customer_id, set()).difference_update(about)
    return {customer_id: frozenset(ids) for customer_id, ids in kept.items() if ids}


def next_peace_end(now: datetime) -> datetime | None:
    """The first instant after now at which somebody is no longer left in peace."""
    ahead = ConflictRuling.objects.filter(until__gt=now).order_by("until")
    return ahead.values_list("until", flat=True).first()
