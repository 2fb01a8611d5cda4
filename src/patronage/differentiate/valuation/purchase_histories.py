"""When and for how much did each customer buy, and nothing else? One pass in the order kept.

The warehouse keeps order lines sorted by customer and instant, so that a customer's lines mostly
follow one another: a line that has another customer or date than the one before begins another run,
and no line has to be looked up. What is found of each run is put together by customer. Where two
runs of one customer touch or overlap in time (a customer's lines cut by the end of a group of rows,
files loaded one after the other about the same months), days could be counted twice; those
customers alone are read again and grouped by date.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import ibis
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from patronage.differentiate.valuation.history import seen_before
from patronage.vocabulary.periods import BusinessCalendar
from patronage.warehouse import Warehouse
from patronage.warehouse.untyped import Table

Whole = NDArray[np.int64]

_DAY: Final = 86_400_000_000
_BATCH_ROWS: Final = 1_000_000
_EPOCH: Final = date(1970, 1, 1)
_FOUND: Final = ("customer_id", "first", "last", "days", "amount_minor", "opening_minor")
SCHEMA: Final = {
    "customer_id": pl.String,
    "first_day": pl.Date,
    "last_day": pl.Date,
    "days": pl.Int64,
    "amount_minor": pl.Int64,
    "later_minor": pl.Int64,
}


def purchase_histories(
    warehouse: Warehouse, lines: Table, *, calendar: BusinessCalendar, as_of: date
) -> pl.DataFrame:
    """The columns of `customer_statistics` that the purchase and spend models read.

    Args:
        lines: table with the columns of the dataset `order_lines`, of this warehouse.
        calendar: the company's, by which instants have dates.
        as_of: what is seen: lines before the end of the date in the company's zone.

    Returns:
        One row a customer with any sale: `customer_id`, `first_day`, `last_day`, `days` (business
        dates with a sale), `amount_minor` (net of returns), `later_minor` (net of the first day);
        in no particular order.
    """
    seen = seen_before(lines, calendar.end_of_day(as_of))
    columns = seen.select("customer_id", "ordered_at", "amount_minor", is_sale=seen.kind == "sale")
    runs, loose = [], []
    for batch in warehouse.batches(columns, rows=_BATCH_ROWS):
        if batch.num_rows:
            found, cut = _runs_of(batch, calendar)
            runs.append(found)
            loose.append(cut)
    if not runs:
        return pl.DataFrame(schema=SCHEMA)
    runs.append(_grouped(pl.concat(loose)))
    once, joined, left = _told_apart(pl.concat(runs))
    parts = [once, joined]
    if len(left):
        again = columns.semi_join(ibis.memtable(left.to_arrow()), "customer_id")
        batches = warehouse.batches(again, rows=_BATCH_ROWS)
        parts.append(
            _grouped(pl.concat(_lines_of(batch, calendar) for batch in batches)).select(_FOUND)
        )
    return (
        pl.concat(parts)
        .filter(pl.col("days") > 0)
        .select(
            "customer_id",
            pl.from_epoch(pl.col("first"), time_unit="d").alias("first_day"),
            pl.from_epoch(pl.col("last"), time_unit="d").alias("last_day"),
            "days",
            "amount_minor",
            (pl.col("amount_minor") - pl.col("opening_minor")).alias("later_minor"),
        )
    )


def _lines_of(batch: Any, calendar: BusinessCalendar) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "customer_id": pl.from_arrow(batch.column(0)),
            "day": _business_days(batch.column(1).cast(pa.int64()).to_numpy(), calendar),
            "amount_minor": batch.column(2).to_numpy(),
            "sale": batch.column(3).to_numpy(zero_copy_only=False),
        }
    )


def _runs_of(batch: Any, calendar: BusinessCalendar) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row a run of lines of one customer; the lines themselves of runs that may be cut.

    A run may be cut at the ends of the batch, and where the order of customers begins anew.
    """
    customers = batch.column(0)
    dates = _business_days(batch.column(1).cast(pa.int64()).to_numpy(), calendar)
    amounts = batch.column(2).to_numpy()
    sales = batch.column(3).to_numpy(zero_copy_only=False)
    encoded = pc.run_end_encode(customers)
    ends = encoded.run_ends.to_numpy().astype(np.int64)
    starts = np.concatenate(([0], ends[:-1]))
    begins = np.concatenate(([True], dates[1:] != dates[:-1]))
    begins[starts] = True
    day = np.flatnonzero(begins)
    by_day = np.add.reduceat(amounts, day)
    shopped = np.logical_or.reduceat(sales, day)
    # of each run: its days are from `first` to before `last` among all days
    first = np.searchsorted(day, starts)
    last = np.append(first[1:], day.size)
    in_order = np.concatenate(([True], dates[day[1:]] > dates[day[:-1]]))
    in_order[first] = True
    counted = np.concatenate(([0], np.cumsum(shopped)))
    opening = _next_shopped(shopped, first)
    closing = _previous_shopped(shopped, last - 1)
    days = counted[last] - counted[first]
    cut = _may_be_cut(encoded.values)
    whose_lines = np.flatnonzero(np.repeat(cut, ends - starts))
    runs = pl.DataFrame(
        {
            "customer_id": pl.from_arrow(encoded.values),
            "first": np.where(days > 0, dates[day[np.minimum(opening, day.size - 1)]], 0),
            "last": np.where(days > 0, dates[day[closing]], 0),
            "days": days,
            "amount_minor": np.add.reduceat(amounts, starts),
            "opening_minor": np.where(days > 0, by_day[np.minimum(opening, day.size - 1)], 0),
            "earliest": dates[starts],
            "latest": dates[ends - 1],
            "in_order": np.logical_and.reduceat(in_order, first),
        }
    )
    return runs.filter(~cut), _lines_of(batch.take(pa.array(whose_lines)), calendar)


