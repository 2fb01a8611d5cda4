"""What do order lines kept in order say of each customer? The query's answer, in one pass.

The warehouse keeps order lines sorted by customer, instant and order, so that a customer's lines
follow one another: a line that has another customer, date or order than the one before begins
another run, and no line has to be looked up. A customer whose lines are in several files has
several runs, which are put together. Whose runs touch or overlap in time, or whose orders of one
day are not told apart by their neighbours, is asked of the grouped query instead: those customers
alone are read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

import ibis
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from patronage.differentiate.valuation import history
from patronage.differentiate.valuation.history import (
    ORDERS_WINDOW_DAYS,
    SUMMED,
    Horizon,
    bought,
    catalogue,
    customer_days,
    measured_lines,
    with_service,
)
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar
from patronage.warehouse import Warehouse
from patronage.warehouse.untyped import Table

Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

_DAY: Final = 86_400_000_000
_EPOCH: Final = date(1970, 1, 1)
#: baskets a day from which on an order may come back after another
_BASKETS_TO_COMPARE: Final = 3
#: the order in which lines are kept
_SORTED_BY: Final = ("customer_id", "ordered_at", "order_id")
#: so many times at most does the order begin anew in a batch for where groups of rows end
_FEW_BREAKS: Final = 4
#: sums of the period alone
_OF_THE_PERIOD: Final = ("sales_minor", "returns_minor", "discounts_minor")
#: where a run lies in time, and whether it can be used
_PLACE: Final = ("earliest", "latest", "is_sound")
#: what the purchase and spend models read, and lines that are refused
MODELLED: Final = (
    "customer_id",
    "first_day",
    "last_day",
    "days",
    "amount_minor",
    "later_minor",
    "other_currency_lines",
)


def purchase_histories(
    warehouse: Warehouse, lines: Table, products: Table, *, company: Company, horizon: Horizon
) -> pl.DataFrame:
    """The columns `MODELLED` of `customer_statistics`; arguments alike, rows in no order.

    Products are read only for customers whom the query is asked of.
    """
    seen = history.seen_before(lines, BusinessCalendar(company.time_zone).end_of_day(horizon.as_of))
    measured = seen.select(
        "customer_id",
        "ordered_at",
        "amount_minor",
        sale_lines=seen.kind == "sale",
        other_currency_lines=seen.currency != company.currency,
    )
    return _in_order(warehouse, measured, lines, products, company, horizon).select(MODELLED)


def statistics_in_order(
    warehouse: Warehouse,
    lines: Table,
    products: Table,
    *,
    company: Company,
    horizon: Horizon,
    served: Table | None,
) -> pl.DataFrame:
    """The rows of `customer_statistics`, in no order; arguments alike."""
    seen = history.seen_before(lines, BusinessCalendar(company.time_zone).end_of_day(horizon.as_of))
    measured = measured_lines(seen, catalogue(products, company), company)
    found = _in_order(warehouse, measured, lines, products, company, horizon)
    return warehouse.polars(with_service(ibis.memtable(found.to_arrow()), served, horizon))


def _in_order(
    warehouse: Warehouse,
    measured: Table,
    lines: Table,
    products: Table,
    company: Company,
    horizon: Horizon,
) -> pl.DataFrame:
    """The columns of `bought` that can be told of the measured lines, and those alone."""

    def query(theirs: Table) -> Table:
        days = customer_days(theirs, products, company=company, as_of=horizon.as_of)
        return bought(days, horizon)

    calendar = BusinessCalendar(company.time_zone)
    batches = warehouse.batches(measured)
    runs = [_runs_of(batch, calendar, horizon) for batch in _whole_runs(batches)]
    if not runs:
        return warehouse.polars(query(lines))
    found, left = _put_together(pl.concat(runs))
    if not len(left):
        return found
    theirs = lines.semi_join(ibis.memtable(left.to_arrow()), "customer_id")
    asked = warehouse.polars(query(theirs).select(found.columns))
    return pl.concat([found, asked.cast(found.schema)])


def _whole_runs(batches: Iterable[Any]) -> Iterator[Any]:
    """The same rows so that no batch ends within a customer's lines: the ends come last, sorted."""
    ends: list[Any] = []
    for found in batches:
        if not found.num_rows:
            continue
        batch = _in_order_kept(found)
        customers = batch.column("customer_id")
        changes = pc.not_equal(customers.slice(1), customers.slice(0, len(customers) - 1))
        places = np.flatnonzero(changes.to_numpy(zero_copy_only=False)) + 1
        rows = len(customers)
        first, last = (int(places[0]), int(places[-1])) if places.size else (rows, rows)
        # taken, not sliced: a slice would hold all of the batch
        ends.append(batch.take(pa.array([*range(first), *range(last, rows)], type=pa.int64())))
        if last > first:
            yield batch.slice(first, last - first)
    if ends:
        yield _sorted(pa.concat_batches(ends))


