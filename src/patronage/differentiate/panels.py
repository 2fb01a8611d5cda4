"""What did each customer do on which day? The history as forecasts from past dates read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from patronage.access import datasets
from patronage.differentiate.reads.frames import Manifests
from patronage.differentiate.valuation.history import PARTS_PER_UNIT, customer_days
from patronage.science.lifetime.panel import Panel, Seen
from patronage.vocabulary.company import Company
from patronage.vocabulary.money import currency_decimals

_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NamedPanel:
    """A panel, and whose rows it has."""

    panel: Panel
    #: id of each of the panel's customers, ascending
    customer_id: pl.Series

    def seen(self, as_of: date, customer_id: pl.Series) -> Seen:
        """What was known of these customers at the end of a date, in the order given.

        Raises:
            LookupError: one of them had not bought by then.
        """
        numbers = np.searchsorted(self.customer_id.to_numpy(), customer_id.to_numpy())
        return self.panel.seen(day_number(as_of)).of(numbers)


def panel_of(manifests: Manifests, company: Company, as_of: date) -> NamedPanel:
    """What each customer bought on each day up to the as-of date; amounts in major units.

    The margin of a day is sales net of returns less the declared cost of goods and of baskets;
    costs that no purchase makes (months, contacts, cases) are not in it.
    """
    query = customer_days(
        manifests.read("order_lines"), manifests.read("products"), company=company, as_of=as_of
    )
    unit = 10 ** currency_decimals(company.currency)
    amount = pl.col("sales_minor") + pl.col("returns_minor")
    cost = pl.col("cost_parts") / PARTS_PER_UNIT
    basket = pl.col("baskets") * company.cost_per_basket_minor
    rows = (
        datasets.warehouse()
        .polars(query)
        .select(
            "customer_id",
            who=pl.col("customer_id").rank("dense") - 1,
            day=(pl.col("day").cast(pl.Date) - _EPOCH).dt.total_days(),
            spend=amount / unit,
            margin=(amount - cost - basket) / unit,
            bought=(pl.col("sale_lines") > 0).cast(pl.Float64),
        )
    )
    return NamedPanel(
        panel=Panel.of(
            customer=rows["who"].to_numpy(),
            day=rows["day"].to_numpy(),
            spend=rows["spend"].to_numpy(),
            margin=rows["margin"].to_numpy(),
            bought=rows["bought"].to_numpy(),
        ),
        customer_id=rows["customer_id"].unique().sort(),
    )


def day_number(day: date) -> int:
    """The day as panels number it."""
    return (day - _EPOCH).days


def date_of(number: int) -> date:
    """The day with this number."""
    return _EPOCH + timedelta(days=number)
