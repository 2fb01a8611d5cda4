"""One profit and loss over all divisions of the company, and the division that leads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from patronage.access import datasets
from patronage.access.company import company_of
from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads.frames import Manifests, valuations
from patronage.differentiate.reads.in_sight import in_scope, require_run
from patronage.differentiate.reads.seen import latest_valuation
from patronage.differentiate.valuation.divisions import divided, earned_by_division, period_lines
from patronage.vocabulary.periods import BusinessCalendar


@dataclass(frozen=True, slots=True, kw_only=True)
class DivisionProfit:
    """What a division earned with a customer in the quarter; minor units."""

    #: department; empty for products that are not in the catalogue, and for what serving a customer
    #: cost who bought nothing
    division: str
    #: sales net of returns
    revenue_minor: int
    cost_of_goods_minor: int
    cost_to_serve_minor: int
    margin_minor: int
    #: whether it leads: it earned most
    is_lead: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDivisions:
    """One customer's quarter over all divisions; their sums are the customer's to the cent."""

    customer_id: str
    as_of: date
    quarter: str
    currency: str
    #: the division that leads for this customer; None where they bought nothing
    lead: str | None
    #: the lead first
    divisions: tuple[DivisionProfit, ...]
    margin_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadingDivision:
    """What a division leads and earns over all customers in scope; minor units."""

    division: str
    #: customers for whom it leads
    leads: int
    #: customers with any revenue in it
    customers: int
    revenue_minor: int
    margin_minor: int


def customer_divisions(actor: Actor, customer_id: str, now: datetime) -> CustomerDivisions:
    """The customer's quarter up to the latest valuation, by division.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: there is no such customer in the actor's scope, or they were never valued.
    """
    actor.require(Right.SEE_PROFITABILITY)
    latest = latest_valuation(actor, customer_id, now)
    if latest is None:
        raise NotFound(noun="profit and loss of customer", id=customer_id)
    customer = pl.DataFrame(
        {
            "customer_id": [customer_id],
            "cost_of_goods_minor": [latest.quarter_cost_of_goods_minor],
            "cost_to_serve_minor": [latest.quarter_cost_to_serve_minor],
        }
    )
    rows = _divided(latest.run, customer, customer_id)
    divisions = tuple(_of(row) for row in rows.to_dicts())
    calendar = BusinessCalendar(company_of(latest.run.company_version).time_zone)
    return CustomerDivisions(
        customer_id=customer_id,
        as_of=latest.run.as_of,
        quarter=str(calendar.quarter_of(latest.run.as_of)),
        currency=latest.run.currency,
        lead=next((each.division for each in divisions if each.is_lead), None),
        divisions=divisions,
        margin_minor=sum(each.margin_minor for each in divisions),
    )


def leading_divisions(actor: Actor, now: datetime) -> tuple[LeadingDivision, ...]:
    """What each division earns and leads with the actor's customers, the largest margin first.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: nobody was ever valued.
    """
    run = require_run(actor)
    customers = valuations(run).select(
        "customer_id",
        cost_of_goods_minor="quarter_cost_of_goods_minor",
        cost_to_serve_minor="quarter_cost_to_serve_minor",
    )
    rows = in_scope(_divided(run, customers, None), actor, now)
    summed = rows.group_by("department").agg(
        leads=pl.col("is_lead").sum(),
        customers=(pl.col("revenue_minor") != 0).sum(),
        revenue_minor=pl.col("revenue_minor").sum(),
        margin_minor=pl.col("margin_minor").sum(),
    )
    ranked = summed.sort(["margin_minor", "department"], descending=[True, False])
    return tuple(
        LeadingDivision(**row) for row in ranked.rename({"department": "division"}).to_dicts()
    )


def _divided(run: ValuationRun, customers: pl.DataFrame, only: str | None) -> pl.DataFrame:
    company, manifests = company_of(run.company_version), Manifests.of(run)
    quarter = BusinessCalendar(company.time_zone).quarter_of(run.as_of)
    lines = manifests.read("order_lines")
    lines = period_lines(
        lines if only is None else lines.filter(lines.customer_id == only),
        manifests.read("products"),
        company=company,
        first_day=quarter.first_day,
        last_day=run.as_of,
    )
    return divided(datasets.warehouse().polars(earned_by_division(lines)), customers)


def _of(row: dict[str, object]) -> DivisionProfit:
    values = dict(row, division=row["department"])
    return DivisionProfit(**{name: values[name] for name in DivisionProfit.__slots__})  # type: ignore[arg-type]
