"""What did each customer buy, cost and leave in each quarter? The cube that audits cut."""

from __future__ import annotations

from datetime import date

import polars as pl

from patronage.differentiate.valuation.history import customer_days
from patronage.differentiate.valuation.profit import profit_and_loss
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar, Quarter
from patronage.warehouse.untyped import Table

_COUNTED = ("sales_minor", "returns_minor", "period_cost_parts", "period_baskets", "period_visits")
_SERVED = ("period_contacts", "period_cases")


def quarters(lines: Table, products: Table, *, company: Company, as_of: date) -> Table:
    """Sums by `customer_id` and `quarter` (its first day) of what was bought up to the date.

    Args:
        lines, products: tables with the columns of the datasets `order_lines` and `products`.

    Returns:
        An Ibis table: `first_day` (with a sale in the quarter), `sales_minor`, `returns_minor`
        (≤ 0), `period_cost_parts`, `period_baskets`, `period_visits`.
    """
    days = customer_days(lines, products, company=company, as_of=as_of)
    shopped = days.sale_lines > 0
    dated = days.mutate(quarter=days.day.truncate("Q"), visited=shopped.cast("int64"))
    return dated.group_by("customer_id", "quarter").aggregate(
        first_day=dated.day.min(where=dated.sale_lines > 0),
        sales_minor=dated.sales_minor.sum().cast("int64"),
        returns_minor=dated.returns_minor.sum().cast("int64"),
        period_cost_parts=dated.cost_parts.sum().cast("int64"),
        period_baskets=dated.baskets.sum().cast("int64"),
        period_visits=dated.visited.sum().cast("int64"),
    )


def served_quarters(served: Table) -> Table:
    """Contacts and cases by `customer_id` and `quarter`, from rows of `service_days`."""
    dated = served.mutate(quarter=served.day.truncate("Q"))
    return dated.group_by("customer_id", "quarter").aggregate(
        period_contacts=dated.contacts.sum().cast("int64"),
        period_cases=dated.cases.sum().cast("int64"),
    )


def cube(
    bought: pl.DataFrame, served: pl.DataFrame, people: pl.DataFrame, company: Company, as_of: date
) -> pl.DataFrame:
    """One row a customer and quarter from the first purchase to the date, profit and loss added.

    Args:
        bought: rows of `quarters`.
        served: rows of `served_quarters`.
        people: `customer_id` and `entry` ("panel" or "acquired") of everybody on record.

    Returns:
        Sorted by quarter and customer: `customer_id`, `quarter`, `cohort` (first day of the quarter
        of the first purchase; NULL for who was there when recording began), `orders`, `visits`,
        `revenue_minor`, `cost_of_goods_minor`, `cost_to_serve_minor`, `margin_minor`. A quarter
        without a purchase has a row as long as it costs or returns something, or the customer has
        to be kept. In every quarter each column sums to the company's figure.
    """
    first = bought.group_by("customer_id").agg(pl.col("first_day").min())
    known = first.filter(pl.col("first_day").is_not_null()).join(people, on="customer_id")
    rows = (
        _every_quarter(known, as_of)
        .join(bought.drop("first_day"), on=["customer_id", "quarter"], how="left")
        .join(served, on=["customer_id", "quarter"], how="left")
        .with_columns(pl.col(name).fill_null(0) for name in (*_COUNTED, *_SERVED))
    )
    parts = [
        profit_and_loss(part.sort("customer_id"), company)
        for part in rows.partition_by("quarter", maintain_order=False)
    ]
    if not parts:
        return pl.DataFrame(schema=_SCHEMA)
    whole = pl.concat(parts).sort("quarter", "customer_id")
    return whole.select(
        "customer_id",
        "quarter",
        cohort=pl.when(pl.col("entry") != "panel").then(pl.col("first_day").dt.truncate("1q")),
        orders=pl.col("period_baskets"),
        visits=pl.col("period_visits"),
        revenue_minor="revenue_minor",
        cost_of_goods_minor="cost_of_goods_minor",
        cost_to_serve_minor="cost_to_serve_minor",
        margin_minor="margin_minor",
    )


_SCHEMA = {
    "customer_id": pl.String,
    "quarter": pl.Date,
    "cohort": pl.Date,
    "orders": pl.Int64,
    "visits": pl.Int64,
    "revenue_minor": pl.Int64,
    "cost_of_goods_minor": pl.Int64,
    "cost_to_serve_minor": pl.Int64,
    "margin_minor": pl.Int64,
}


def _every_quarter(known: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Each customer with every quarter since their first purchase, and the days kept in it."""
    calendar, ends = [], []
    if len(known):
        quarter = BusinessCalendar("UTC").quarter_of(known["first_day"].min())  # type: ignore[arg-type]
        while quarter.first_day <= as_of:
            calendar.append(quarter.first_day)
            ends.append(min(quarter.last_day, as_of))
            quarter = quarter.next
    every = pl.DataFrame(
        {"quarter": calendar, "ends": ends}, schema={"quarter": pl.Date, "ends": pl.Date}
    )
    crossed = known.join(every, how="cross").filter(pl.col("ends") >= pl.col("first_day"))
    since = pl.max_horizontal("first_day", "quarter")
    return crossed.with_columns(period_days_kept=(pl.col("ends") - since).dt.total_days() + 1).drop(
        "ends"
    )


def quarter_of(first_day: date) -> Quarter:
    """The quarter that begins on the day."""
    return Quarter(first_day.year, (first_day.month + 2) // 3)
