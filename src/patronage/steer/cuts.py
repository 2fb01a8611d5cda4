"""Into which pieces does a quarter fall? One for each stretch that a customer spends unchanged.

A customer's period is cut at the end of a business day, wherever the customer changes hands, is
merged with another or parted again, and where the 90 days after a hand-over end: until then what
the customer does shows with both managers. A hand-over during a day counts from the end of the day
before, so that a day's purchases are the receiver's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

#: experience within this many days of a hand-over is shown to both managers
SHARED_DAYS: Final = 90
#: columns of a piece
PIECE: Final = (
    "customer_id",
    "history_id",
    "portfolio_id",
    "handed_from",
    "start_day",
    "end_day",
    "begins_as",
    "ends_as",
    "before_id",
    "joined_id",
    "left_id",
)
#: which of a customer's events at the end of one day comes first
_START, _MERGE, _HAND_OVER = 0, 1, 2
_EVENT: Final = {
    "customer_id": pl.String,
    "day": pl.Date,
    "rank": pl.Int32,
    "portfolio_id": pl.String,
    "shared": pl.String,
    "history_id": pl.String,
    "absent": pl.Boolean,
    "begins_as": pl.String,
    "joined_id": pl.String,
    "left_id": pl.String,
}
#: of an event: from here on the experience is no longer shared
_NOBODY: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Two customers turned out to be one from the end of a day on, perhaps only for a while."""

    day: date
    #: whose record goes on
    survivor: str
    #: whose record is part of it from then on
    absorbed: str
    #: under which the history of both together is kept
    history_id: str
    #: end of the day from which on they are two again; None: they still are one
    parted: date | None = None


