"""What would each customer be worth if they were served more cheaply?"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from patronage.differentiate.valuation.keeping import months_kept
from patronage.differentiate.valuation.profit import CostRates, per_month, per_shopping_day
from patronage.differentiate.valuation.scoring import (
    Histories,
    Models,
    Window,
    expected_purchases,
)
from patronage.science.equity import round_half_even_minor
from patronage.vocabulary.company import Company


def converted(
    customers: pl.DataFrame,
    value_minor: pl.Series,
    histories: Histories,
    models: Models,
    company: Company,
    window: Window,
) -> pl.DataFrame:
    """Value everybody under the declared service model that leaves most.

    Value is linear in the costs: only what serving costs a shopping day and a month changes, times
    the discounted shopping days and months that are expected anyway. That customers buy as much
    when served more cheaply is assumed.

    Args:
        customers: rows of `unit_economics`.
        value_minor: what they are worth as they are served now.

    Returns:
        In the order given: `value_if_converted_minor` and the name of the `service_model`; both
        NULL where no service model is declared. Equal values go to the first declared.
    """
    if not company.service_models:
        return pl.DataFrame(
            {
                "value_if_converted_minor": pl.Series([None] * len(customers), dtype=pl.Int64),
                "service_model": pl.Series([None] * len(customers), dtype=pl.String),
            }
        )
    end = window.as_of + timedelta(days=window.horizon_days)
    rate = window.annual_discount_rate
    days = expected_purchases(
        histories, models, seen_on=window.as_of, until=end, annual_discount_rate=rate
    )
    months = months_kept(
        models.purchase,
        histories.past,
        horizon_days=window.horizon_days,
        annual_discount_rate=rate,
    )
    saved = []
    for model in company.service_models:
        cheaper = CostRates.of(company, model)
        costs = customers.select(
            a_day=pl.col("serve_minor_per_day") - per_shopping_day(cheaper),
            a_month=pl.col("keeping_minor") - per_month(cheaper),
        )
        saved.append(days * costs["a_day"].to_numpy() + months * costs["a_month"].to_numpy())
    savings = np.stack(saved)
    best = savings.argmax(axis=0)
    names = np.array([model.name for model in company.service_models], dtype=object)
    most = round_half_even_minor(savings.max(axis=0), minor_per_major=1)
    return pl.DataFrame(
        {
            "value_if_converted_minor": value_minor.to_numpy() + most,
            "service_model": pl.Series(names[best], dtype=pl.String),
        }
    )