def _in_order_kept(batch: Any) -> Any:
    """The batch as it is kept: a join gives lines of unknown products after others near them."""
    customers = batch.column("customer_id")
    before, after = customers.slice(0, len(customers) - 1), customers.slice(1)
    at = batch.column("ordered_at").cast(pa.int64()).to_numpy()
    breaks = pc.less(after, before).to_numpy(zero_copy_only=False)
    back = np.flatnonzero(at[1:] < at[:-1])
    back = back[pc.equal(after.take(back), before.take(back)).to_numpy(zero_copy_only=False)]
    if back.size or np.count_nonzero(breaks) > _FEW_BREAKS:
        return _sorted(batch)
    return batch


def _sorted(batch: Any) -> Any:
    keys = [(key, "ascending") for key in _SORTED_BY if key in batch.schema.names]
    return batch.take(pc.sort_indices(batch, sort_keys=keys))


class _Runs(NamedTuple):
    """Where runs begin, and before which row they end; arrays of shape (runs,)."""

    starts: Whole
    ends: Whole

    def sums(self, values: NDArray[Any]) -> Whole:
        """Of each run, the sum of values of shape (rows,)."""
        return self.between(_running(values))

    def between(self, running: Whole, last: Whole | None = None) -> Whole:
        """Of each run, by how much the running sum grows, over the last so many rows if given."""
        since = self.starts if last is None else self.ends - last
        grown: Whole = running[self.ends] - running[since]
        return grown

    def at(self, places: Whole) -> _Runs:
        """Some of the runs."""
        return _Runs(self.starts[places], self.ends[places])


class _Days(NamedTuple):
    """The days of all customers in the order of the lines; arrays of shape (days,)."""

    #: since 1970-01-01
    dates: Whole
    #: the day's lines
    lines: _Runs
    #: orders with a sale; where orders are not read, 1 if there was a sale
    baskets: Whole
    #: whether each order's lines are next to one another
    are_told_apart: Flags
    #: each customer's days, shape (customers,)
    customers: _Runs


def _runs_of(batch: Any, calendar: BusinessCalendar, horizon: Horizon) -> pl.DataFrame:
    """One row a run of lines of one customer: what `bought` tells, and the run's place in time.

    `opening_minor` is the net amount of the first day with a sale; `is_sound` whether days follow
    one another and orders of a day are told apart, without which the rest is not to be used.
    """
    encoded = pc.run_end_encode(batch.column("customer_id"))
    ends = encoded.run_ends.to_numpy().astype(np.int64)
    lines = _Runs(np.concatenate(([0], ends[:-1])), ends)
    dates = _business_days(batch.column("ordered_at").cast(pa.int64()).to_numpy(), calendar)
    days = _days_of(batch, dates, lines)
    opening, visits = _visits(days, horizon)
    inside = lines.sums(dates >= _day_of(horizon.period_start))
    follows = np.concatenate(([True], days.dates[1:] > days.dates[:-1]))
    follows[days.customers.starts] = True
    return pl.DataFrame(
        {
            "customer_id": pl.from_arrow(encoded.values),
            **visits,
            **_amounts(batch, lines, inside, days.lines.at(opening)),
            "earliest": dates[lines.starts],
            "latest": dates[lines.ends - 1],
            "is_sound": days.customers.sums(~(follows & days.are_told_apart)) == 0,
        }
    )


def _days_of(batch: Any, dates: Whole, lines: _Runs) -> _Days:
    begins = np.concatenate(([True], dates[1:] != dates[:-1]))
    begins[lines.starts] = True
    starts = np.flatnonzero(begins)
    sale = batch.column("sale_lines").to_numpy(zero_copy_only=False) != 0
    if "order_id" in batch.schema.names:
        baskets, told_apart = _baskets_of(batch.column("order_id"), sale, begins, starts)
    else:
        baskets = np.logical_or.reduceat(sale, starts).astype(np.int64)
        told_apart = np.ones(starts.size, dtype=np.bool_)
    first = np.searchsorted(starts, lines.starts)
    return _Days(
        dates=dates[starts],
        lines=_Runs(starts, np.append(starts[1:], dates.size)),
        baskets=baskets,
        are_told_apart=told_apart,
        customers=_Runs(first, np.append(first[1:], starts.size)),
    )


def _baskets_of(orders: Any, sale: Flags, begins: Flags, days: Whole) -> tuple[Whole, Flags]:
    """Orders with a sale on each day, and whether each order's lines of the day are together."""
    anew = pc.not_equal(orders.slice(1), orders.slice(0, len(orders) - 1))
    baskets = np.flatnonzero(begins | np.append(True, anew.to_numpy(zero_copy_only=False)))
    first = np.searchsorted(baskets, days)
    bought = np.add.reduceat(np.logical_or.reduceat(sale, baskets).astype(np.int64), first)
    count = np.diff(np.append(first, baskets.size))
    day = np.repeat(np.arange(days.size), count)
    compared = np.flatnonzero(count[day] >= _BASKETS_TO_COMPARE)
    theirs = pl.Series(values=orders.take(pa.array(baskets[compared])))
    again = pl.DataFrame({"day": day[compared], "order": theirs}).is_duplicated().to_numpy()
    told_apart = np.ones(days.size, dtype=np.bool_)
    told_apart[day[compared[again]]] = False
    return bought, told_apart


