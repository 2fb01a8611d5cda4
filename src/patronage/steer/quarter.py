"""Who is in a quarter's bridge, from when on, and in whose hands?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl
from django.db.models import QuerySet

from patronage.differentiate import reads as valuations
from patronage.govern.reads import memberships_at, memberships_between
from patronage.identify.models import Consent, Customer
from patronage.steer.cuts import PIECE, SHARED_DAYS, Merge, hand_overs
from patronage.steer.errors import InNoPortfolio
from patronage.steer.inputs import Runs, closing_portfolios, previous_statement

_NAMED: Final = 3
_INSTANT: Final = timedelta(microseconds=1)


def held(runs: Runs) -> pl.DataFrame:
    """`customer_id` and `portfolio_id` at the closing: what began before the date ended counts."""
    return memberships_at(runs.calendar.end_of_day(runs.closing.as_of))


def everybody(runs: Runs, ends: pl.DataFrame) -> pl.DataFrame:
    """What a quarter's bridge begins and ends with, for everybody valued at either date.

    Args:
        ends: as of `Replay.ends`.

    Returns:
        The rows, with `opening_minor` and `closing_minor` 0 where not valued, `is_panel`, and
        `is_gone`: valued at the opening and not at the closing, being erased or
        having objected to being profiled.
    """
    panel = _ids(Customer.objects.filter(entry="panel"))
    gone = _gone(runs)
    return ends.with_columns(
        is_panel=pl.col("customer_id").is_in(panel.implode()),
        is_gone=pl.col("opening_minor").is_not_null()
        & pl.col("closing_minor").is_null()
        & pl.col("customer_id").is_in(gone.implode()),
    ).with_columns(pl.col("opening_minor", "closing_minor").fill_null(0))


def first_ends(runs: Runs) -> pl.DataFrame:
    """The customers of a first statement, as `Replay.ends` gives them; no model is replayed."""
    return valuations.valuations(runs.closing).select(
        "customer_id",
        frozen=pl.lit(None, pl.Float64),
        latest=pl.col("value_minor").cast(pl.Float64),
        opening_minor=pl.lit(None, pl.Int64),
        closing_minor="value_minor",
        first_day=pl.lit(None, pl.Date),
        known_at_opening=pl.lit(False),
    )


def _gone(runs: Runs) -> pl.Series:
    """Customers who were erased, or whose newest word by the closing is that they object."""
    end = runs.calendar.end_of_day(runs.closing.as_of)
    said = Consent.objects.filter(purpose="profiling", valid_from__lt=end)
    rows = said.order_by("valid_from", "recorded_at").values_list("customer_id", "state")
    words = pl.DataFrame(
        list(rows), schema={"customer_id": pl.String, "state": pl.String}, orient="row"
    )
    newest = words.group_by("customer_id", maintain_order=True).last()
    objecting = newest.filter(state="withdrawn")["customer_id"]
    return pl.concat([_ids(Customer.objects.filter(erased_at__isnull=False)), objecting]).unique()


def _ids(customers: QuerySet[Customer]) -> pl.Series:
    return pl.Series(list(customers.values_list("id", flat=True)), dtype=pl.String)


def merges(runs: Runs) -> tuple[Merge, ...]:  # noqa: ARG001  (profiles are not merged yet)
    """Who became one customer in the quarter: nobody, as long as profiles cannot be merged."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Changes:
    """Who was in which portfolio, from 90 days before the quarter on."""

    #: `customer_id`, `portfolio_id` at the end of the opening's date, as stated where it is
    at_opening: pl.DataFrame
    #: as of `cuts.hand_overs`
    moves: pl.DataFrame
    #: `customer_id`, `day`, `portfolio_id`, `starts_at` of every membership that began
    began: pl.DataFrame


def changes(runs: Runs, opening_day: date) -> Changes:
    """Read who changed hands, at the ends of business days.

    Where the quarter before is stated its word holds: a hand-over that was dated back into it
    since shows at the opening.
    """
    calendar = runs.calendar
    first = calendar.end_of_day(opening_day - timedelta(days=SHARED_DAYS))
    before = memberships_at(first)
    day = pl.col("starts_at").dt.convert_time_zone(calendar.time_zone).dt.date()
    began = memberships_between(first, calendar.end_of_day(runs.closing.as_of)).with_columns(
        day=day - pl.duration(days=1)
    )
    early, late = (
        began.filter(each) for each in (pl.col("day") < opening_day, pl.col("day") >= opening_day)
    )
    known = portfolios_at(early, before, opening_day)
    previous = previous_statement(runs)
    stated = known.clear() if previous is None else closing_portfolios(previous)
    moved = stated.join(known, on=["customer_id", "portfolio_id"], how="anti")
    dated_back = known.join(moved, on="customer_id", how="semi").with_columns(
        day=pl.lit(opening_day), starts_at=pl.lit(calendar.end_of_day(opening_day) - _INSTANT)
    )
    at_opening = pl.concat([moved, known.join(moved, on="customer_id", how="anti")])
    moves = pl.concat(
        [
            hand_overs(early.join(moved, on="customer_id", how="anti"), before),
            hand_overs(pl.concat([late, dated_back], how="diagonal_relaxed"), at_opening),
        ]
    )
    return Changes(at_opening=at_opening, moves=moves, began=began)


