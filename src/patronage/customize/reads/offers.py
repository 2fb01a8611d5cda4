"""What may an offer's owner see of it: how each portfolio ruled, why, and what came of it?

Owners see counts, reasons and money, never customers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import ibis
import pyarrow as pa
from django.db.models import Count, Q, QuerySet

from patronage.access import datasets
from patronage.access.errors import NotFound
from patronage.access.roles import SYSTEM_ID, Actor, Right, reaching_all_offers
from patronage.customize.actions.offers import own_teams
from patronage.customize.models import Decision, DecisionRun, Offer, Ruling, Treatment
from patronage.customize.stakes import last_run
from patronage.customize.standing import rulings_at
from patronage.govern.models import Portfolio
from patronage.science.arbitration import REASON_WORDS, Reason

_SEE_ALL = reaching_all_offers()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonCount:
    """For how many customers an offer fell out, or won, for one reason."""

    #: such as "outscored"
    reason: str
    #: the same in a sentence
    text: str
    customers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferInPortfolio:
    """How a portfolio rules on an offer, and what the last run made of it there."""

    portfolio_id: str
    portfolio: str
    #: None where the portfolio came after the last run and nobody has ruled yet
    ruling: Ruling | None
    #: the furthest that the offer came with each customer of the last run, in stage order
    reasons: tuple[ReasonCount, ...]
    #: decisions that chose the offer, in runs and in the moment
    offered: int
    #: decisions that would have chosen it, of customers held out
    withheld: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferView:
    """An offer with its treatments and what each portfolio makes of it."""

    offer: Offer
    treatments: tuple[Treatment, ...]
    portfolios: tuple[OfferInPortfolio, ...]


def my_offers(actor: Actor, now: datetime) -> list[OfferView]:
    """The offers of the actor's own teams, newest first; an administrator's are all."""
    actor.require(Right.SEE_OFFERS)
    return _views(_offers().filter(team__in=own_teams(actor)), now)


def my_offer(actor: Actor, offer_id: str) -> Offer:
    """Give one of the actor's own teams.

    Raises:
        NotFound: there is none of that id.
    """
    found = _offers().filter(team__in=own_teams(actor), id=offer_id).first()
    if found is None:
        raise NotFound(noun="offer", id=offer_id)
    return found


def offers(actor: Actor, now: datetime) -> list[OfferView]:
    """The offers that the actor may see: an owner their teams', everybody else all."""
    actor.require(Right.SEE_OFFERS)
    return _views(_visible(actor), now)


def offer(actor: Actor, offer_id: str, now: datetime) -> OfferView:
    """Give one offer.

    Raises:
        NotFound: there is no such offer, or it is another team's and the actor only owns offers.
    """
    actor.require(Right.SEE_OFFERS)
    found = _views(_visible(actor).filter(id=offer_id), now)
    if not found:
        raise NotFound(noun="offer", id=offer_id)
    return found[0]


def require_offer(actor: Actor, offer_id: str) -> Offer:
    """Give one that the actor may see.

    Raises:
        NotFound: there is no such offer, or it is another team's and the actor only owns offers.
    """
    found = _visible(actor).filter(id=offer_id).first()
    if found is None:
        raise NotFound(noun="offer", id=offer_id)
    return found


def offer_funnel(actor: Actor, offer_id: str, now: datetime) -> tuple[ReasonCount, ...]:
    """How far an offer came with the customers of the last run, all portfolios together."""
    totals: dict[str, int] = {}
    for place in offer(actor, offer_id, now).portfolios:
        for each in place.reasons:
            totals[each.reason] = totals.get(each.reason, 0) + each.customers
    return _counts((Reason[name.upper()], count) for name, count in totals.items())


def open_offers(actor: Actor, now: datetime) -> list[tuple[str, str]]:
    """Id and name of the offers in the actor's sight that may still be made, by name."""
    if actor.id != SYSTEM_ID and not actor.may(Right.SEE_OFFERS):
        return []
    still_open = Q(valid_until__isnull=True) | Q(valid_until__gt=now)
    found = _visible(actor).filter(still_open).order_by("name", "id")
    return list(found.values_list("id", "name"))


