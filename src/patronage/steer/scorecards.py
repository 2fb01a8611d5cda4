"""How did each portfolio do this quarter, and what is it worth for three years?

Both figures are of the customers held at the date. The value's interval is of the sum: customers
are taken as independent given the models, so that variances add, and the sum of many is close to
normal. Uncertainty about the models' parameters, which moves all customers together, is not in it.
"""

from __future__ import annotations

from typing import Final

import polars as pl

#: standard normal quantile at 95 %: either side of a 90 % interval
_REACH: Final = 1.6448536269514722


def figures(
    held: pl.DataFrame, levels: pl.DataFrame, spread: pl.DataFrame, *, has_opening: bool
) -> pl.DataFrame:
    """The scorecard of each portfolio that holds anybody.

    Args:
        held: `customer_id` and `portfolio_id` at the date.
        levels: as of `differentiate.replay.levels`.
        spread: `customer_id`, `variance_minor` of what the customer will be worth (squared).
        has_opening: whether anything was expected of the quarter.

    Returns:
        `portfolio_id`, `customers` (held, valued or not), and in whole minor units
        `revenue_minor`, `margin_minor`, `expected_margin_minor` (NULL without an opening),
        `value_minor` and its 90 % interval `value_low_minor`, `value_high_minor`.
    """
    everybody = held.join(levels, on="customer_id", how="left").join(
        spread, on="customer_id", how="left"
    )
    reach = pl.col("variance_minor").sum().sqrt() * _REACH
    value = pl.col("closing_minor").sum()
    expected = pl.col("expected_margin_minor").sum() if has_opening else pl.lit(None, pl.Int64)
    return everybody.group_by("portfolio_id").agg(
        customers=pl.len(),
        revenue_minor=pl.col("realised_revenue_minor").sum(),
        margin_minor=pl.col("realised_margin_minor").sum(),
        expected_margin_minor=expected,
        value_minor=value,
        value_low_minor=(value - reach).round().cast(pl.Int64),
        value_high_minor=(value + reach).round().cast(pl.Int64),
    )