def _may_be_cut(customers: Any) -> NDArray[np.bool_]:
    cut = np.zeros(len(customers), dtype=np.bool_)
    cut[[0, -1]] = True
    anew = pc.less(customers.slice(1), customers.slice(0, len(customers) - 1))
    cut[1:] |= anew.to_numpy(zero_copy_only=False)
    cut[:-1] |= anew.to_numpy(zero_copy_only=False)
    return cut


def _next_shopped(shopped: NDArray[np.bool_], places: Whole) -> Whole:
    """The first place from each on at which there was a sale; the number of places if none."""
    where = np.where(shopped, np.arange(shopped.size), shopped.size)
    after: Whole = np.minimum.accumulate(where[::-1])[::-1]
    return after[places]


def _previous_shopped(shopped: NDArray[np.bool_], places: Whole) -> Whole:
    where = np.where(shopped, np.arange(shopped.size), 0)
    before: Whole = np.maximum.accumulate(where)
    return before[places]


def _business_days(instants: Whole, calendar: BusinessCalendar) -> Whole:
    """Days from 1970-01-01 to each instant's business date; instants in microseconds UTC."""
    low, high = (int(edge) // _DAY - 2 for edge in (instants.min(), instants.max()))
    edges = np.array(
        [
            _microseconds(calendar.start_of_day(_EPOCH + timedelta(days=day)))
            for day in range(low, high + 6)
        ]
    )
    # a zone is less than a day from UTC, so that one step either way is enough
    guess = instants // _DAY - low
    guess += instants >= edges[guess + 1]
    guess -= instants < edges[guess]
    days: Whole = guess + low
    return days


def _microseconds(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _told_apart(runs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Customers of one run; those of several, put together; the ids of whom that cannot be done."""
    repeated = pl.col("customer_id").is_duplicated()
    alone = (
        ~repeated & pl.col("in_order")
        if runs["customer_id"].n_unique() < len(runs)
        else (pl.col("in_order"))
    )
    once = runs.filter(alone).select(_FOUND)
    rest = runs.filter(~alone).sort("customer_id", "earliest", "latest")
    before = pl.col("latest").shift().over("customer_id")
    apart = (pl.col("earliest") > before).fill_null(True) & pl.col("in_order")
    rest = rest.with_columns(apart=apart.all().over("customer_id"))
    bought = pl.col("days") > 0
    joined = (
        rest.filter(pl.col("apart"))
        .group_by("customer_id", maintain_order=True)
        .agg(
            first=pl.col("first").filter(bought).min().fill_null(0),
            last=pl.col("last").filter(bought).max().fill_null(0),
            days=pl.col("days").sum(),
            amount_minor=pl.col("amount_minor").sum(),
            opening_minor=pl.col("opening_minor").filter(bought).first().fill_null(0),
        )
    )
    left = rest.filter(~pl.col("apart")).select(pl.col("customer_id").unique())
    return once, joined.select(_FOUND), left


def _grouped(lines: pl.DataFrame) -> pl.DataFrame:
    """The same as runs of customers whose lines may come in any order, by customer and date."""
    days = lines.group_by("customer_id", "day").agg(pl.col("amount_minor").sum(), pl.any("sale"))
    shopped = pl.col("day").filter(pl.col("sale"))
    opening = pl.col("amount_minor").filter(pl.col("sale") & (pl.col("day") == shopped.min()))
    return days.group_by("customer_id").agg(
        first=shopped.min().fill_null(0),
        last=shopped.max().fill_null(0),
        days=pl.col("sale").sum().cast(pl.Int64),
        amount_minor=pl.col("amount_minor").sum(),
        opening_minor=opening.sum(),
        earliest=pl.col("day").min(),
        latest=pl.col("day").max(),
        in_order=pl.lit(True),
    )
