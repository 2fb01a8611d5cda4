"""What becomes of proposals that nobody answers? They fall to the portfolio's declared default."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from patronage.access import audit
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic, take_turns
from patronage.customize.models import Offer, Ruling
from patronage.customize.standing import RESUBMITTED, UNANSWERED, rulings_at, waiting_since
from patronage.govern.models import Portfolio
from patronage.vocabulary.ids import IdPrefix, new_ids


def fall_to_default(*, actor: Actor, now: datetime) -> int:
    """Let every proposal that waited longer than its portfolio's `gate_days` fall; return how many.

    Each falls once: a row says when, and that the default stands because nobody ruled. A manager
    may rule on it as before.

    Raises:
        NotAllowed: the actor may not decide everybody, which this prepares.
    """
    actor.require(Right.DECIDE_EVERYBODY)
    with atomic():
        take_turns("offers")
        fallen = _fallen(actor, now)
        if not fallen:
            return 0
        Ruling.objects.bulk_create(fallen)
        audit.record(
            actor=actor,
            now=now,
            action="let proposals fall to the default",
            subject_kind="offer",
            subject_id=fallen[0].offer_id if len(fallen) == 1 else f"{len(fallen)} proposals",
            right=Right.DECIDE_EVERYBODY,
            before={"waiting": len(fallen)},
            change={"rulings": [each.id for each in fallen]},
        )
    return len(fallen)


def _fallen(actor: Actor, now: datetime) -> list[Ruling]:
    still_open = Q(valid_until__isnull=True) | Q(valid_until__gt=now)
    ids = list(Offer.objects.filter(still_open, valid_from__lte=now).values_list("id", flat=True))
    portfolios = {each.id: each for each in Portfolio.objects.filter(gate_days__gt=0)}
    in_force = rulings_at(now, ids)
    since = waiting_since(now, in_force)
    late = sorted(
        pair
        for pair, at in since.items()
        if pair[0] in portfolios and now >= at + timedelta(days=portfolios[pair[0]].gate_days)
    )
    return [
        Ruling(
            id=new,
            offer_id=offer_id,
            portfolio_id=portfolio_id,
            # no default lets through what the version before was kept from
            effect="block"
            if in_force[portfolio_id, offer_id].reason_code == RESUBMITTED
            else portfolios[portfolio_id].default_ruling,
            by_default=True,
            reason_code=UNANSWERED,
            reason=f"Nobody ruled within {portfolios[portfolio_id].gate_days} days.",
            valid_from=now,
            recorded_at=now,
            actor_id=actor.id,
            actor_name=actor.name,
        )
        for new, (portfolio_id, offer_id) in zip(
            new_ids(IdPrefix.RULING, len(late)), late, strict=True
        )
    ]
