"""Which offers stand at a manager's gate, how are they ruled, and what is at stake?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db.models import Q

from patronage.access.roles import Actor, Right
from patronage.access.scope import scope_of
from patronage.customize import stakes
from patronage.customize.learned import LearnedCost, learned_cost
from patronage.customize.models import Offer, Ruling, RulingMessage
from patronage.customize.stakes import Stake
from patronage.customize.standing import rulings_at, special_at, waiting_since
from patronage.govern.models import Portfolio

#: "waiting": nobody has ruled yet, the portfolio's default stands; "ruled": its manager has, or
#: nobody did in time.
State = Literal["waiting", "ruled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRow:
    """One offer at the gate of one portfolio; money in minor units of the offer's currency."""

    offer_id: str
    offer: str
    team: str
    category: str
    channels: tuple[str, ...]
    face_value_minor: int
    currency: str
    portfolio_id: str
    portfolio: str
    ruling_id: str
    #: "allow", "adapt" or "block"
    effect: str
    adaptation: dict[str, Any]
    by_default: bool
    reason_code: str
    reason: str
    ruled_by: str
    valid_from: datetime
    #: when the ruling ends by itself; None: not
    valid_until: datetime | None
    #: of a block: share of the customers for whom it is lifted
    test_share: float
    #: what the block is learned to cost; None where it is not tested
    learned: LearnedCost | None
    #: rulings in force on segments and single customers beside it
    exceptions: int
    #: counts resubmissions of the offer
    version: int
    #: what its owner wrote about the portfolio's rulings in force
    messages: int
    #: since when it waits for a ruling; None: it does not
    waits_since: datetime | None
    #: when it falls to the portfolio's default; None: it does not, or waits for ever
    falls_at: datetime | None
    #: what the ruling forgoes, as computed when it was made; None where it was not
    forgone_minor: int | None
    gross_forgone_minor: int | None
    #: customers for whom the offer is worth making; None where the last run did not consider it
    customers: int | None
    #: of those, for how many it is the best there is
    best_for: int | None
    #: best achievable with the offer as proposed less the best without it, at the last run
    at_stake_minor: int | None

    @property
    def waits(self) -> bool:
        """Whether nobody has ruled yet."""
        return self.waits_since is not None


def gate(actor: Actor, now: datetime, *, state: State | None = None) -> list[GateRow]:
    """Open offers in the actor's portfolios: those that wait first, then by what is at stake."""
    actor.require(Right.SEE_OFFERS)
    scope = scope_of(actor, now)
    portfolios = Portfolio.objects.order_by("position", "name")
    if not scope.everything:
        portfolios = portfolios.filter(id__in=scope.portfolio_ids)
    still_open = Q(valid_until__isnull=True) | Q(valid_until__gt=now)
    offers = list(
        Offer.objects.filter(still_open, valid_from__lte=now)
        .select_related("team")
        .prefetch_related("treatments")
    )
    ids = [offer.id for offer in offers]
    rulings = rulings_at(now, ids)
    special = special_at(now, ids)
    on_some = Counter((e.portfolio_id, e.offer_id) for e in special if e.about)
    since = waiting_since(now, rulings)
    in_force = [each.id for each in (*rulings.values(), *special)]
    said = RulingMessage.objects.filter(ruling__in=in_force, by_owner=True)
    answers = Counter(said.values_list("ruling__portfolio", "ruling__offer"))
    rows = []
    for portfolio in portfolios:
        worth = stakes.of_offers(portfolio.id, now)
        rows += [
            _row(
                offer,
                portfolio,
                rulings[portfolio.id, offer.id],
                worth.get(offer.id),
                on_some[portfolio.id, offer.id],
                since.get((portfolio.id, offer.id)),
                answers[portfolio.id, offer.id],
            )
            for offer in offers
            if (portfolio.id, offer.id) in rulings
        ]
    wanted = [row for row in rows if state is None or row.waits == (state == "waiting")]
    return sorted(wanted, key=_by_urgency)


def _by_urgency(row: GateRow) -> tuple[bool, int, str, str]:
    return not row.waits, -(row.at_stake_minor or 0), row.offer, row.portfolio


def _row(
    offer: Offer,
    portfolio: Portfolio,
    ruling: Ruling,
    stake: Stake | None,
    exceptions: int,
    since: datetime | None,
    messages: int,
) -> GateRow:
    days = portfolio.gate_days
    return GateRow(
        offer_id=offer.id,
        offer=offer.name,
        team=offer.team.name,
        category=offer.category,
        channels=tuple(sorted(each.channel for each in offer.treatments.all())),
        face_value_minor=offer.face_value_minor,
        currency=offer.currency,
        portfolio_id=portfolio.id,
        portfolio=portfolio.name,
        ruling_id=ruling.id,
        effect=ruling.effect,
        adaptation=ruling.adaptation,
        by_default=ruling.by_default,
        reason_code=ruling.reason_code,
        reason=ruling.reason,
        ruled_by=ruling.actor_name,
        valid_from=ruling.valid_from,
        valid_until=ruling.valid_until,
        test_share=ruling.test_share,
        learned=learned_cost(ruling),
        exceptions=exceptions,
        version=offer.version,
        messages=messages,
        waits_since=since,
        falls_at=since + timedelta(days=days) if since is not None and days else None,
        forgone_minor=ruling.forgone_minor,
        gross_forgone_minor=ruling.gross_forgone_minor,
        customers=None if stake is None else stake.customers,
        best_for=None if stake is None else stake.best_for,
        at_stake_minor=None if stake is None else round(stake.worth_minor),
    )
