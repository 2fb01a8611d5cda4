"""Five views of the customer base: within a period, between two, one cohort, cohorts, the whole.

The views are those of Fader, Hardie and Ross (2022), "The Customer-Base Audit". All of them cut one
cube of customers and calendar quarters (`activity_of`), in the actor's scope; nothing walks over
customers. Money is in minor units of `currency`. Profit here is the margin of the profit and loss:
revenue net of returns, less the cost of goods and the cost to serve.

A customer is active in a quarter when they bought in it. A cohort is the quarter of the first
purchase; who was there when recording began belongs to none, since nobody knows when they came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import polars as pl

from patronage.access.errors import NotFound
from patronage.access.roles import Actor
from patronage.differentiate.reads.activity import Activity, activity_of
from patronage.differentiate.valuation.activity import quarter_of
from patronage.differentiate.valuation.effects import Effect, effects

#: customers ranked by profit are shown in so many groups of equal size
TENTHS: Final = 10
#: numbers of orders shown one by one; more come together
_MOST_ORDERS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What some customers did in one quarter."""

    #: who bought
    customers: int
    orders: int
    revenue_minor: int
    margin_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenth:
    """A tenth of the customers who bought, ranked by profit, the first the most profitable."""

    #: 1 to 10
    number: int
    totals: Totals
    #: of the profit of all, below 0 where this tenth costs; None where all together earn nothing
    share_of_margin: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersBin:
    """How many customers placed so many orders."""

    #: from how many on
    orders: int
    #: whether more orders than that are counted here too
    and_more: bool
    customers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithinPeriod:
    """View 1: how customers differ within one quarter."""

    as_of: date
    currency: str
    #: such as "2017-Q4"
    quarter: str
    totals: Totals
    tenths: tuple[Tenth, ...]
    #: by number of orders, ascending
    orders: tuple[OrdersBin, ...]
    #: customers who bought and yet cost more than they brought
    unprofitable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Customers who moved alike between two quarters."""

    #: "stayed" (bought in both), "lapsed" (in the first only), "new" (first purchase ever after
    #: the first quarter), "returned" (in the second only, and before the first quarter) or
    #: "silent" (in neither, and yet something was returned or had to be kept)
    name: str
    customers: int
    first_margin_minor: int
    second_margin_minor: int
    #: of these customers, how many earned more than in the first quarter
    grew: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BetweenPeriods:
    """View 2: what changed between two quarters, and through whom."""

    as_of: date
    currency: str
    first: str
    second: str
    first_totals: Totals
    second_totals: Totals
    movements: tuple[Movement, ...]
    #: the change of profit through customers, orders each, spend an order and margin; adds up
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortQuarter:
    """A cohort in one quarter of its life."""

    quarter: str
    #: 0 in the quarter of the first purchase
    age_quarters: int
    totals: Totals
    #: of the cohort's customers, who bought
    share_active: float
    #: profit since the first purchase
    cumulative_margin_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Customers whose first purchase fell in one quarter, and their life since."""

    #: such as "2017-Q1"; None: there when recording began
    cohort: str | None
    customers: int
    quarters: tuple[CohortQuarter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneCohort:
    """View 3: one cohort over time."""

    as_of: date
    currency: str
    cohort: Cohort


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortsCompared:
    """View 4: cohorts beside each other, at the same age."""

    as_of: date
    currency: str
    #: by quarter of the first purchase, the oldest first; without those there from the beginning
    cohorts: tuple[Cohort, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeBase:
    """View 5: the whole base, quarter by quarter, in layers of cohorts."""

    as_of: date
    currency: str
    #: in order
    quarters: tuple[str, ...]
    #: everybody, one a quarter
    totals: tuple[Totals, ...]
    #: those there from the beginning first (`cohort` None), then the oldest; their quarters'
    #: figures sum to `totals`
    cohorts: tuple[Cohort, ...]


def quarters_seen(actor: Actor, now: datetime, *, as_of: date | None = None) -> tuple[str, ...]:
    """The quarters that the views can be asked about, oldest first.

    Raises:
        NotAllowed, NotFound: as in `activity_of`; so does every view here.
    """
    return tuple(str(quarter_of(day)) for day in _quarters(activity_of(actor, now, as_of)))


def within_period(
    actor: Actor, now: datetime, *, quarter: str = "", as_of: date | None = None
) -> WithinPeriod:
    """View 1, of the newest quarter unless another is named.

    Raises:
        NotFound: there is no such quarter.
    """
    seen = activity_of(actor, now, as_of)
    day = _asked(seen, quarter)
    active = seen.cube.filter((pl.col("quarter") == day) & (pl.col("orders") > 0))
    whole = _totals(active)
    return WithinPeriod(
        as_of=seen.as_of,
        currency=seen.currency,
        quarter=str(quarter_of(day)),
        totals=whole,
        tenths=_tenths(active, whole.margin_minor),
        orders=_orders(active),
        unprofitable=active.filter(pl.col("margin_minor") < 0).height,
    )


def between_periods(
    actor: Actor, now: datetime, *, first: str = "", second: str = "", as_of: date | None = None
) -> BetweenPeriods:
    """View 2, of the newest quarter and the one before unless others are named.

    Raises:
        NotFound: there is no such quarter, or none before.
    """
    seen = activity_of(actor, now, as_of)
    later = _asked(seen, second)
    earlier = _asked(seen, first or str(quarter_of(later).previous))
    both = [seen.cube.filter(pl.col("quarter") == day) for day in (earlier, later)]
    totals = [_totals(part) for part in both]
    return BetweenPeriods(
        as_of=seen.as_of,
        currency=seen.currency,
        first=str(quarter_of(earlier)),
        second=str(quarter_of(later)),
        first_totals=totals[0],
        second_totals=totals[1],
        movements=_movements(seen.cube, earlier, *both),
        effects=effects(*totals),
    )


def one_cohort(
    actor: Actor, now: datetime, *, cohort: str = "", as_of: date | None = None
) -> OneCohort:
    """View 3, of the oldest cohort unless another is named.

    Raises:
        NotFound: nobody bought for the first time in that quarter, or in any.
    """
    seen = activity_of(actor, now, as_of)
    dated = [each for each in _cohorts(seen.cube) if each.cohort is not None]
    chosen = next((each for each in dated if cohort in ("", each.cohort)), None)
    if chosen is None:
        raise NotFound(noun="cohort", id=cohort or "any")
    return OneCohort(as_of=seen.as_of, currency=seen.currency, cohort=chosen)


def cohorts_compared(actor: Actor, now: datetime, *, as_of: date | None = None) -> CohortsCompared:
    """View 4: read its cohorts' quarters by `age_quarters`."""
    seen = activity_of(actor, now, as_of)
    dated = tuple(each for each in _cohorts(seen.cube) if each.cohort is not None)
    return CohortsCompared(as_of=seen.as_of, currency=seen.currency, cohorts=dated)


def whole_base(actor: Actor, now: datetime, *, as_of: date | None = None) -> WholeBase:
    """View 5."""
    seen = activity_of(actor, now, as_of)
    summed = _summed(seen.cube, "quarter").sort("quarter").to_dicts()
    return WholeBase(
        as_of=seen.as_of,
        currency=seen.currency,
        quarters=tuple(str(quarter_of(row["quarter"])) for row in summed),
        totals=tuple(_of(row) for row in summed),
        cohorts=_cohorts(seen.cube),
    )


def _quarters(seen: Activity) -> list[date]:
    return sorted(seen.cube["quarter"].unique().to_list())


def _asked(seen: Activity, named: str) -> date:
    """First day of the quarter with this name; the newest without one."""
    days = _quarters(seen)
    chosen = days[-1:] if not named else [day for day in days if str(quarter_of(day)) == named]
    if not chosen:
        raise NotFound(noun="quarter with purchases", id=named or "any")
    return chosen[0]


_SUMS: Final = (
    (pl.col("orders") > 0).sum().alias("customers"),
    pl.col("orders").sum(),
    pl.col("revenue_minor").sum(),
    pl.col("margin_minor").sum(),
)


def _summed(rows: pl.DataFrame, *keys: str) -> pl.DataFrame:
    return rows.group_by(*keys).agg(*_SUMS)


def _totals(rows: pl.DataFrame) -> Totals:
    return _of(rows.select(*_SUMS).to_dicts()[0])


def _of(row: dict[str, Any]) -> Totals:
    return Totals(
        customers=row["customers"],
        orders=row["orders"],
        revenue_minor=row["revenue_minor"],
        margin_minor=row["margin_minor"],
    )


def _tenths(active: pl.DataFrame, margin_minor: int) -> tuple[Tenth, ...]:
    """Equal numbers of customers by rank; equal profits are ranked by id."""
    ranked = active.sort(["margin_minor", "customer_id"], descending=[True, False])
    placed = ranked.with_row_index("rank").with_columns(
        tenth=(pl.col("rank").cast(pl.Int64) * TENTHS // max(len(ranked), 1)) + 1
    )
    return tuple(
        Tenth(
            number=row["tenth"],
            totals=_of(row),
            share_of_margin=row["margin_minor"] / margin_minor if margin_minor > 0 else None,
        )
        for row in _summed(placed, "tenth").sort("tenth").to_dicts()
    )


def _orders(active: pl.DataFrame) -> tuple[OrdersBin, ...]:
    counted = active.group_by(pl.col("orders").clip(upper_bound=_MOST_ORDERS)).len()
    by_orders = dict(counted.iter_rows())
    return tuple(
        OrdersBin(orders=n, and_more=n == _MOST_ORDERS, customers=by_orders.get(n, 0))
        for n in range(1, _MOST_ORDERS + 1)
    )


def _movements(
    cube: pl.DataFrame, earlier: date, before: pl.DataFrame, after: pl.DataFrame
) -> tuple[Movement, ...]:
    """Who bought in either quarter, by whether they bought in the other one."""
    columns = ("customer_id", "orders", "margin_minor")
    both = before.select(columns).join(
        after.select(columns), on="customer_id", how="full", coalesce=True, suffix="_after"
    )
    first = (
        cube.filter(pl.col("orders") > 0).group_by("customer_id").agg(came=pl.col("quarter").min())
    )
    moved = both.join(first, on="customer_id").with_columns(
        pl.col("orders", "margin_minor", "orders_after", "margin_minor_after").fill_null(0)
    )
    was, is_ = pl.col("orders") > 0, pl.col("orders_after") > 0
    name = (
        pl.when(was & is_).then(pl.lit("stayed"))
        .when(was).then(pl.lit("lapsed"))
        .when(is_ & (pl.col("came") > earlier)).then(pl.lit("new"))
        .when(is_).then(pl.lit("returned"))
        .otherwise(pl.lit("silent"))
    )  # fmt: skip
    rows = moved.group_by(name.alias("name")).agg(
        customers=pl.len(),
        first_margin_minor=pl.col("margin_minor").sum(),
        second_margin_minor=pl.col("margin_minor_after").sum(),
        grew=(pl.col("margin_minor_after") > pl.col("margin_minor")).sum(),
    )
    found = {row["name"]: row for row in rows.to_dicts()}
    return tuple(Movement(**found[each]) for each in _MOVEMENTS if each in found)


_MOVEMENTS: Final = ("stayed", "lapsed", "new", "returned", "silent")


def _cohorts(cube: pl.DataFrame) -> tuple[Cohort, ...]:
    """Every cohort, those there from the beginning first."""
    sizes = dict(cube.group_by("cohort").agg(pl.col("customer_id").n_unique()).iter_rows())
    rows = _summed(cube, "cohort", "quarter").sort("cohort", "quarter", nulls_last=False)
    parts = rows.partition_by("cohort", maintain_order=True)
    return tuple(_cohort(part.to_dicts(), sizes[part["cohort"][0]]) for part in parts)


def _cohort(rows: Sequence[dict[str, Any]], customers: int) -> Cohort:
    quarters, earned = [], 0
    for age, row in enumerate(rows):
        earned += row["margin_minor"]
        quarters.append(
            CohortQuarter(
                quarter=str(quarter_of(row["quarter"])),
                age_quarters=age,
                totals=_of(row),
                share_active=row["customers"] / customers,
                cumulative_margin_minor=earned,
            )
        )
    came = rows[0]["cohort"]
    name = None if came is None else str(quarter_of(came))
    return Cohort(cohort=name, customers=customers, quarters=tuple(quarters))
