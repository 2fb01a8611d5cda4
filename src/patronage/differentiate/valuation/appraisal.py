"""From what is known of each customer to their whole valuation: value, tier, need, objective."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from patronage.differentiate.valuation.by_model import by_model
from patronage.differentiate.valuation.objectives import objectives
from patronage.differentiate.valuation.potential import potentials
from patronage.differentiate.valuation.profit import (
    acquisition_costs,
    profit_and_loss,
    unit_economics,
)
from patronage.differentiate.valuation.scoring import (
    Histories,
    Models,
    Window,
    model_columns,
    score,
    who_buys,
)
from patronage.differentiate.valuation.segments import observed_needs, tiers
from patronage.differentiate.valuation.service_models import converted
from patronage.science.lifetime.panel import Seen
from patronage.vocabulary.company import Company


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What a row of the dataset `valuations` is named by."""

    #: id of the run
    run_id: str
    #: id of the version of the purchase model; of customers with a `model_version`, theirs
    model_version: str


def known_customers(
    statistics: pl.DataFrame, company: Company, as_of: date, base: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Everybody who bought something, with what the models read and the period's profit and loss.

    Args:
        statistics: rows of `customer_statistics`, in any order.
        base: as in `unit_economics`, where these are only some customers.

    Returns:
        One row a customer, sorted by id. Someone with returns only is left out: without a first
        purchase there is no history that a model could read.
    """
    buyers = statistics.filter(pl.col("days") > 0).sort("customer_id")
    whole = None if base is None else base.filter(pl.col("days") > 0)
    described = unit_economics(profit_and_loss(buyers, company), company, whole)
    return model_columns(described, as_of)


def histories(customers: pl.DataFrame, window: Window) -> Histories:
    """What the models read of `known_customers`."""
    return Histories.of(named_for_models(customers), window.minor_per_major)


def named_for_models(customers: pl.DataFrame) -> pl.DataFrame:
    """Name the cost of a shopping day as the dataset `valuations` and the models do."""
    return customers.drop("cost_to_serve_minor").rename(
        {"serve_minor_per_day": "cost_to_serve_minor"}
    )


def appraise(
    customers: pl.DataFrame,
    models: Models,
    company: Company,
    as_of: date,
    before: pl.DataFrame | None = None,
    *,
    others: Mapping[str, Models] | None = None,
    seen: Seen | None = None,
) -> pl.DataFrame:
    """Value `known_customers` and give each a tier, a need, a potential and one objective.

    Args:
        customers: also with the fields of who each one is, and the declared facts of look-alikes.
        before: what `objectives` remembered at the valuation before; None at the first.
        others: models of customers whose portfolio chose its own, by `model_version`.
        seen: of the same customers, on the as-of date; needed where there is a challenger.

    Returns:
        The rows with the columns of `score`, `potentials`, `converted` and `objectives`, and
        `tier`, `need`, `days_since_purchase`, `acquisition_cost_minor` (of the quarter).
    """
    window = Window.of(company, as_of)

    def scored(part: pl.DataFrame, under: Models) -> pl.DataFrame:
        known = histories(part, window)
        scores = score(known, under, window)
        cheaper = converted(part, scores["value_minor"], known, under, company, window)
        return pl.concat([scores, cheaper], how="horizontal")

    scores = by_model(customers, models, others or {}, scored)
    if models.challenger is not None:
        buys = pl.Series(who_buys(models, window, seen))
        scores = scores.with_columns(probability_of_purchase=buys)
    valued = pl.concat([customers, scores], how="horizontal").with_columns(
        tier=tiers(customers["customer_id"], scores["value_minor"], company.tiers),
        need=observed_needs(customers, company.needs),
        days_since_purchase=(pl.col("age_days") - pl.col("recency_days")).cast(pl.Int64),
        acquisition_cost_minor=acquisition_costs(
            company, came_in_period=pl.col("known_days") < pl.col("period_days_kept")
        ),
    )
    valued = pl.concat([valued, potentials(valued, company.look_alikes)], how="horizontal")
    chosen = objectives(as_fields(valued), before, company, as_of)
    return pl.concat([valued, chosen.drop("customer_id")], how="horizontal")


def as_fields(valued: pl.DataFrame) -> pl.DataFrame:
    """Name the columns as rules ask for them: `recency_days` counts from the last purchase."""
    return valued.with_columns(
        recency_days=pl.col("days_since_purchase"),
        age_days=pl.col("age_days").cast(pl.Int64),
        quarter_revenue_minor=pl.col("revenue_minor"),
        quarter_margin_minor=pl.col("margin_minor"),
    )


def _version(valued: pl.DataFrame, labels: Labels) -> pl.Expr:
    if "model_version" in valued.columns:
        return pl.col("model_version")
    return pl.lit(labels.model_version).alias("model_version")


def as_valuations(
    valued: pl.DataFrame, company: Company, as_of: date, labels: Labels
) -> pl.DataFrame:
    """The rows as the dataset `valuations` keeps them."""
    return valued.select(
        "customer_id",
        pl.lit(as_of).alias("as_of"),
        pl.lit(labels.run_id).alias("run_id"),
        _version(valued, labels),
        "value_minor",
        "value_low_minor",
        "value_high_minor",
        pl.lit(company.currency).alias("currency"),
        "probability_alive",
        "probability_of_purchase",
        "expected_margin_minor",
        "expected_purchases",
        "tier",
        "objective",
        "need",
        "frequency",
        "recency_days",
        "age_days",
        "average_spend_minor",
        "margin_rate",
        pl.col("serve_minor_per_day").alias("cost_to_serve_minor"),
        "objective_reason",
        "orders_90d",
        pl.col("sales_minor").alias("quarter_sales_minor"),
        pl.col("returns_minor").alias("quarter_returns_minor"),
        pl.col("discounts_minor").alias("quarter_discounts_minor"),
        pl.col("cost_of_goods_minor").alias("quarter_cost_of_goods_minor"),
        pl.col("cost_to_serve_minor").alias("quarter_cost_to_serve_minor"),
        pl.col("period_baskets").alias("quarter_baskets"),
        pl.col("period_visits").alias("quarter_visits"),
        pl.col("period_contacts").alias("quarter_contacts"),
        pl.col("period_cases").alias("quarter_cases"),
        pl.col("keeping_cost_minor").alias("quarter_keeping_minor"),
        pl.col("acquisition_cost_minor").alias("quarter_acquisition_cost_minor"),
        pl.lit(company.horizon_days).alias("horizon_days"),
        "keeping_minor",
        "potential_minor",
        "share_of_customer",
        "value_if_converted_minor",
        "service_model",
        "objective_since",
        "objective_asked",
        "objective_asked_times",
    )
