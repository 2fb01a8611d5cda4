"""What people may see of valuations, needs and models: every read starts from the actor's scope."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from patronage.access import datasets
from patronage.access.company import company_of
from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.differentiate.models import LatestValuation, ModelVersion, Need, ValuationRun
from patronage.differentiate.reads.frames import newest_first
from patronage.differentiate.reads.in_sight import require_run
from patronage.differentiate.valuation.profit import CostRates
from patronage.identify.in_sight import customers_in_sight, require_customer
from patronage.vocabulary.periods import BusinessCalendar


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerValuation:
    """What one customer was worth as of one date, as frozen then; money in minor units."""

    customer_id: str
    as_of: date
    run_id: str
    currency: str
    value_minor: int
    value_low_minor: int
    value_high_minor: int
    probability_of_purchase: float
    expected_purchases: float
    expected_margin_minor: int
    tier: str
    need: str | None
    objective: str
    objective_reason: str
    #: date of the valuation that set the objective; overrides by people are not frozen here
    objective_since: date | None
    #: estimate from look-alikes; None where there are too few
    potential_minor: int | None
    #: value as a share of potential, above 0 and at most 1; None where either is not above 0
    share_of_customer: float | None
    #: of the value
    horizon_days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingCost:
    """What one driver of the cost to serve made in the quarter; minor units."""

    #: "orders", "visits", "contacts", "cases" or "months"
    driver: str
    #: how many; days for "months", which are counted by their days
    count: int
    #: declared: what one costs, a month for "months"
    rate_minor: int
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfitAndLoss:
    """What one customer earned in the quarter up to the latest valuation; minor units."""

    customer_id: str
    as_of: date
    quarter: str
    currency: str
    sales_minor: int
    #: zero or below
    returns_minor: int
    #: sales net of returns
    revenue_minor: int
    #: declared margins by department: an assumption
    cost_of_goods_minor: int
    gross_margin_minor: int
    baskets: int
    #: declared cost of each driver: an assumption. Contacts that this system decided are not in it;
    #: statements charge them at their channel's cost
    cost_to_serve_minor: int
    #: revenue less both costs
    margin_minor: int
    #: given off list prices, for information: sales are what was received, net of them
    discounts_minor: int
    #: the drivers that are declared or happened; their amounts sum to the cost to serve
    serving: tuple[ServingCost, ...]
    #: declared, of a customer won in the quarter: an assumption; None where it is not known
    acquisition_cost_minor: int | None
    #: margin less the acquisition cost; None where that is not known
    profit_minor: int | None


def latest_valuation(actor: Actor, customer_id: str, now: datetime) -> LatestValuation | None:
    """The customer's latest valuation; None if never valued.

    Raises:
        NotFound: there is no such customer in the actor's scope.
    """
    require_visible(actor, customer_id, now)
    return LatestValuation.objects.select_related("run").filter(customer_id=customer_id).first()


def value_history(actor: Actor, customer_id: str, now: datetime) -> list[CustomerValuation]:
    """The customer's valuations, one a date, oldest first, each as frozen then.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: there is no such customer in the actor's scope.
    """
    actor.require(Right.SEE_PROFITABILITY)
    return figures_over_time(actor, customer_id, now)


def figures_over_time(actor: Actor, customer_id: str, now: datetime) -> list[CustomerValuation]:
    """The same for the customer's page, which shows agents the figures that are no money.

    Raises:
        NotFound: there is no such customer in the actor's scope.
    """
    require_visible(actor, customer_id, now)
    rows = datasets.read("valuations")
    frame = datasets.warehouse().polars(rows.filter(rows.customer_id == customer_id))
    newest = {run.as_of: run.id for run in newest_first(ValuationRun.objects.all()).reverse()}
    return [row for row in _as_rows(frame.sort("as_of")) if newest.get(row.as_of) == row.run_id]


def valuation_page(
    actor: Actor, now: datetime, *, as_of: date | None = None, after: str = "", limit: int = 50
) -> tuple[list[CustomerValuation], str | None]:
    """Valuations as of a date in the actor's scope, by customer id, and where to go on from.

    Without a date, those of the newest date valued.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: nobody was valued as of that date, or at all.
    """
    run = require_run(actor, as_of)
    seen = customers_in_sight(actor, now).filter(id__gt=after).order_by("id")
    ids = list(seen.values_list("id", flat=True)[: limit + 1])
    page, more = ids[:limit], len(ids) > limit
    rows = datasets.read("valuations")
    chosen = rows.filter((rows.run_id == run.id) & rows.customer_id.isin(page or [""]))
    frame = datasets.warehouse().polars(chosen).sort("customer_id")
    return _as_rows(frame), page[-1] if more else None


def profit_and_loss(actor: Actor, customer_id: str, now: datetime) -> ProfitAndLoss:
    """The customer's quarter up to the latest valuation.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: there is no such customer in the actor's scope, or they were never valued.
    """
    actor.require(Right.SEE_PROFITABILITY)
    latest = latest_valuation(actor, customer_id, now)
    if latest is None:
        raise NotFound(noun="profit and loss of customer", id=customer_id)
    run = latest.run
    won = latest.quarter_acquisition_cost_minor
    quarter = BusinessCalendar(company_of(run.company_version).time_zone).quarter_of(run.as_of)
    return ProfitAndLoss(
        customer_id=customer_id,
        as_of=run.as_of,
        quarter=str(quarter),
        currency=run.currency,
        sales_minor=latest.quarter_sales_minor,
        returns_minor=latest.quarter_returns_minor,
        revenue_minor=latest.quarter_revenue_minor,
        cost_of_goods_minor=latest.quarter_cost_of_goods_minor,
        gross_margin_minor=latest.quarter_revenue_minor - latest.quarter_cost_of_goods_minor,
        baskets=latest.quarter_baskets,
        cost_to_serve_minor=latest.quarter_cost_to_serve_minor,
        margin_minor=latest.quarter_margin_minor,
        discounts_minor=latest.quarter_discounts_minor,
        serving=_serving(latest),
        acquisition_cost_minor=won,
        profit_minor=None if won is None else latest.quarter_margin_minor - won,
    )


def _serving(latest: LatestValuation) -> tuple[ServingCost, ...]:
    rates = CostRates.of(company_of(latest.run.company_version))
    counted = (
        ("orders", latest.quarter_baskets, rates.basket),
        ("visits", latest.quarter_visits, rates.visit),
        ("contacts", latest.quarter_contacts, rates.contact),
        ("cases", latest.quarter_cases, rates.case),
    )
    drivers = [
        ServingCost(driver=name, count=count, rate_minor=rate, amount_minor=count * rate)
        for name, count, rate in counted
        if count and rate
    ]
    if rates.month:
        kept = latest.quarter_keeping_minor
        days = min((latest.run.as_of - _first_day(latest.run)).days, latest.age_days) + 1
        drivers.append(
            ServingCost(driver="months", count=days, rate_minor=rates.month, amount_minor=kept)
        )
    return tuple(drivers)


def _first_day(run: ValuationRun) -> date:
    calendar = BusinessCalendar(company_of(run.company_version).time_zone)
    return calendar.quarter_of(run.as_of).first_day


def needs_of(actor: Actor, customer_id: str, now: datetime) -> list[Need]:
    """The needs a customer expressed, newest first, open and closed.

    Raises:
        NotFound: there is no such customer in the actor's scope.
    """
    require_visible(actor, customer_id, now)
    return list(Need.objects.filter(customer_id=customer_id).order_by("-said_at", "-id"))


def model_versions(actor: Actor) -> list[ModelVersion]:
    """Every fit, newest first, failed ones included."""
    actor.require(Right.SEE_PROFITABILITY)
    return list(ModelVersion.objects.order_by("-as_of", "-fitted_at", "kind"))


def require_visible(actor: Actor, customer_id: str, now: datetime) -> None:
    actor.require(Right.SEE_CUSTOMERS)
    require_customer(actor, customer_id, now)


def _as_rows(frame: pl.DataFrame) -> list[CustomerValuation]:
    names = CustomerValuation.__slots__
    return [CustomerValuation(**row) for row in frame.select(names).to_dicts()]
