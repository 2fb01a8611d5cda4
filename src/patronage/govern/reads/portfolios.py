"""Which portfolios are there, who is in charge of each, and what does each hold?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, OuterRef, Subquery, Sum

from patronage.access.company import current
from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.access.scope import scope_of
from patronage.access.transactions import snapshot
from patronage.govern import service_tiers
from patronage.govern.in_charge import require_arranging
from patronage.govern.models import Accountability, Portfolio, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioInCharge:
    """A portfolio and who answers for it."""

    id: str
    name: str
    description: str
    #: what happens to an offer that nobody ruled on: allow or block
    default_ruling: str
    #: days after which an offer that nobody ruled on falls to it; 0: never
    gate_days: int
    manager_id: str
    manager: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioSummary:
    """What a portfolio holds today; money in minor units of the reporting currency."""

    portfolio: PortfolioInCharge
    customers: int
    #: whose value is not known yet
    unvalued: int
    #: of those whose value is known
    value_minor: int
    #: value × (1 − probability of buying next quarter), of the same
    at_risk_minor: int
    #: customers by objective; the empty name stands for those without one yet
    objectives: Mapping[str, int]
    #: customers by declared service tier, the most served first; empty where none is declared
    service_tiers: Mapping[str, int]


def my_portfolios(actor: Actor, now: datetime) -> list[PortfolioInCharge]:
    """Give the portfolios whose customers the actor sees: a manager's own, else all, in order."""
    actor.require(Right.SEE_CUSTOMERS)
    scope = scope_of(actor, now)
    found = Portfolio.objects.all()
    if not scope.everything:
        found = found.filter(pk__in=scope.portfolio_ids)
    return _in_charge(list(found.order_by("position", "name")), now)


def hand_over_targets(actor: Actor, now: datetime) -> list[PortfolioInCharge]:
    """Give every portfolio that a customer may be handed over to: names and managers only.

    Raises:
        NotAllowed: the actor neither manages portfolios nor assigns them.
    """
    require_arranging(actor)
    return _in_charge(list(Portfolio.objects.order_by("position", "name")), now)


def portfolio(actor: Actor, portfolio_id: str, now: datetime) -> PortfolioInCharge:
    """Give one portfolio.

    Raises:
        NotFound: it is absent or outside the actor's scope, which look the same.
    """
    actor.require(Right.SEE_CUSTOMERS)
    found = Portfolio.objects.filter(pk=portfolio_id).first()
    if found is None or not scope_of(actor, now).holds(portfolio_id):
        raise NotFound(noun="portfolio", id=portfolio_id)
    return _in_charge([found], now)[0]


def portfolio_summary(actor: Actor, now: datetime) -> list[PortfolioSummary]:
    """Give what each portfolio in the actor's scope holds today, in the declared order."""
    actor.require(Right.SEE_PROFITABILITY)
    with snapshot():
        shown = my_portfolios(actor, now)
        # Three questions, each answered from one index alone, take a third of one that reads rows.
        standing = Standing.objects.filter(portfolio_id__in=[each.id for each in shown]).order_by()
        mix: dict[str, dict[str, int]] = {}
        served: dict[str, dict[str, int]] = {}
        # by tier too, as the index is ordered: nothing has to be sorted
        counted = standing.values_list("portfolio_id", "tier", "objective", "service_tier")
        for key, _tier, objective, service, number in counted.annotate(number=Count("pk")):
            for counts, name in ((mix, objective), (served, service)):
                by_name = counts.setdefault(key, {})
                by_name[name] = by_name.get(name, 0) + number
        _count_overrides(served, [each.id for each in shown], now)
        by_portfolio = standing.values_list("portfolio_id")
        valued = by_portfolio.annotate(number=Count("value_minor"), minor=Sum("value_minor"))
        values = {portfolio_id: (number, minor) for portfolio_id, number, minor in valued}
        risks = dict(by_portfolio.annotate(minor=Sum("at_risk_minor")))
    return [
        _summary(
            each,
            mix.get(each.id, {}),
            served.get(each.id, {}),
            *values.get(each.id, (0, 0)),
            at_risk=risks.get(each.id),
        )
        for each in shown
    ]


def _summary(
    portfolio: PortfolioInCharge,
    objectives: Mapping[str, int],
    served: Mapping[str, int],
    valued: int,
    value: int | None,
    *,
    at_risk: int | None,
) -> PortfolioSummary:
    customers = sum(objectives.values())
    return PortfolioSummary(
        portfolio=portfolio,
        customers=customers,
        unvalued=customers - valued,
        value_minor=int(value or 0),
        at_risk_minor=int(at_risk or 0),
        objectives=objectives,
        service_tiers=_in_order(served),
    )


def _count_overrides(
    served: dict[str, dict[str, int]], portfolio_ids: Sequence[str], now: datetime
) -> None:
    """Move those whom a manager wants served otherwise from their tier by value to the other."""
    # Looked up for each of the few: joined, every customer of the portfolios would be read.
    theirs = Standing.objects.filter(pk=OuterRef("customer_id"))
    said = service_tiers.overrides_at(now).annotate(
        here=Subquery(theirs.values("portfolio_id")),
        by_value=Subquery(theirs.values("service_tier")),
    )
    rows = said.filter(here__in=portfolio_ids).values_list("here", "by_value", "tier")
    for key, by_value, tier, number in rows.annotate(number=Count("pk")):
        counts = served.setdefault(key, {})
        counts[by_value] = counts.get(by_value, 0) - number
        counts[tier] = counts.get(tier, 0) + number


def _in_order(served: Mapping[str, int]) -> dict[str, int]:
    names = service_tiers.names_of(current().company) if served else ()
    if not names:
        return {}
    counts = {name: served.get(name, 0) for name in names}
    counts[names[-1]] += sum(number for name, number in served.items() if name not in names)
    return counts


def in_charge_of(portfolio_ids: Collection[str], now: datetime) -> list[PortfolioInCharge]:
    """Give these portfolios, for reads that keep to the scope themselves."""
    found = Portfolio.objects.filter(pk__in=portfolio_ids).order_by("position", "name")
    return _in_charge(list(found), now)


def _in_charge(portfolios: list[Portfolio], now: datetime) -> list[PortfolioInCharge]:
    started = Accountability.objects.filter(portfolio__in=portfolios, starts_at__lte=now)
    newest = {
        row.portfolio_id: row for row in started.select_related("manager").order_by("starts_at")
    }
    return [
        PortfolioInCharge(
            id=each.id,
            name=each.name,
            description=each.description,
            default_ruling=each.default_ruling,
            gate_days=each.gate_days,
            manager_id=newest[each.id].manager.id,
            manager=newest[each.id].manager.name,
            since=newest[each.id].starts_at,
        )
        for each in portfolios
    ]
