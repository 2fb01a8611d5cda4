"""How far may what a customer turns out to be worth lie from the expected value?"""

from __future__ import annotations

import numpy as np
import polars as pl

from patronage.access.company import company_of
from patronage.differentiate import reads, registry
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.valuation.scoring import Histories, Window
from patronage.science.equity import customer_value


def variances(run: ValuationRun) -> pl.DataFrame:
    """The variance of each customer's realised value under the run's own models, frozen with it.

    Returns:
        `customer_id` and `variance_minor`, in squared minor units.
    """
    frame = reads.valuations(run)
    window = Window.of(company_of(run.company_version), run.as_of)
    models = registry.models_of(run.purchase_model, run.spend_model)
    seen = Histories.of(frame, window.minor_per_major)
    future = models.purchase.purchase_moments(
        seen.frequency,
        seen.recency,
        seen.age,
        horizon_days=window.horizon_days,
        annual_discount_rate=window.annual_discount_rate,
    )
    spend, spent = models.spend, (seen.frequency, seen.average_spend)
    repeated = seen.average_spend[seen.frequency > 0]
    # A heavy tail leaves the spend model without a variance: then the base's own stands in.
    stand_in = float(np.var(repeated)) if repeated.size else 0.0
    between, within = (
        np.where(np.isfinite(each), each, stand_in)
        for each in (
            models.spend.spend_variance(*spent),
            models.spend.purchase_spend_variance(*spent),
        )
    )
    worth = customer_value(
        expected_purchases=future.mean,
        purchase_variance=future.variance,
        probability_of_purchase=future.probability_of_purchase,
        mean_squared_discount=future.mean_squared_discount,
        expected_spend=spend.expected_spend(*spent),
        spend_variance=between,
        purchase_spend_variance=within,
        margin_rate=seen.margin_rate,
        cost_to_serve_per_purchase=seen.serve,
    )
    variance = (worth.standard_deviation * window.minor_per_major) ** 2
    return pl.DataFrame({"customer_id": frame["customer_id"], "variance_minor": variance})
