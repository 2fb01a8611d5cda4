"""What did each customer earn in the period, so that customers sum to the company to the cent?"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from patronage.differentiate.valuation.history import PARTS_PER_UNIT
from patronage.vocabulary.company import Company

#: Of a customer of whom less is known than this many average shopping days, the base's margin
#: rate counts for more than their own.
PRIOR_SHOPPING_DAYS: Final = 5.0

Whole = NDArray[np.int64]


def allocated(parts: Whole) -> Whole:
    """Round amounts in parts to whole minor units that sum to the rounded total.

    The largest-remainder method (Hamilton): every row is rounded down, and the units then
    missing go to the rows with the largest remainders, the earlier row first among equals.

    Args:
        parts: amounts in millionths of a minor unit, shape (rows,), of either sign.

    Returns:
        Minor units, shape (rows,); their sum is the total of `parts` rounded half to even.
    """
    down, rest = np.divmod(parts, PARTS_PER_UNIT)
    missing = half_even(int(rest.sum()), PARTS_PER_UNIT)
    largest_first = np.argsort(-rest, kind="stable")
    whole: Whole = down.copy()
    whole[largest_first[:missing]] += 1
    return whole


def half_even(numerator: int, denominator: int) -> int:
    """Divide whole numbers (the second above 0), rounding halves to the even neighbour."""
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return quotient + (twice > denominator or (twice == denominator and quotient % 2 == 1))


def profit_and_loss(statistics: pl.DataFrame, company: Company) -> pl.DataFrame:
    """Add each customer's profit and loss of the period, in minor units.

    Args:
        statistics: rows of `customer_statistics`, sorted by customer id.
        company: the declared cost to serve a basket.

    Returns:
        The rows with `cost_of_goods_minor`, `cost_to_serve_minor` (both ≥ 0 unless returns
        outweigh sales), `revenue_minor` (sales net of returns) and `margin_minor`, which is
        revenue less both costs. Each column sums to the company's figure.
    """
    cost_of_goods = pl.Series(allocated(statistics["period_cost_parts"].to_numpy()))
    return statistics.with_columns(
        cost_of_goods_minor=cost_of_goods,
        cost_to_serve_minor=pl.col("period_baskets") * company.cost_per_basket_minor,
        revenue_minor=pl.col("sales_minor") + pl.col("returns_minor"),
    ).with_columns(
        margin_minor=(
            pl.col("revenue_minor") - pl.col("cost_of_goods_minor") - pl.col("cost_to_serve_minor")
        )
    )


def unit_economics(statistics: pl.DataFrame, company: Company) -> pl.DataFrame:
    """Add what one shopping day of each customer leaves: margin rate and cost to serve.

    A customer's margin rate is that of their own basket mix, pulled towards the base's rate with
    the weight of `PRIOR_SHOPPING_DAYS` average shopping days.

    Returns:
        The rows with `margin_rate` (share of net spend, before the cost to serve) and
        `serve_minor_per_day` (float, minor units).
    """
    amount = float(statistics["amount_minor"].sum())
    cost = float(statistics["cost_parts"].cast(pl.Float64).sum()) / PARTS_PER_UNIT
    base_rate = 1 - cost / amount if amount > 0 else company.default_margin
    base_rate = min(max(base_rate, -1.0), 1.0)
    average_day = max(amount, 0.0) / max(int(statistics["days"].sum()), 1)
    known = pl.col("amount_minor").clip(lower_bound=0).cast(pl.Float64)
    own_rate = (
        pl.when(pl.col("amount_minor") > 0)
        .then(1 - pl.col("cost_parts") / PARTS_PER_UNIT / pl.col("amount_minor"))
        .otherwise(base_rate)
        .clip(-1.0, 1.0)
    )
    prior = max(PRIOR_SHOPPING_DAYS * average_day, 1.0)
    return statistics.with_columns(
        margin_rate=(own_rate * known + base_rate * prior) / (known + prior),
        serve_minor_per_day=(
            pl.col("baskets") / pl.col("days") * float(company.cost_per_basket_minor)
        ),
    )