def portfolios_at(began: pl.DataFrame, before: pl.DataFrame, day: date) -> pl.DataFrame:
    """`customer_id` and `portfolio_id` at the end of a day: who began in one by then is in it."""
    newest = (
        began.filter(pl.col("day") < day)
        .sort("customer_id", "starts_at")
        .unique("customer_id", keep="last")
        .select("customer_id", "portfolio_id")
    )
    return pl.concat([newest, before.join(newest, on="customer_id", how="anti")])


def periods(
    people: pl.DataFrame, changed: Changes, opening_day: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """From when on is each customer bridged, and how do they come in and go?

    Args:
        people: as of `everybody`.

    Returns:
        Customers as `cuts.pieces` asks for them, and pieces without a duration: customers whose
        history up to the opening was taken back since. Their opening is corrected away, whatever
        they bought later.

    Raises:
        InNoPortfolio: somebody with a value was in none.
    """
    opened = pl.col("frozen").is_not_null()
    stays = opened & (pl.col("known_at_opening") | pl.col("is_gone"))
    late = pl.col("first_day") > opening_day
    kind = (
        pl.when(stays)
        .then(pl.lit("opening"))
        .when(~late)
        .then(pl.lit("nothing"))
        .when("is_panel")
        .then(pl.lit("panel"))
        .otherwise(pl.lit("new"))
    )
    began = people.filter(stays | pl.col("first_day").is_not_null()).select(
        "customer_id",
        "opening_minor",
        begins_as=kind,
        ends_as=pl.when("is_gone").then(pl.lit("erased")).otherwise(pl.lit("closing")),
        start_day=pl.when(late & ~stays).then("first_day").otherwise(opening_day),
    )
    known = began.join(changed.at_opening, on="customer_id", how="left")
    placed = _placed(known, changed)
    taken_back = people.filter(opened & ~stays)
    taken_back = taken_back.join(changed.at_opening, on="customer_id", how="left")
    require_portfolios(pl.concat([placed, taken_back], how="diagonal"), opening_day)
    return placed, taken_back.select(
        "customer_id",
        "portfolio_id",
        history_id="customer_id",
        handed_from=pl.lit(None, pl.String),
        start_day=pl.lit(opening_day),
        end_day=pl.lit(opening_day),
        begins_as=pl.lit("opening"),
        ends_as=pl.lit("handed"),
        before_id=pl.lit(None, pl.String),
        joined_id=pl.lit(None, pl.String),
        left_id=pl.lit(None, pl.String),
    ).select(PIECE)


def _placed(known: pl.DataFrame, changed: Changes) -> pl.DataFrame:
    """Who comes in later is placed where they were at the end of that day, else where they went."""
    came = known.select("customer_id", "start_day").join(changed.began, on="customer_id")
    by_then = (
        came.filter(pl.col("day") < pl.col("start_day"))
        .sort("customer_id", "starts_at")
        .unique("customer_id", keep="last")
        .select("customer_id", then="portfolio_id")
    )
    later = (
        came.filter(pl.col("day") >= pl.col("start_day"))
        .sort("customer_id", "starts_at")
        .unique("customer_id", keep="first")
        .select("customer_id", later="portfolio_id")
    )
    placed = known.join(by_then, on="customer_id", how="left").join(
        later, on="customer_id", how="left"
    )
    late = pl.col("begins_as").is_in(["new", "panel"])
    there = pl.when(late).then(pl.coalesce("then", "portfolio_id")).otherwise("portfolio_id")
    answered = there.is_not_null() | (pl.col("opening_minor") == 0)
    return placed.with_columns(
        portfolio_id=pl.when(answered).then(pl.coalesce(there, "later"))
    ).drop("then", "later")


def require_portfolios(placed: pl.DataFrame, end: date) -> None:
    """Refuse customers whom nobody answers for.

    Raises:
        InNoPortfolio: some are in none.
    """
    homeless = placed.filter(pl.col("portfolio_id").is_null())["customer_id"]
    if len(homeless):
        raise InNoPortfolio(
            customer_ids=homeless.sort().head(_NAMED).to_list(), count=len(homeless), end=end
        )
