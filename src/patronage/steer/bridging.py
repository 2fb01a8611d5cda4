"""Why did the equity of a quarter move? From two valuations to the lines of every piece."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from patronage.differentiate.replay import Replay
from patronage.differentiate.valuation.luck import VARIANCES, variances_of
from patronage.differentiate.valuation.pieces import nominal_margin
from patronage.science.equity import lifetime_days
from patronage.steer import quarter
from patronage.steer.booking import booked, bridged, days_of
from patronage.steer.cuts import PIECE, for_pay, pieces
from patronage.steer.inputs import Runs
from patronage.steer.models import LINES

_DAYS_A_YEAR: Final = 365
#: what is kept of each piece; `piece` numbers them, a customer's in the order of time
_KEPT: Final = ("piece", *PIECE, *LINES, "received", "given")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bridged:
    """A quarter in pieces: over the declared window, and over whole lifetimes."""

    #: `piece`, columns `cuts.PIECE`, `LINES`, `received`, `given` and `luck.VARIANCES`
    window: pl.DataFrame
    #: the same without variances; None where nothing is discounted, so that a lifetime has no end
    lifetime: pl.DataFrame | None
    #: `PIECE` and `LINES`, put together as of `cuts.for_pay`
    for_pay: pl.DataFrame


def bridge_quarter(runs: Runs) -> Bridged:
    """Cut everybody's quarter and explain each piece.

    Raises:
        InNoPortfolio: a customer with a value was in none.
        InvalidFigures: a piece does not close.
    """
    if runs.opening is None:
        return _first(runs)
    replay = Replay.of(runs.opening, runs.closing)
    people = quarter.everybody(runs, replay.ends())
    cut = _cut(runs, people, runs.opening.as_of)
    points = replay.points(days_of(cut))
    window = bridged(booked(cut, points, replay.old, people))
    spread = variances_of(cut, points, replay.old, _chance(runs)).select("piece", *VARIANCES)
    days = _lifetime(replay)
    return Bridged(
        window=window.select(_KEPT).join(spread, on="piece").sort("piece"),
        for_pay=bridged(booked(for_pay(cut), points, replay.old, people)).select(*PIECE, *LINES),
        lifetime=None if days is None else _lifetime_bridge(cut, points, replay.over(days)),
    )


def _first(runs: Runs) -> Bridged:
    """The first statement has no opening: everybody comes in, at the closing's value."""
    last_day = runs.closing.as_of
    people = quarter.everybody(runs, quarter.first_ends(runs))
    placed = people.join(quarter.held(runs), on="customer_id", how="left")
    quarter.require_portfolios(placed, last_day)
    nobody = pl.lit(None, pl.String)
    cut = placed.select(
        "customer_id",
        "portfolio_id",
        history_id="customer_id",
        handed_from=nobody,
        start_day=pl.lit(last_day),
        end_day=pl.lit(last_day),
        begins_as=pl.when("is_panel").then(pl.lit("panel")).otherwise(pl.lit("new")),
        ends_as=pl.lit("closing"),
        before_id=nobody,
        joined_id=nobody,
        left_id=nobody,
        begins="closing_minor",
        ends="closing_minor",
    )
    lines = bridged(cut.with_row_index("piece")).select(_KEPT)
    none = [pl.lit(0.0).alias(name) for name in VARIANCES]
    return Bridged(window=lines.with_columns(none), for_pay=lines.clear(), lifetime=None)


def _cut(runs: Runs, people: pl.DataFrame, opening_day: date) -> pl.DataFrame:
    changed = quarter.changes(runs, opening_day)
    customers, taken_back = quarter.periods(people, changed, opening_day)
    erased = customers.filter(ends_as="erased").select("customer_id")
    moves = changed.moves.join(erased, on="customer_id", how="anti")
    stretches = pieces(customers, moves, quarter.merges(runs), until=runs.closing.as_of)
    ordered = pl.concat([taken_back, stretches]).sort("customer_id", maintain_order=True)
    return ordered.with_row_index("piece")


def _chance(runs: Runs) -> np.random.Generator:
    """The same draws whenever the same two valuations are stated."""
    named = f"{runs.opening and runs.opening.input_digest}:{runs.closing.input_digest}"
    return np.random.default_rng(int.from_bytes(hashlib.sha256(named.encode()).digest()[:8]))


def _lifetime(replay: Replay) -> int | None:
    """How far ahead the rest of everybody's value is below a cent; None where it never is.

    Of no customer is more expected a year than of the best one next year, for which ten times as
    much is put in, as a calibrated path can rise later.
    """
    rate = min(replay.old.annual_discount_rate, replay.new.annual_discount_rate)
    if rate <= 0:
        return None
    largest = 0.0
    for view, frame, day in (
        (replay.old, replay.frozen, replay.opening.as_of),
        (replay.new, replay.latest, replay.closing.as_of),
    ):
        year = nominal_margin(frame, view, day, day + timedelta(days=_DAYS_A_YEAR))
        largest = max(largest, float(np.abs(year.to_numpy()).max(initial=0.0)))
    return lifetime_days(largest_annual_margin=10 * largest, annual_discount_rate=rate)


def _lifetime_bridge(cut: pl.DataFrame, points: pl.DataFrame, replay: Replay) -> pl.DataFrame:
    """The same pieces over whole lifetimes; what they open and close with is rounded here."""
    ends = replay.ends().select("customer_id", "frozen", "latest")
    whole = pl.col("frozen", "latest").fill_null(0.0).round(mode="half_to_even").cast(pl.Int64)
    worth = ends.with_columns(whole.name.suffix("_minor")).rename(
        {"frozen_minor": "opening_minor", "latest_minor": "closing_minor"}
    )
    return bridged(booked(cut, points, replay.old, worth)).select(_KEPT).sort("piece")
