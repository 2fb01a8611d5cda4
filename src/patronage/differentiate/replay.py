"""What would the opening's model have said? The six values that the bridge is made of."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from patronage.access.company import company_of
from patronage.differentiate import reads, registry
from patronage.differentiate.errors import WrongOrder
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.valuation.appraisal import histories, known_customers
from patronage.differentiate.valuation.history import Horizon
from patronage.differentiate.valuation.profit import profit_and_loss
from patronage.differentiate.valuation.scoring import Histories, Window, expected_margin
from patronage.science.equity import round_half_even_minor
from patronage.vocabulary.periods import BusinessCalendar

_FROM_OPENING = ("opening_minor", "expected_margin_minor", "remaining_minor", "rolled_minor")
_AMOUNTS = (
    *_FROM_OPENING,
    "closing_old_model_minor",
    "closing_minor",
    "realised_margin_minor",
    "realised_revenue_minor",
)
_DAYS_A_YEAR = 365.0


def levels(opening: ValuationRun | None, closing: ValuationRun) -> pl.DataFrame:
    """The values between two valuations, for everybody valued at either.

    With t₀ and t₁ the two dates, H the opening's horizon, and the opening's models and assumptions:

    Args:
        opening: the valuation at t₀; None for the first statement, where everybody is new.
        closing: the valuation at t₁, later than the opening.

    Returns:
        One row a customer, sorted by `customer_id`, whole minor units, each rounded half to even:
        `opening_minor` as frozen at t₀; `expected_margin_minor`, nominal, of (t₀, t₁];
        `remaining_minor`, value at t₁ of (t₁, t₀+H] as expected at t₀; `rolled_minor`, likewise of
        (t₀+H, t₁+H]; `closing_old_model_minor`, the opening's models and assumptions on the
        history at t₁; `closing_minor` as frozen at t₁; `realised_margin_minor` and
        `realised_revenue_minor` of (t₀, t₁] (of the closing's quarter without an opening);
        `first_purchase_in_period`, whether the first purchase lies after t₀ (always without an
        opening, never for those worth something at it). The first four are 0
        for those not valued at t₀, the others for those not valued at t₁.

    Raises:
        WrongOrder: the opening is not earlier than the closing.
    """
    now = reads.valuations(closing).rename({"value_minor": "closing_minor"})
    after = now.select(
        "customer_id",
        "closing_minor",
        first_purchase_in_period=_came_after(opening, closing),
    ).join(_realised(opening, closing, now), on="customer_id", how="left")
    if opening is None:
        both = after.with_columns(
            *(pl.lit(0, dtype=pl.Int64).alias(name) for name in _FROM_OPENING),
            closing_old_model_minor=pl.col("closing_minor"),
        )
    else:
        if opening.as_of >= closing.as_of:
            raise WrongOrder(opening=opening.as_of, closing=closing.as_of)
        old_view = _closing_under_old_model(opening, closing, now)
        both = (
            _expected_at_opening(opening, closing)
            .join(after, on="customer_id", how="full", coalesce=True)
            .join(old_view, on="customer_id", how="left")
        )
    return both.select(
        "customer_id",
        *(pl.col(name).fill_null(0) for name in _AMOUNTS),
        # Who was worth something at the opening is not new, even if early lines were taken back.
        (pl.col("first_purchase_in_period") & (pl.col("opening_minor").fill_null(0) == 0))
        .fill_null(False)
        .alias("first_purchase_in_period"),
    ).sort("customer_id")


def _came_after(opening: ValuationRun | None, closing: ValuationRun) -> pl.Expr:
    """Whether the first purchase is later than the opening's date."""
    if opening is None:
        return pl.lit(True)
    return pl.col("age_days") < (closing.as_of - opening.as_of).days


def _expected_at_opening(opening: ValuationRun, closing: ValuationRun) -> pl.DataFrame:
    """What the opening's model, on the opening's history, said about the time after t₀."""
    frame = reads.valuations(opening)
    window = Window.of(company_of(opening.company_version), opening.as_of)
    models = registry.models_of(opening.purchase_model, opening.spend_model)
    customers = Histories.of(frame, window.minor_per_major)
    elapsed = (closing.as_of - opening.as_of).days
    old_end = opening.as_of + timedelta(days=window.horizon_days)
    new_end = old_end + timedelta(days=elapsed)
    # What is discounted to t₀ is worth more at t₁ by the interest of the period.
    growth = (1 + window.annual_discount_rate) ** (elapsed / _DAYS_A_YEAR)

    def margin(after: date, until: date, rate: float, times: float = 1.0) -> NDArray[np.int64]:
        expected = expected_margin(
            customers,
            models,
            seen_on=opening.as_of,
            after=after,
            until=until,
            annual_discount_rate=rate,
        )
        return round_half_even_minor(expected * times, minor_per_major=window.minor_per_major)

    rate = window.annual_discount_rate
    return pl.DataFrame(
        {
            "customer_id": frame["customer_id"],
            "opening_minor": frame["value_minor"],
            "expected_margin_minor": margin(opening.as_of, closing.as_of, 0.0),
            "remaining_minor": margin(min(closing.as_of, old_end), old_end, rate, growth),
            "rolled_minor": margin(max(closing.as_of, old_end), new_end, rate, growth),
        }
    )


def _closing_under_old_model(
    opening: ValuationRun, closing: ValuationRun, now: pl.DataFrame
) -> pl.DataFrame:
    """The value at t₁ had neither models nor assumptions changed since t₀."""
    company = company_of(opening.company_version)
    window = Window.of(company, closing.as_of)
    if opening.company_version_id == closing.company_version_id:
        ids, customers = now["customer_id"], Histories.of(now, window.minor_per_major)
    else:
        horizon = Horizon(as_of=closing.as_of, period_start=closing.as_of)
        manifests = reads.Manifests.of(closing)
        known = known_customers(
            reads.statistics_of(manifests, company, horizon), company, closing.as_of
        )
        ids, customers = known["customer_id"], histories(known, window)
    models = registry.models_of(opening.purchase_model, opening.spend_model)
    value = expected_margin(
        customers,
        models,
        seen_on=closing.as_of,
        after=closing.as_of,
        until=closing.as_of + timedelta(days=window.horizon_days),
        annual_discount_rate=window.annual_discount_rate,
    )
    minor = round_half_even_minor(value, minor_per_major=window.minor_per_major)
    return pl.DataFrame({"customer_id": ids, "closing_old_model_minor": minor})


def _realised(
    opening: ValuationRun | None, closing: ValuationRun, now: pl.DataFrame
) -> pl.DataFrame:
    """Revenue and margin of the period: as frozen where it is the closing's quarter."""
    company = company_of(closing.company_version)
    start = _first_day(opening, closing, BusinessCalendar(company.time_zone))
    if start is None:
        revenue = pl.col("quarter_sales_minor") + pl.col("quarter_returns_minor")
        costs = pl.col("quarter_cost_of_goods_minor") + pl.col("quarter_cost_to_serve_minor")
        margin, earned = revenue - costs, now
    else:
        manifests = reads.Manifests.of(closing)
        horizon = Horizon(as_of=closing.as_of, period_start=start)
        seen = reads.statistics_of(manifests, company, horizon).filter(pl.col("days") > 0)
        earned = profit_and_loss(seen.sort("customer_id"), company)
        revenue, margin = pl.col("revenue_minor"), pl.col("margin_minor")
    return earned.select(
        "customer_id", realised_margin_minor=margin, realised_revenue_minor=revenue
    )


def _first_day(
    opening: ValuationRun | None, closing: ValuationRun, calendar: BusinessCalendar
) -> date | None:
    """First day of the period; None where it is the quarter that the closing has frozen."""
    if opening is None or opening.as_of == calendar.previous_quarter_end(closing.as_of):
        return None
    return opening.as_of + timedelta(days=1)
