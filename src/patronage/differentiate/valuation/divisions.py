"""One customer, several divisions: what did each of them earn, and which one leads?"""

from __future__ import annotations

from datetime import date
from typing import Final

import ibis
import polars as pl

from patronage.differentiate.valuation.history import PARTS_PER_UNIT, catalogue, seen_before
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar
from patronage.warehouse.untyped import Table

#: The division of lines whose product is not in the catalogue.
UNKNOWN: Final = ""


def period_lines(
    lines: Table, products: Table, *, company: Company, first_day: date, last_day: date
) -> Table:
    """The lines of a period with `department` (NULL: product unknown) and `cost_parts`."""
    calendar = BusinessCalendar(company.time_zone)
    seen = seen_before(lines, calendar.end_of_day(last_day))
    start = ibis.literal(calendar.start_of_day(first_day), type="timestamp('UTC')")
    inside = seen.filter(seen.ordered_at >= start)
    priced = catalogue(products, company).select("product_id", "unit_cost_parts")
    named = products.select("product_id", "department").join(priced, "product_id")
    joined = inside.left_join(named, "product_id")
    default = round((1 - company.default_margin) * PARTS_PER_UNIT)
    cost = joined.amount_minor * joined.unit_cost_parts.fill_null(default)
    return joined.select(*inside.columns, "department", cost_parts=cost.cast("int64"))


def earned_by_division(lines: Table) -> Table:
    """Sums by `customer_id` and `department`, from rows of `period_lines`."""
    is_sale = lines.kind == "sale"
    return lines.group_by("customer_id", "department").aggregate(
        revenue_minor=lines.amount_minor.sum().cast("int64"),
        cost_parts=lines.cost_parts.sum().cast("int64"),
        sale_lines=is_sale.cast("int64").sum().cast("int64"),
    )


def divided(earned: pl.DataFrame, customers: pl.DataFrame) -> pl.DataFrame:
    """Split each customer's profit and loss over divisions, so that these add up to it exactly.

    Every line counts once, in the division of its product. Cost of goods is what the division's
    lines cost, rounded so that the customer's divisions sum to the customer's; cost to serve is
    shared by the lines sold, since each is picked, packed and paid for alike. The lead is the
    division with the largest margin, the first by name among equals.

    Args:
        earned: rows of `earned_by_division` of the same lines.
        customers: `customer_id`, `cost_of_goods_minor`, `cost_to_serve_minor` of the period; who
            is not here is left out.

    Returns:
        One row a customer and division, by customer and from the largest margin down:
        `customer_id`, `department` (`UNKNOWN` for products that are not in the catalogue),
        `revenue_minor`, `cost_of_goods_minor`, `cost_to_serve_minor`, `margin_minor`, `is_lead`. A
        customer without any line has one row with what serving them cost, of the division
        `UNKNOWN`, and no lead.
    """
    joined = customers.join(earned, on="customer_id", how="left").with_columns(
        bought=pl.col("revenue_minor").is_not_null()
    )
    joined = joined.with_columns(
        pl.col("department").fill_null(UNKNOWN),
        pl.col("revenue_minor", "cost_parts", "sale_lines").fill_null(0),
    )
    lines = pl.col("sale_lines").sum().over("customer_id")
    # Without a sale nothing says whose the cost is: the divisions share it evenly.
    weight = pl.when(lines > 0).then(pl.col("sale_lines")).otherwise(1)
    weighed = joined.with_columns(weight=weight)
    share = (pl.col("cost_to_serve_minor") * pl.col("weight")).cast(pl.Int64)
    everything = pl.col("weight").sum().over("customer_id")
    goods = _shared(
        weighed.with_columns(
            down=pl.col("cost_parts").floordiv(PARTS_PER_UNIT),
            rest=pl.col("cost_parts").mod(PARTS_PER_UNIT),
        ),
        "cost_of_goods_minor",
    )
    served = _shared(
        goods.with_columns(down=share.floordiv(everything), rest=share.mod(everything)),
        "cost_to_serve_minor",
    )
    named = served.with_columns(
        margin_minor=pl.col("revenue_minor")
        - pl.col("cost_of_goods_minor")
        - pl.col("cost_to_serve_minor")
    ).sort(["customer_id", "margin_minor", "department"], descending=[False, True, False])
    return named.select(
        "customer_id",
        "department",
        "revenue_minor",
        "cost_of_goods_minor",
        "cost_to_serve_minor",
        "margin_minor",
        is_lead=(pl.int_range(pl.len()).over("customer_id") == 0) & pl.col("bought"),
    )


def _shared(rows: pl.DataFrame, total: str) -> pl.DataFrame:
    """Replace a customer's total in each row by the row's part: the largest remainders round up."""
    missing = pl.col(total) - pl.col("down").sum().over("customer_id")
    # Equal remainders are ranked by department, so that the same rows give the same cents.
    ordered = rows.sort("customer_id", "rest", "department", descending=[False, True, False])
    place = pl.int_range(pl.len()).over("customer_id")
    part = pl.col("down") + (place < missing).cast(pl.Int64)
    return ordered.with_columns(part.alias(total)).drop("down", "rest")
