"""What did each customer's first days show, and what did they bring afterwards? One query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import ibis
import numpy as np
import polars as pl
from numpy.typing import NDArray

from patronage.differentiate.valuation.history import PARTS_PER_UNIT
from patronage.vocabulary.company import Company
from patronage.warehouse.untyped import Expression, Table

#: What a regression may read of the first order: known on the first day.
FIRST_ORDER: Final = ("log_first_minor", "first_lines", "first_departments", "first_margin_rate")
#: What it may read once the first window is over.
FIRST_DAYS: Final = (*FIRST_ORDER, "log_window_minor", "log_days", "silent_share", "returned_share")
_SECONDS_A_DAY: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """Which of a customer's days are looked at, counted from the first order."""

    #: the first days: what is shown
    window_days: int
    #: the days after them: what is brought
    outcome_days: int

    @property
    def whole_days(self) -> int:
        """Both together."""
        return self.window_days + self.outcome_days


def first_days(
    lines: Table,
    products: Table,
    people: Table,
    *,
    company: Company,
    spans: Spans,
    seen_until: Expression,
) -> Table:
    """What the lines before an instant say of each customer's first days and the days after.

    Args:
        lines, products: tables with the columns of `order_lines` and `products`.
        people: a table with the `customer_id` of those who are asked about.
        company: margins by department and the cost of a basket.
        spans: which days.
        seen_until: the instant; nothing from it on is seen.

    Returns:
        One row a customer of them who bought: `first_at`; of the first day `first_minor`,
        `first_lines`, `first_departments`, `first_parts` (margin, minor units × 10⁶); of the window
        `window_minor`, `sold_minor`, `returned_minor` (≤ 0), `days`, `last_day` (day of the last
        order in it), `window_parts`; of the days after it `later_parts`. Margins are net of the
        declared cost of each basket.
    """
    margins = [
        (products.department == department, round(margin * PARTS_PER_UNIT))
        for department, margin in company.margin_by_department.items()
    ]
    default = ibis.literal(round(company.default_margin * PARTS_PER_UNIT), type="int64")
    rate = ibis.cases(*margins, else_=default) if margins else default
    catalogue = products.select("product_id", "department", margin_parts=rate.cast("int64"))
    seen = lines.filter(lines.ordered_at < seen_until).semi_join(people, "customer_id")
    sales = seen.filter(seen.kind == "sale")
    first = sales.group_by("customer_id").aggregate(first_at=sales.ordered_at.min())
    joined = seen.inner_join(first, "customer_id").left_join(catalogue, "product_id")
    seconds = joined.ordered_at.epoch_seconds() - joined.first_at.epoch_seconds()
    day = (seconds // _SECONDS_A_DAY).cast("int64")
    counted = joined.filter((day >= 0) & (day < spans.whole_days))
    dated = counted.mutate(
        day=day,
        parts=counted.amount_minor * counted.margin_parts.fill_null(default),
        is_sale=counted.kind == "sale",
    )
    orders = dated.group_by("customer_id", "order_id", "day").aggregate(
        first_at=dated.first_at.min(),
        amount=dated.amount_minor.sum(),
        sold=dated.amount_minor.sum(where=dated.is_sale).fill_null(0),
        parts=dated.parts.sum(),
        lines=dated.is_sale.cast("int64").sum(),
        departments=dated.department.nunique(where=dated.is_sale & (dated.day == 0)),
    )
    basket = ibis.literal(company.cost_per_basket_minor * PARTS_PER_UNIT, type="int64")
    net = orders.mutate(
        parts=orders.parts - (orders.lines > 0).cast("int64") * basket,
        returned=orders.amount - orders.sold,
    )
    return _summed(net, spans)


def _summed(orders: Table, spans: Spans) -> Table:
    inside = (orders.day >= 0) & (orders.day < spans.window_days)
    on_first = orders.day == 0
    later = (orders.day >= spans.window_days) & (orders.day < spans.whole_days)
    bought = inside & (orders.lines > 0)

    def total(column: Expression, where: Expression) -> Expression:
        return column.sum(where=where).fill_null(0).cast("int64")

    return orders.group_by("customer_id").aggregate(
        first_at=orders.first_at.min(),
        first_minor=total(orders.sold, on_first),
        first_lines=total(orders.lines, on_first),
        first_departments=total(orders.departments, on_first),
        first_parts=total(orders.parts, on_first),
        window_minor=total(orders.amount, inside),
        sold_minor=total(orders.sold, inside),
        returned_minor=total(orders.returned, inside),
        days=orders.day.nunique(where=bought).fill_null(0).cast("int64"),
        last_day=orders.day.max(where=bought).fill_null(0).cast("int64"),
        window_parts=total(orders.parts, inside),
        later_parts=total(orders.parts, later),
    )


def features(rows: pl.DataFrame, names: tuple[str, ...], spans: Spans) -> NDArray[np.float64]:
    """The named features of rows of `first_days`, shape (customers, features)."""
    sold = pl.col("sold_minor").clip(lower_bound=1)
    described = rows.select(
        log_first_minor=pl.col("first_minor").clip(lower_bound=0).log1p(),
        first_lines=pl.col("first_lines").log1p(),
        first_departments=pl.col("first_departments").log1p(),
        first_margin_rate=(
            pl.col("first_parts") / PARTS_PER_UNIT / pl.col("first_minor").clip(lower_bound=1)
        ).clip(-1.0, 1.0),
        log_window_minor=pl.col("window_minor").clip(lower_bound=0).log1p(),
        log_days=pl.col("days").log1p(),
        silent_share=(spans.window_days - 1 - pl.col("last_day")) / spans.window_days,
        returned_share=(-pl.col("returned_minor") / sold).clip(0.0, 1.0),
    )
    return described.select(names).to_numpy().astype(np.float64)