def _offers() -> QuerySet[Offer]:
    return Offer.objects.select_related("team").order_by("-proposed_at", "name", "id")


def _visible(actor: Actor) -> QuerySet[Offer]:
    if actor.id == SYSTEM_ID or actor.roles & _SEE_ALL:
        return _offers()
    return _offers().filter(team__in=own_teams(actor))


def _views(found: QuerySet[Offer], now: datetime) -> list[OfferView]:
    listed = list(found.prefetch_related("treatments"))
    ids = [each.id for each in listed]
    rulings = rulings_at(now, ids)
    reasons, chosen = _reasons(ids), _chosen(ids)
    portfolios = list(Portfolio.objects.order_by("position", "name"))
    return [
        OfferView(
            offer=each,
            treatments=tuple(sorted(each.treatments.all(), key=lambda t: t.channel)),
            portfolios=tuple(
                OfferInPortfolio(
                    portfolio_id=portfolio.id,
                    portfolio=portfolio.name,
                    ruling=rulings.get((portfolio.id, each.id)),
                    reasons=_counts(reasons.get((each.id, portfolio.id), ())),
                    offered=chosen.get((each.id, portfolio.id, "offered"), 0),
                    withheld=chosen.get((each.id, portfolio.id, "withheld"), 0),
                )
                for portfolio in portfolios
            ),
        )
        for each in listed
    ]


def _counts(found: Iterable[tuple[Reason, int]]) -> tuple[ReasonCount, ...]:
    return tuple(
        ReasonCount(reason=reason.name.lower(), text=REASON_WORDS[reason], customers=count)
        for reason, count in sorted(found)
    )


def _chosen(offer_ids: list[str]) -> dict[tuple[str, str, str], int]:
    decided = Decision.objects.filter(treatment__offer__in=offer_ids)
    counted = decided.values("treatment__offer", "portfolio", "outcome").annotate(n=Count("id"))
    return {
        (row["treatment__offer"], row["portfolio"], row["outcome"]): row["n"]
        for row in counted.order_by()
    }


def _reasons(offer_ids: list[str]) -> dict[tuple[str, str], list[tuple[Reason, int]]]:
    """By offer and portfolio: the last run's customers by the furthest reason of any treatment."""
    run = last_run()
    if run is None or not offer_ids:
        return {}
    wanted = set(offer_ids)
    return {pair: counts for pair, counts in furthest(run.id).items() if pair[0] in wanted}


@lru_cache(maxsize=4)
def furthest(run_id: str) -> dict[tuple[str, str], list[tuple[Reason, int]]]:
    """By offer and portfolio: a run's customers by the furthest reason of any treatment.

    A run never changes, so its millions of candidates are read once.

    The engine counts, so that only a row an offer, portfolio and reason comes back.
    """
    run = DecisionRun.objects.get(id=run_id)
    decided = list(Decision.objects.filter(run=run).values_list("customer_id", "portfolio_id"))
    columns = [pa.array(column, pa.string()) for column in zip(*decided, strict=True)]
    if not columns:
        return {}
    homes = ibis.memtable(pa.table(dict(zip(("customer_id", "home"), columns, strict=True))))
    rows: Any = datasets.read("decision_candidates", run.manifest)
    mine = rows.filter(rows.decision_run_id == run.id)
    furthest = mine.group_by("customer_id", "offer_id").aggregate(reason=mine.reason.max())
    counted = furthest.join(homes, "customer_id").group_by("offer_id", "home", "reason")
    found: dict[tuple[str, str], list[tuple[Reason, int]]] = {}
    table = datasets.warehouse().arrow(counted.aggregate(customers=lambda each: each.count()))
    for row in table.to_pylist():
        pair = (row["offer_id"], row["home"])
        found.setdefault(pair, []).append((Reason(row["reason"]), row["customers"]))
    return found
