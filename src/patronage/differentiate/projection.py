"""How does the newest valuation of everybody reach the operational store? As one set."""

from __future__ import annotations

from typing import Final

import polars as pl
from django.db import connection

from patronage.differentiate import overrides
from patronage.differentiate.models import LatestValuation, ValuationRun
from patronage.identify import bulk

#: Column of the table → column of an appraised frame.
_COLUMNS: Final = {
    "customer_id": "customer_id",
    "run_id": "run_id",
    "value_minor": "value_minor",
    "value_low_minor": "value_low_minor",
    "value_high_minor": "value_high_minor",
    "probability_alive": "probability_alive",
    "probability_of_purchase": "probability_of_purchase",
    "expected_purchases": "expected_purchases",
    "expected_margin_minor": "expected_margin_minor",
    "quarter_revenue_minor": "revenue_minor",
    "quarter_margin_minor": "margin_minor",
    "quarter_sales_minor": "sales_minor",
    "quarter_returns_minor": "returns_minor",
    "quarter_discounts_minor": "discounts_minor",
    "quarter_cost_of_goods_minor": "cost_of_goods_minor",
    "quarter_cost_to_serve_minor": "cost_to_serve_minor",
    "quarter_baskets": "period_baskets",
    "quarter_visits": "period_visits",
    "quarter_contacts": "period_contacts",
    "quarter_cases": "period_cases",
    "quarter_keeping_minor": "keeping_cost_minor",
    "quarter_acquisition_cost_minor": "acquisition_cost_minor",
    "tier": "tier",
    "need": "need",
    "objective": "objective",
    "objective_reason": "objective_reason",
    "objective_since": "objective_since",
    "rule_objective": "objective",
    "rule_objective_reason": "objective_reason",
    "rule_objective_since": "objective_since",
    "objective_asked": "objective_asked",
    "objective_asked_times": "objective_asked_times",
    "potential_minor": "potential_minor",
    "share_of_customer": "share_of_customer",
    "value_if_converted_minor": "value_if_converted_minor",
    "service_model": "service_model",
    "horizon_days": "horizon_days",
    "orders_90d": "orders_90d",
    "recency_days": "days_since_purchase",
    "age_days": "age_days",
}


def project(valued: pl.DataFrame, run: ValuationRun) -> bool:
    """Replace everybody's latest valuation by this run's, in the caller's transaction.

    A run that is older than the one projected stays in the warehouse only. The overrides that stand
    when the run is made are in force in the rows.

    Args:
        valued: the rows of `appraise`.

    Returns:
        Whether the run is now the latest.
    """
    if ValuationRun.objects.filter(as_of__gt=run.as_of).exists():
        return False
    rows = valued.with_columns(
        run_id=pl.lit(run.id),
        need=pl.col("need").fill_null(""),
        service_model=pl.col("service_model").fill_null(""),
        horizon_days=pl.lit(run.horizon_days),
        age_days=pl.col("age_days").cast(pl.Int64),
    ).select(pl.col(source).alias(column) for column, source in _COLUMNS.items())
    table = connection.ops.quote_name(LatestValuation._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - the table's own name
    bulk.append(LatestValuation, rows)
    overrides.apply(LatestValuation.objects.all(), run.created_at)
    return True
