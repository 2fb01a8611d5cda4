"""Old metrics beside new ones: product profit and customer profit, sales and lifetime value.

The first pair is one amount cut twice: by what was sold and by who bought it. The second looks at
the same customers backwards and forwards: what they bought this quarter, what they are worth.
Peppers and Rogers (2004), "Managing Customer Relationships", on measuring by customer beside
measuring by product; equity share after Rust, Lemon and Zeithaml (2004), "Return on marketing",
Journal of Marketing 68(1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from patronage.access.company import company_of
from patronage.access.roles import Actor
from patronage.access.scope import scope_of
from patronage.differentiate import reads
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads.in_sight import in_scope, require_run
from patronage.differentiate.reads.products import ProductProfit, product_profit
from patronage.vocabulary.periods import BusinessCalendar

#: a customer is among the best by a figure who is in this upper share by it
_BEST = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class TierPair:
    """One tier, backwards and forwards; minor units."""

    tier: str
    customers: int
    revenue_minor: int
    value_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesAndValue:
    """What customers bought this quarter, beside what they are worth; minor units."""

    revenue_minor: int
    #: of the same scope's customers in the quarter before; None where the two cannot be compared
    revenue_before_minor: int | None
    value_minor: int
    value_before_minor: int | None
    #: last day of the quarter before, where both quarters are whole and valued
    before: date | None
    horizon_days: int
    tiers: Sequence[TierPair]
    #: customers who are among the best fifth by sales
    best_by_sales: int
    #: of them, not among the best fifth by value
    best_by_sales_only: int
    #: value of the customers who are among the best fifth by value and not by sales
    overlooked_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityShare:
    """The base's part of what the market's customers are worth: an estimate."""

    #: as the company declares it
    market_minor: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPairs:
    """The pairs for the customers in the reader's scope."""

    profit: ProductProfit
    sales: SalesAndValue
    #: None where no market figure is declared, or in a part of the base
    equity_share: EquityShare | None
    is_enterprise: bool


def metric_pairs(actor: Actor, now: datetime, *, as_of: date | None = None) -> MetricPairs:
    """Give the old and the new metrics of a valuation's quarter.

    Args:
        as_of: the date valued; the newest without one.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: nobody was valued as of that date, or at all.
    """
    run = require_run(actor, as_of)
    sales = _sales(run, actor, now)
    everybody = scope_of(actor, now).everything
    market = company_of(run.company_version).steering.market_value_minor
    share = None
    if market is not None and everybody:
        share = EquityShare(market_minor=market, share=sales.value_minor / market)
    return MetricPairs(
        profit=product_profit(actor, now, as_of=run.as_of),
        sales=sales,
        equity_share=share,
        is_enterprise=everybody,
    )


def _sales(run: ValuationRun, actor: Actor, now: datetime) -> SalesAndValue:
    frame = _figures(run, actor, now)
    before = _a_quarter_before(run)
    then = None if before is None else _figures(before, actor, now)
    revenue, value = (frame.select(pl.col(name).sum()).item() for name in _BOTH)
    best = {name: frame[name].rank("ordinal", descending=True) for name in _BOTH}
    count = round(len(frame) * _BEST)
    by_sales, by_value = (best[name] <= count for name in _BOTH)
    return SalesAndValue(
        revenue_minor=revenue,
        revenue_before_minor=None if then is None else int(then["revenue_minor"].sum()),
        value_minor=value,
        value_before_minor=None if then is None else int(then["value_minor"].sum()),
        before=before.as_of if before else None,
        horizon_days=run.horizon_days,
        tiers=_tiers(frame, run),
        best_by_sales=count,
        best_by_sales_only=int((by_sales & ~by_value).sum()),
        overlooked_minor=int(frame.filter(by_value & ~by_sales)["value_minor"].sum()),
    )


def _a_quarter_before(run: ValuationRun) -> ValuationRun | None:
    """The valuation of the quarter before; part of a quarter is compared with nothing."""
    calendar = BusinessCalendar(company_of(run.company_version).time_zone)
    if run.as_of != calendar.quarter_of(run.as_of).last_day:
        return None
    return reads.run_at(calendar.previous_quarter_end(run.as_of))


_BOTH = ("revenue_minor", "value_minor")


def _figures(run: ValuationRun, actor: Actor, now: datetime) -> pl.DataFrame:
    revenue = pl.col("quarter_sales_minor") + pl.col("quarter_returns_minor")
    frame = in_scope(reads.valuations(run), actor, now)
    return frame.select("customer_id", "tier", "value_minor", revenue_minor=revenue)


def _tiers(frame: pl.DataFrame, run: ValuationRun) -> list[TierPair]:
    declared = [tier.name for tier in company_of(run.company_version).tiers]
    summed = frame.group_by("tier").agg(pl.len().alias("customers"), pl.col(*_BOTH).sum())
    rows = {row["tier"]: row for row in summed.to_dicts()}
    return [TierPair(**rows[name]) for name in declared if name in rows]