def _visits(days: _Days, horizon: Horizon) -> tuple[Whole, dict[str, NDArray[Any]]]:
    """The first day with a sale of each customer, by its place; when and how often they shopped."""
    shopped, customers = days.baskets > 0, days.customers
    visits, baskets = _running(shopped), _running(days.baskets)
    places = np.append(np.flatnonzero(shopped), 0)
    opening, closing = places[visits[customers.starts]], places[visits[customers.ends] - 1]
    inside = customers.sums(days.dates >= _day_of(horizon.period_start))
    recent = customers.sums(days.dates > _day_of(horizon.as_of) - ORDERS_WINDOW_DAYS)
    return opening, {
        "first_day": days.dates[opening],
        "last_day": days.dates[closing],
        "days": customers.between(visits),
        "baskets": customers.between(baskets),
        "orders_90d": customers.between(baskets, recent),
        "period_baskets": customers.between(baskets, inside),
        "period_visits": customers.between(visits, inside),
    }


def _amounts(batch: Any, lines: _Runs, inside: Whole, opening: _Runs) -> dict[str, Whole]:
    """What lines add up to: of the customer, of the last ones inside the period, of the opening."""
    running = {
        name: _running(batch.column(name).to_numpy(zero_copy_only=False))
        for name in batch.schema.names
        if name.endswith(SUMMED) and name != "sale_lines"
    }
    in_period = {name: running.pop(name) for name in _OF_THE_PERIOD if name in running}
    if in_period:
        running["amount_minor"] = in_period["sales_minor"] + in_period["returns_minor"]
        in_period["period_cost_parts"] = running["cost_parts"]
    return {
        **{name: lines.between(values) for name, values in running.items()},
        **{name: lines.between(values, inside) for name, values in in_period.items()},
        "opening_minor": opening.between(running["amount_minor"]),
    }


def _put_together(runs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each customer of runs that are sound and apart, as `bought` has it; the ids of the others."""
    alone = pl.col("is_sound")
    if runs["customer_id"].n_unique() < len(runs):
        alone &= ~pl.col("customer_id").is_duplicated()
    once = runs.filter(alone)
    rest = runs.filter(~alone).sort("customer_id", "earliest", "latest")
    before = pl.col("latest").shift().over("customer_id")
    apart = (pl.col("earliest") > before).fill_null(True) & pl.col("is_sound")
    rest = rest.with_columns(apart=apart.all().over("customer_id"))
    shopped = pl.col("days") > 0
    joined = (
        rest.filter(pl.col("apart"))
        .group_by("customer_id", maintain_order=True)
        .agg(
            pl.exclude("first_day", "last_day", "opening_minor", *_PLACE).sum(),
            pl.col("first_day").filter(shopped).min().fill_null(0),
            pl.col("last_day").filter(shopped).max().fill_null(0),
            pl.col("opening_minor").filter(shopped).first().fill_null(0),
        )
    )
    left = rest.filter(~pl.col("apart")).select(pl.col("customer_id").unique())
    told = pl.concat([once.drop(_PLACE), joined.select(once.drop(_PLACE).columns)])
    return told.select(
        pl.exclude("first_day", "last_day", "opening_minor"),
        *(
            pl.when(shopped).then(pl.from_epoch(name, time_unit="d")).alias(name)
            for name in ("first_day", "last_day")
        ),
        later_minor=pl.col("amount_minor") - pl.when(shopped).then("opening_minor").otherwise(0),
    ), left


def _running(values: NDArray[Any]) -> Whole:
    """The sums of the first 0, 1, ... values."""
    return np.concatenate(([0], np.cumsum(values, dtype=np.int64)))


def _day_of(day: date) -> int:
    return (day - _EPOCH).days


def _business_days(instants: Whole, calendar: BusinessCalendar) -> Whole:
    """Days from 1970-01-01 to each instant's business date; instants in microseconds UTC."""
    years = (
        (instants[[instants.argmin(), instants.argmax()]] // _DAY).astype("M8[D]").astype("M8[Y]")
    )
    first, last = (int(year) + _EPOCH.year for year in years.astype(np.int64))
    edges = np.concatenate([_midnights(calendar, year) for year in range(first - 1, last + 2)])
    low = _day_of(date(first - 1, 1, 1))
    # a zone is less than a day from UTC, so that one step either way is enough
    guess = instants // _DAY - low
    guess += instants >= edges[guess + 1]
    guess -= instants < edges[guess]
    days: Whole = guess + low
    return days


@lru_cache(maxsize=256)
def _midnights(calendar: BusinessCalendar, year: int) -> Whole:
    """When each date of the year begins, in microseconds UTC."""
    low, high = _day_of(date(year, 1, 1)), _day_of(date(year + 1, 1, 1))
    starts = (calendar.start_of_day(_EPOCH + timedelta(days=day)) for day in range(low, high))
    return np.array([_microseconds(start) for start in starts])


def _microseconds(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
