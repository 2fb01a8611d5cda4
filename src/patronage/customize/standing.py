"""Which rulings are in force at an instant?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from patronage.customize.models import Ruling, RulingEnd

#: Reason of the ruling that every pair has before anybody spoke.
DEFAULT_REASON: Final = "default"
#: The same of an offer whose version before was kept back: it waits for a person's word.
RESUBMITTED: Final = "resubmitted"
#: Reason of a default that stands because nobody ruled in time.
UNANSWERED: Final = "unanswered"
_WAITING: Final = (DEFAULT_REASON, RESUBMITTED)


def standing(at: datetime) -> QuerySet[Ruling]:
    """The rulings that have begun and not ended: later ones may stand before them."""
    still = Q(valid_until__isnull=True) | Q(valid_until__gt=at)
    taken_back = RulingEnd.objects.filter(ruling=OuterRef("pk"), at__lte=at)
    return Ruling.objects.filter(still, ~Exists(taken_back), valid_from__lte=at)


def rulings_at(
    at: datetime, offer_ids: list[str], *, known_by: datetime | None = None
) -> dict[tuple[str, str], Ruling]:
    """The ruling on the whole portfolio, by portfolio and offer: a person's before the default.

    Args:
        known_by: without what was written down later; None: all there is.
    """
    rulings = standing(at).filter(offer_id__in=offer_ids, about="")
    if known_by is not None:
        rulings = rulings.filter(recorded_at__lte=known_by)
    return {
        (ruling.portfolio_id, ruling.offer_id): ruling
        for ruling in rulings.order_by("-by_default", "valid_from", "recorded_at", "id")
    }


def waiting_since(
    now: datetime, in_force: Mapping[tuple[str, str], Ruling]
) -> dict[tuple[str, str], datetime]:
    """Since when each proposal waits on which the portfolio's first default still stands.

    Args:
        in_force: the rulings on whole portfolios at `now`, by portfolio and offer.
    """
    waits = {pair: each for pair, each in in_force.items() if each.reason_code in _WAITING}
    since = {pair: max(each.valid_from, each.recorded_at) for pair, each in waits.items()}
    offers = {offer_id for _, offer_id in waits}
    spoken = Ruling.objects.filter(offer_id__in=offers, by_default=False, about="")
    for ruling in spoken.select_related("end"):
        pair = (ruling.portfolio_id, ruling.offer_id)
        taken_back = ruling.end.at if hasattr(ruling, "end") else ruling.valid_until
        # a person spoke and it is over: it waits again from then on
        if pair in since and taken_back is not None and taken_back <= now:
            since[pair] = max(since[pair], taken_back)
    return since


def held_back(now: datetime, offer_ids: set[str]) -> set[tuple[str, str]]:
    """The portfolios that do not let all of an offer through, with the offer.

    A new version must not reach by a default whom the version before was kept from.
    """
    ids = sorted(offer_ids)
    said = (*rulings_at(now, ids).values(), *special_at(now, ids))
    return {(each.portfolio_id, each.offer_id) for each in said if each.effect != "allow"}


def special_at(at: datetime, offer_ids: list[str]) -> tuple[Ruling, ...]:
    """The rulings that single somebody out: tested blocks, then segments, then customers."""
    single_out = standing(at).filter(~Q(about=""), offer_id__in=offer_ids)
    on_scopes: dict[tuple[str, str, str], Ruling] = {}
    for ruling in single_out.order_by("valid_from", "recorded_at", "id"):
        key = (ruling.portfolio_id, ruling.offer_id, ruling.about)
        on_scopes.pop(key, None)
        on_scopes[key] = ruling
    tested = [each for each in rulings_at(at, offer_ids).values() if each.test_share]
    segments = [each for each in on_scopes.values() if each.customer_id is None]
    customers = [each for each in on_scopes.values() if each.customer_id is not None]
    return (*sorted(tested, key=lambda each: each.id), *segments, *customers)