def hand_overs(changes: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """The days on which customers came into another portfolio.

    Args:
        changes: `customer_id`, `day` at whose end the customer came into `portfolio_id`, and
            `starts_at`, when; any number of them a day: the last one counts.
        before: `customer_id`, `portfolio_id` before the first of these days.

    Returns:
        `customer_id`, `day`, `portfolio_id`, `handed_from`; who was in none before has no row.
    """
    last = changes.sort("customer_id", "starts_at").unique(["customer_id", "day"], keep="last")
    first = before.select("customer_id", "portfolio_id", day=pl.lit(None, pl.Date))
    both = pl.concat([first, last.select("customer_id", "portfolio_id", "day")])
    ordered = both.sort("customer_id", "day", nulls_last=False)
    moved = ordered.with_columns(handed_from=pl.col("portfolio_id").shift(1).over("customer_id"))
    return moved.filter(
        pl.col("day").is_not_null() & (pl.col("handed_from") != pl.col("portfolio_id"))
    ).select("customer_id", "day", "portfolio_id", "handed_from")


def pieces(
    customers: pl.DataFrame, moves: pl.DataFrame, merges: tuple[Merge, ...], *, until: date
) -> pl.DataFrame:
    """Cut every customer's period.

    Args:
        customers: `customer_id`, `start_day` (the opening, or the day of the first purchase
            since), `portfolio_id` at its end, `begins_as` and `ends_as` (words of
            `science.equity.levels`), one row a customer.
        moves: as of `hand_overs`, with those of the 90 days before the opening, whose experience
            is still shared.
        merges: what became of whom, each customer's one after the other.
        until: the closing.

    Returns:
        Columns `PIECE`, sorted by customer and time. `handed_from` is the portfolio that handed
        the customer over, while the experience is shared with it. Of a piece that begins handed,
        `before_id` is the history it had until then, `joined_id` the customer who became part of
        it and `left_id` the one who parted from it; else NULL.
    """
    starts = customers.select("customer_id", "portfolio_id", "begins_as", day="start_day")
    handed = moves.join(starts.select("customer_id", start="day"), on="customer_id")
    parts = (_starts(starts, handed), _inside(handed, until), _shared_ends(handed, until))
    events = pl.concat([*(_events(part) for part in parts), _events(_merged(merges, until))])
    following = pl.col("day").shift(-1).over("customer_id")
    cut = _filled(events).with_columns(
        start_day="day", end_day=following.fill_null(until), is_last=following.is_null()
    )
    return (
        cut.filter(~pl.col("absent"))
        .join(customers.select("customer_id", "ends_as"), on="customer_id", how="left")
        .with_columns(ends_as=pl.when("is_last").then("ends_as").otherwise(pl.lit("handed")))
        .select(PIECE)
    )


def _events(frame: pl.DataFrame) -> pl.DataFrame:
    """With every column of an event; what an event leaves as it is, is NULL."""
    missing = {name: kind for name, kind in _EVENT.items() if name not in frame.columns}
    whole = frame.with_columns(pl.lit(None, kind).alias(name) for name, kind in missing.items())
    return whole.select(pl.col(name).cast(kind) for name, kind in _EVENT.items())


def _starts(starts: pl.DataFrame, handed: pl.DataFrame) -> pl.DataFrame:
    """Where each period begins; shared with whoever handed the customer over not long before."""
    recent = handed.filter(
        (pl.col("day") < pl.col("start"))
        & (pl.col("day") + pl.duration(days=SHARED_DAYS) > pl.col("start"))
    )
    newest = recent.sort("day").group_by("customer_id").last()
    return starts.join(
        newest.select("customer_id", shared="handed_from"), on="customer_id", how="left"
    ).with_columns(
        pl.col("shared").fill_null(_NOBODY),
        rank=_START,
        history_id="customer_id",
        absent=False,
    )


def _inside(handed: pl.DataFrame, until: date) -> pl.DataFrame:
    """The hand-overs of the period."""
    found = handed.filter((pl.col("day") >= pl.col("start")) & (pl.col("day") < until))
    return found.rename({"handed_from": "shared"}).with_columns(rank=_HAND_OVER)


def _shared_ends(handed: pl.DataFrame, until: date) -> pl.DataFrame:
    """Where the 90 days after a hand-over end, unless another one came first."""
    after = pl.col("day") + pl.duration(days=SHARED_DAYS)
    following = pl.col("day").sort().shift(-1).over("customer_id", order_by="day")
    ended = handed.with_columns(after=after, following=following).filter(
        (pl.col("after") > pl.col("start"))
        & (pl.col("after") < until)
        & (pl.col("following").is_null() | (pl.col("following") > pl.col("after")))
    )
    return ended.select("customer_id", day="after", shared=pl.lit(_NOBODY), rank=pl.lit(_HAND_OVER))


def _merged(merges: tuple[Merge, ...], until: date) -> pl.DataFrame:
    """The absorbed customer's record rests, the survivor's history is that of both."""
    rows: list[dict[str, object]] = []
    for merge in merges:
        both = {"day": merge.day, "rank": _MERGE}
        rows.append(both | {"customer_id": merge.absorbed, "absent": True})
        joined = {"history_id": merge.history_id, "joined_id": merge.absorbed}
        rows.append(both | {"customer_id": merge.survivor} | joined)
        if merge.parted is not None and merge.parted < until:
            two = {"day": merge.parted, "rank": _MERGE}
            rows.append(two | {"customer_id": merge.absorbed, "absent": False})
            left = {"history_id": merge.survivor, "left_id": merge.absorbed}
            rows.append(two | {"customer_id": merge.survivor} | left)
    return pl.DataFrame(rows, schema={name: _EVENT[name] for name in _EVENT})


def _filled(events: pl.DataFrame) -> pl.DataFrame:
    """Every event with the state that it leads to."""
    ordered = events.sort("customer_id", "day", "rank", maintain_order=True)
    carried = ("portfolio_id", "shared", "history_id", "absent")
    state = ordered.with_columns(pl.col(carried).forward_fill().over("customer_id"))
    return state.with_columns(
        handed_from=pl.when(pl.col("shared") != _NOBODY).then("shared"),
        before_id=pl.col("history_id").shift(1).over("customer_id"),
        begins_as=pl.col("begins_as").fill_null("handed"),
    )


def for_pay(cut: pl.DataFrame) -> pl.DataFrame:
    """Put together what counts for one manager: a shared piece counts for who handed it over.

    Cut at a hand-over, what is expected of the rest of the quarter would be reckoned anew from what
    the giver knew that day. Uncut, a hand-over changes nobody's pay within its 90 days.

    Args:
        cut: as of `pieces`, a customer's in the order of time.

    Returns:
        Columns `PIECE`; `portfolio_id` is whom the piece counts for, `handed_from` NULL.
    """
    payer = pl.coalesce("handed_from", "portfolio_id")
    goes_on = (
        (pl.col("begins_as") == "handed")
        & (pl.col("before_id") == pl.col("history_id"))
        & pl.col("joined_id").is_null()
        & pl.col("left_id").is_null()
        & (pl.col("end_day").shift(1).over("customer_id") == pl.col("start_day"))
        & (payer.shift(1).over("customer_id") == payer)
    ).fill_null(False)
    return (
        cut.with_columns(stretch=(~goes_on).cum_sum(), portfolio_id=payer)
        .group_by("stretch", maintain_order=True)
        .agg(
            pl.col(
                "customer_id",
                "history_id",
                "portfolio_id",
                "start_day",
                "begins_as",
                "before_id",
                "joined_id",
                "left_id",
            ).first(),
            pl.col("end_day", "ends_as").last(),
            handed_from=pl.lit(None, pl.String),
        )
        .select(PIECE)
    )
