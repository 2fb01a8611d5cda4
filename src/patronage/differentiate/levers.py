"""What is one point more worth? Each lever by full revaluation, customer by customer.

A lever changes one thing about the future, everybody is valued again with it, and the figure is the
difference in whole cents: of each customer, and so of each portfolio and of the enterprise.

| lever | one point more |
|---|---|
| retention | of what a portfolio's customers buy in a day now, the share still bought in a year rises by 0.01, remaining lifetimes being that much longer |
| frequency | 1 % more shopping days for as long as they are customers |
| margin | 0.01 more of every amount spent is kept as margin |
| cost to serve | serving costs 1 % less |
| acquisition | 1 % more customers like those who came in the last year, each at the value of the day they came |

A room of its own, pure: frames in, frames out. Who sees which part is for the reads above it.
"""  # noqa: E501 - a table

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from patronage.differentiate.valuation.scoring import (
    Histories,
    Models,
    Window,
    expected_margin,
)
from patronage.science.equity import round_half_even_minor
from patronage.science.lifetime.steered import (
    Activity,
    Steered,
    activity,
    ageing_for_retention,
)

#: The levers, in the order in which they are explained.
LEVERS: Final = ("acquisition", "retention", "frequency", "margin", "cost_to_serve")
POINT: Final = 0.01
#: Customers whose first purchase lies within this many days are the ones acquired of late.
YEAR_DAYS: Final = 365

Minor = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLevel:
    """Where a portfolio stands before a lever is moved."""

    #: the portfolio's id, as in the column `portfolio_id`
    portfolio_id: str
    #: customers valued
    customers: int
    #: of them, acquired in the last year
    acquired: int
    #: what is bought now and still expected to be bought in a year
    activity: Activity
    #: speed of ageing at which that share is a point higher; None: it cannot be
    ageing: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Priced:
    """What one point of each lever is worth."""

    #: one row a customer: `customer_id`, `portfolio_id`, `value_minor` and a column a lever, the
    #: value with the lever less the value without, whole minor units
    customers: pl.DataFrame
    #: one a portfolio, by id
    levels: Mapping[str, GroupLevel]


def price(
    frame: pl.DataFrame,
    models: Models,
    window: Window,
    *,
    others: Mapping[str, Models] | None = None,
    acquisition_cost_minor: int | None = None,
) -> Priced:
    """Price every lever for every customer.

    Args:
        frame: rows of the dataset `valuations` with `portfolio_id` and `acquired` (they came by
            being won, not with the panel), one a customer, sorted by `customer_id`.
        models: those that the valuation rests on.
        others: of customers whose portfolio chose its own, by `model_version`.
        window: the valuation's.
        acquisition_cost_minor: what winning a customer costs; None where nobody said.

    Returns:
        The figures. A lever that cannot be moved by a point in a portfolio is worth 0 there, and
        its level says so.
    """
    parts: list[pl.DataFrame] = []
    levels: dict[str, GroupLevel] = {}
    own = others or {}
    keys = ["portfolio_id", "model_version"] if own else ["portfolio_id"]
    for key, part in frame.partition_by(keys, as_dict=True, maintain_order=True).items():
        portfolio_id, *version = map(str, key)
        under = own.get(version[0], models) if version else models
        priced, level = _group(portfolio_id, part, under, window, acquisition_cost_minor)
        parts.append(priced)
        levels[portfolio_id] = _together(levels.get(portfolio_id), level)
    columns = ("customer_id", "portfolio_id", "value_minor", *LEVERS)
    everybody = pl.concat(parts) if parts else pl.DataFrame(schema=_schema())
    return Priced(customers=everybody.select(columns).sort("customer_id"), levels=levels)


def _schema() -> dict[str, pl.DataType]:
    whole: dict[str, pl.DataType] = dict.fromkeys(("value_minor", *LEVERS), pl.Int64())
    return {"customer_id": pl.String(), "portfolio_id": pl.String(), **whole}


