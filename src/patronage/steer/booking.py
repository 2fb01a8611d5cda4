"""What does each piece of a quarter begin and end with, and what moved it on the way?"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from patronage.differentiate.valuation.pieces import LEVELS, View, levels_of, worth_at
from patronage.science.equity import Levels, bridge
from patronage.steer.models import LINES

#: amounts of a piece that begins at the opening, or ends with the closing; minor units
_ENDS: Final = ("old_model", "new_model", "corrected", "frozen")


def days_of(pieces: pl.DataFrame) -> pl.DataFrame:
    """Every history and day that the pieces are valued at: `history_id`, `day`."""
    asked = (
        ("history_id", "start_day"),
        ("history_id", "end_day"),
        ("before_id", "start_day"),
        ("joined_id", "start_day"),
        ("left_id", "start_day"),
    )
    found = pl.concat(
        pieces.select(pl.col(who).alias("history_id"), pl.col(when).alias("day"))
        for who, when in asked
    )
    return found.drop_nulls().unique().sort("history_id", "day")


def booked(
    pieces: pl.DataFrame, points: pl.DataFrame, view: View, ends: pl.DataFrame
) -> pl.DataFrame:
    """Add what `science.equity.Levels` asks for.

    Args:
        pieces: as of `cuts.pieces`.
        points: as of `Replay.points`, for `days_of` the pieces.
        view: the opening's.
        ends: as of `Replay.ends`, with `opening_minor` and `closing_minor` as booked, whole.

    Returns:
        The pieces with a column for every level; where nothing is known on a day, it is worth 0.
    """
    worth = worth_at(points, view).select("history_id", "day", "worth")
    valued = pieces
    for name, who, when in (
        ("at_start", "history_id", "start_day"),
        ("at_end", "history_id", "end_day"),
        ("before", "before_id", "start_day"),
        ("joined", "joined_id", "start_day"),
        ("left", "left_id", "start_day"),
    ):
        there = worth.rename({"history_id": who, "day": when, "worth": name})
        valued = valued.join(there, on=[who, when], how="left")
    amounts = ("at_start", "at_end", "before", "joined", "left")
    valued = valued.with_columns(pl.col(amounts).fill_null(0.0))
    at_ends = ends.select("customer_id", "frozen", "latest", "opening_minor", "closing_minor")
    known = valued.join(at_ends, on="customer_id", how="left").with_columns(
        pl.col("frozen", "latest").fill_null(0.0),
        pl.col("opening_minor", "closing_minor").fill_null(0),
    )
    return levels_of(known.with_columns(_begins(), _received(), _ends(), *_models()), points, view)


def _begins() -> pl.Expr:
    kind = pl.col("begins_as")
    return (
        pl.when(kind == "opening")
        .then("opening_minor")
        .when(kind == "nothing")
        .then(0)
        .otherwise(_whole("at_start"))
        .alias("begins")
    )


def _received() -> pl.Expr:
    handed = _whole("before") + _whole("joined") - _whole("left")
    return pl.when(pl.col("begins_as") == "handed").then(handed).otherwise(0).alias("received")


def _ends() -> pl.Expr:
    kind = pl.col("ends_as")
    return (
        pl.when(kind == "closing")
        .then("closing_minor")
        .when(kind == "erased")
        .then("opening_minor")
        .otherwise(_whole("at_end"))
        .alias("ends")
    )


def _models() -> list[pl.Expr]:
    """The opening on both histories, the closing under both models; 0 elsewhere."""
    kept = pl.col("ends_as") != "erased"
    first = kept & pl.col("begins_as").is_in(["opening", "nothing"])
    opened = kept & (pl.col("begins_as") == "opening")
    last = pl.col("ends_as") == "closing"
    return [
        pl.when(first).then("at_start").otherwise(0.0).alias("corrected"),
        pl.when(opened).then("frozen").otherwise(0.0).alias("frozen"),
        pl.when(last).then("at_end").otherwise(0.0).alias("old_model"),
        pl.when(last).then("latest").otherwise(0.0).alias("new_model"),
    ]


def _whole(name: str) -> pl.Expr:
    """Rounded half to even, as every amount that is booked."""
    return pl.col(name).round(mode="half_to_even").cast(pl.Int64)


def bridged(pieces: pl.DataFrame) -> pl.DataFrame:
    """Add the lines of the statement to pieces that are booked; whole minor units.

    Returns:
        The pieces with `LINES`, and `received` and `given`, what was handed over at either end.

    Raises:
        InvalidFigures: a piece does not close; some level is wrong.
    """
    erased = (pieces["ends_as"] == "erased").to_numpy()
    reals = {name: pieces[name].to_numpy() for name in (*LEVELS, *_ENDS) if name in pieces.columns}
    levels = Levels.of(
        begins_as=pieces["begins_as"].to_numpy(),
        begins=pieces["begins"].to_numpy(),
        ends_as=pieces["ends_as"].to_numpy(),
        ends=pieces["ends"].to_numpy(),
        **({"received": pieces["received"].to_numpy()} if "received" in pieces.columns else {}),
        **{name: np.where(erased, 0.0, column) for name, column in reals.items()},
    )
    lines = bridge(levels)
    handed = pl.col("ends_as") == "handed"
    return pieces.with_columns(
        *(pl.Series(name, getattr(lines, name)) for name in LINES),
        received=pl.Series(levels.received),
        given=pl.when(handed).then("ends").otherwise(0),
    )
