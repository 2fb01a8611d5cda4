"""Which customers are left in peace from which offers, by rulings on conflicts?

A room of its own because decisions, and the last look before sending, must mean the same by it.
The newest ruling on a customer and an offer counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef, Q

from patronage.govern.models import Claim, Conflict, ConflictRuling
from patronage.govern.suggesting import CONTACT
from patronage.identify import merged

#: SQLite takes about 32,000 values in one statement.
_AT_ONCE: Final = 10_000


def peace_at(at: datetime) -> Mapping[str, frozenset[str]]:
    """Customer id → ids of the offers that may not reach them at an instant.

    Of conflicts whose peace is over, or that were ruled otherwise, nothing is read.
    """
    lasting = ConflictRuling.objects.filter(
        Q(until__isnull=True) | Q(until__gt=at), quiet=True, at__lte=at
    )
    ruled = Claim.objects.filter(
        kind="contact",
        end__in=("upheld", "not_upheld"),
        conflict__kind=CONTACT,
        conflict__ruling__at__lte=at,
    )
    later = Q(conflict__ruling__at__gt=OuterRef("conflict__ruling__at")) | Q(
        conflict__ruling__at=OuterRef("conflict__ruling__at"),
        conflict__ruling__id__gt=OuterRef("conflict__ruling__id"),
    )
    newer = ruled.filter(
        later, conflict__customer=OuterRef("conflict__customer"), offer_id=OuterRef("offer_id")
    )
    stands = ruled.filter(~Exists(newer))
    kept: dict[str, set[str]] = {}
    # named one by one, so that a store that has not counted its rows goes to these alone
    quiet = list(lasting.values_list("conflict_id", flat=True))
    for start in range(0, len(quiet), _AT_ONCE):
        found = stands.filter(conflict__in=quiet[start : start + _AT_ONCE])
        for customer_id, offer_id in found.values_list("conflict__customer", "offer_id"):
            kept.setdefault(customer_id, set()).add(offer_id)
    return {customer_id: frozenset(ids) for customer_id, ids in kept.items()}


def unruled_merges(at: datetime) -> frozenset[str]:
    """Customers who came of a merge over two portfolios that nobody has ruled on at an instant.

    Nothing is sent to them: nobody can say yet in whose name. Whoever absorbed such a customer
    since is the one whom the case is about.
    """
    open_then = Conflict.objects.filter(
        Q(closed_at__isnull=True) | Q(closed_at__gt=at), opened_at__lte=at
    )
    waiting = open_then.exclude(merge_id="")
    ids = frozenset(waiting.values_list("customer_id", flat=True))
    ends = merged.ends_of(ids)
    return frozenset(ends.get(each, each) for each in ids)


def next_peace_end(now: datetime) -> datetime | None:
    """The first instant after now at which somebody is no longer left in peace."""
    ahead = ConflictRuling.objects.filter(quiet=True, until__gt=now).order_by("until")
    return ahead.values_list("until", flat=True).first()
