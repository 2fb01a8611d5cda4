"""What did each customer earn in the period, so that customers sum to the company to the cent?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from patronage.differentiate.valuation.history import PARTS_PER_UNIT, SERVED_WINDOW_DAYS
from patronage.vocabulary.company import Company, ServiceModel

#: Of a customer of whom less is known than this many average shopping days, the base's margin
#: rate counts for more than their own.
PRIOR_SHOPPING_DAYS: Final = 5.0
#: Of a customer known for less than this, the base's frequency of contacts and cases counts more.
PRIOR_SERVED_DAYS: Final = 90.0
MONTHS_A_YEAR: Final = 12
DAYS_A_YEAR: Final = 365

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRates:
    """What each driver of the cost to serve costs, minor units: declared, so an assumption."""

    #: one basket
    basket: int
    #: one day on which the customer came to buy
    visit: int
    #: one contact made before this system decided them
    contact: int
    #: one case
    case: int
    #: a month as a customer
    month: int

    @classmethod
    def of(cls, company: Company, model: ServiceModel | None = None) -> Self:
        """The company's rates, or those under a service model, which replaces what it names."""

        def rate(name: str, declared: int) -> int:
            replaced = None if model is None else getattr(model, name)
            return declared if replaced is None else int(replaced)

        serving = company.serving
        return cls(
            basket=rate("cost_per_basket_minor", company.cost_per_basket_minor),
            visit=rate("per_visit_minor", serving.per_visit_minor),
            contact=rate("per_contact_minor", serving.per_contact_minor),
            case=rate("per_case_minor", serving.per_case_minor),
            month=rate("per_month_minor", serving.per_month_minor),
        )

    def kept_parts(self, days: pl.Expr) -> pl.Expr:
        """What keeping a customer for some days costs, in parts, rounded down to one of them."""
        return days * (self.month * MONTHS_A_YEAR * PARTS_PER_UNIT // DAYS_A_YEAR)


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
        company: the declared cost of each driver of the cost to serve.

    Returns:
        The rows with `cost_of_goods_minor`, `cost_to_serve_minor` (both ≥ 0 unless returns
        outweigh sales), `keeping_cost_minor` (the part of the cost to serve that months make),
        `revenue_minor` (sales net of returns) and `margin_minor`, which is revenue less both
        costs. Each column sums to the company's figure.
    """
    rates = CostRates.of(company)
    kept = statistics.select(parts=rates.kept_parts(pl.col("period_days_kept")))["parts"]
    return (
        statistics.with_columns(
            cost_of_goods_minor=pl.Series(allocated(statistics["period_cost_parts"].to_numpy())),
            keeping_cost_minor=pl.Series(allocated(kept.to_numpy())),
            revenue_minor=pl.col("sales_minor") + pl.col("returns_minor"),
        )
        .with_columns(
            cost_to_serve_minor=pl.col("period_baskets") * rates.basket
            + pl.col("period_visits") * rates.visit
            + pl.col("period_contacts") * rates.contact
            + pl.col("period_cases") * rates.case
            + pl.col("keeping_cost_minor")
        )
        .with_columns(
            margin_minor=pl.col("revenue_minor")
            - pl.col("cost_of_goods_minor")
            - pl.col("cost_to_serve_minor")
        )
    )


def acquisition_costs(company: Company, *, came_in_period: pl.Expr) -> pl.Expr:
    """What winning each customer cost, in the period of their first purchase; NULL: not known.

    Args:
        came_in_period: whether the first purchase lies in the period. Who was there when
            recording began was not won then, so that nothing is known of what it cost.
    """
    if company.acquisition_cost_minor is None:
        return pl.lit(None, dtype=pl.Int64)
    won = pl.col("entry") == "acquired"
    return pl.when(won & came_in_period).then(company.acquisition_cost_minor).otherwise(0)


def unit_economics(
    statistics: pl.DataFrame, company: Company, base: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Add what one shopping day of each customer leaves: margin rate and cost to serve.

    A customer's margin rate is that of their own basket mix, pulled towards the base's rate with
    the weight of `PRIOR_SHOPPING_DAYS` average shopping days.

    Args:
        base: statistics of the base whose rates stand behind short histories; these rows unless
            they are only some customers.

    Returns:
        The rows with `margin_rate` (share of net spend, before the cost to serve),
        `serve_minor_per_day` (float, minor units a shopping day: baskets and the visit),
        `keeping_minor` (float, minor units a month as a customer: contacts, cases, the month) and,
        for what they cost under another service model, `baskets_per_day`, `contacts_per_month`
        and `cases_per_month`.
    """
    base = statistics if base is None else base
    amount = float(base["amount_minor"].sum())
    cost = float(base["cost_parts"].cast(pl.Float64).sum()) / PARTS_PER_UNIT
    base_rate = 1 - cost / amount if amount > 0 else company.default_margin
    base_rate = min(max(base_rate, -1.0), 1.0)
    average_day = max(amount, 0.0) / max(int(base["days"].sum()), 1)
    known = pl.col("amount_minor").clip(lower_bound=0).cast(pl.Float64)
    own_rate = (
        pl.when(pl.col("amount_minor") > 0)
        .then(1 - pl.col("cost_parts") / PARTS_PER_UNIT / pl.col("amount_minor"))
        .otherwise(base_rate)
        .clip(-1.0, 1.0)
    )
    prior = max(PRIOR_SHOPPING_DAYS * average_day, 1.0)
    described = statistics.with_columns(
        margin_rate=(own_rate * known + base_rate * prior) / (known + prior),
        baskets_per_day=pl.col("baskets") / pl.col("days"),
        contacts_per_month=_per_month(base, "recent_contacts"),
        cases_per_month=_per_month(base, "recent_cases"),
    )
    rates = CostRates.of(company)
    return described.with_columns(
        serve_minor_per_day=per_shopping_day(rates), keeping_minor=per_month(rates)
    )


def per_shopping_day(rates: CostRates) -> pl.Expr:
    """What serving one shopping day costs, minor units."""
    return pl.col("baskets_per_day") * float(rates.basket) + float(rates.visit)


def per_month(rates: CostRates) -> pl.Expr:
    """What a month as a customer costs however often they buy, minor units."""
    return (
        pl.col("contacts_per_month") * float(rates.contact)
        + pl.col("cases_per_month") * float(rates.case)
        + float(rates.month)
    )


def _per_month(whole_base: pl.DataFrame, counted: str) -> pl.Expr:
    """Events a month as a customer, pulled towards the base's with `PRIOR_SERVED_DAYS` of it."""
    days = pl.min_horizontal(pl.col("known_days") + 1, pl.lit(SERVED_WINDOW_DAYS))
    exposed = float(whole_base.select(days.sum()).item() or 0)
    base = float(whole_base[counted].sum()) / exposed if exposed > 0 else 0.0
    a_day = (pl.col(counted) + base * PRIOR_SERVED_DAYS) / (days + PRIOR_SERVED_DAYS)
    return a_day * (DAYS_A_YEAR / MONTHS_A_YEAR)