def _together(before: GroupLevel | None, level: GroupLevel) -> GroupLevel:
    """A portfolio whose customers are under several models: a lever moves where any can."""
    if before is None:
        return level
    return GroupLevel(
        portfolio_id=level.portfolio_id,
        customers=before.customers + level.customers,
        acquired=before.acquired + level.acquired,
        activity=Activity(
            now=before.activity.now + level.activity.now,
            in_a_year=before.activity.in_a_year + level.activity.in_a_year,
        ),
        ageing=before.ageing if level.ageing is None else level.ageing,
    )


def _group(
    portfolio_id: str,
    part: pl.DataFrame,
    models: Models,
    window: Window,
    acquisition_cost_minor: int | None,
) -> tuple[pl.DataFrame, GroupLevel]:
    histories = Histories.of(part, window.minor_per_major)
    past = (histories.frequency, histories.recency, histories.age)
    ageing = ageing_for_retention(models.purchase, *past, points=POINT)
    came = part["acquired"].to_numpy() & (histories.age < YEAR_DAYS)
    before = revalued(histories, models, window)
    nothing = np.zeros_like(before)
    dearer = replace(histories, margin_rate=histories.margin_rate + POINT)
    cheaper = replace(
        histories, serve=histories.serve * (1 - POINT), keeping=histories.keeping * (1 - POINT)
    )
    level = GroupLevel(
        portfolio_id=portfolio_id,
        customers=len(part),
        acquired=int(came.sum()),
        activity=activity(models.purchase, *past),
        ageing=ageing,
    )
    entered = _at_entry(histories, models, window, acquisition_cost_minor)
    worth = {
        "acquisition": np.where(came, entered, 0),
        "retention": nothing
        if ageing is None
        else revalued(histories, models, window, ageing=ageing) - before,
        "frequency": revalued(histories, models, window, purchases=1 + POINT) - before,
        "margin": revalued(dearer, models, window) - before,
        "cost_to_serve": revalued(cheaper, models, window) - before,
    }
    return part.with_columns(
        **{name: pl.Series(name, amounts, dtype=pl.Int64) for name, amounts in worth.items()}
    ), level


def revalued(
    histories: Histories,
    models: Models,
    window: Window,
    *,
    purchases: float = 1.0,
    ageing: float = 1.0,
) -> Minor:
    """The customers' values over the window, in whole minor units, with their future steered."""
    steered = Steered(model=models.purchase, purchases=purchases, ageing=ageing)
    value = _expected(histories, models, window, steered)
    return round_half_even_minor(value, minor_per_major=window.minor_per_major)


def _expected(
    histories: Histories, models: Models, window: Window, purchase: Steered
) -> NDArray[np.float64]:
    """Discounted margin expected in the window if the purchase model were this one."""
    return expected_margin(
        histories,
        replace(models, purchase=cast(Any, purchase)),
        seen_on=window.as_of,
        after=window.as_of,
        until=window.as_of + timedelta(days=window.horizon_days),
        annual_discount_rate=window.annual_discount_rate,
    )


def _at_entry(
    histories: Histories, models: Models, window: Window, acquisition_cost_minor: int | None
) -> Minor:
    """A hundredth of a customer with this margin rate on the day they come, net of their cost.

    The first purchase and what is expected after it, at what new customers spend on average.
    """
    nobody_yet = np.zeros_like(histories.age)
    new = replace(
        histories,
        frequency=nobody_yet,
        recency=nobody_yet,
        age=nobody_yet,
        average_spend=nobody_yet,
    )
    later = _expected(new, models, window, Steered(model=models.purchase))
    value = new.margin_per_day(models.spend) + later
    cost = (acquisition_cost_minor or 0) / window.minor_per_major
    return round_half_even_minor(POINT * (value - cost), minor_per_major=window.minor_per_major)
