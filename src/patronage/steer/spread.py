"""How far may what a customer turns out to be worth lie from the expected value?"""

from __future__ import annotations

import polars as pl

from patronage.access.company import company_of
from patronage.differentiate import reads, registry
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.valuation.by_model import by_model
from patronage.differentiate.valuation.scoring import Histories, Models, Window, worth


def variances(run: ValuationRun) -> pl.DataFrame:
    """The variance of each customer's realised value under the run's own models, frozen with it.

    Returns:
        `customer_id` and `variance_minor`, in squared minor units.
    """
    frame = reads.valuations(run)
    window = Window.of(company_of(run.company_version), run.as_of)

    def spread(part: pl.DataFrame, models: Models) -> pl.DataFrame:
        long_term = worth(Histories.of(part, window.minor_per_major), models, window)
        variance = (long_term.standard_deviation * window.minor_per_major) ** 2
        return pl.DataFrame({"customer_id": part["customer_id"], "variance_minor": variance})

    models = registry.models_of(run.purchase_model, run.spend_model)
    return by_model(frame, models, registry.others_of(run), spread)
