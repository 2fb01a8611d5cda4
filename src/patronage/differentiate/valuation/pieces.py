"""What did the opening's model say of a customer from one day to another? The levels of the bridge.

A piece is a stretch of one customer's quarter between two days on which the customer is valued. A
point is what is known of a history at the end of a day. Everything here is under the models and
the assumptions of the opening; no level that two lines of the bridge need is used twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final, Self

import numpy as np
import polars as pl

from patronage.differentiate.valuation.by_model import by_model
from patronage.differentiate.valuation.scoring import (
    Histories,
    Models,
    Real,
    Window,
    expected_margin,
    expected_purchases,
    keeping_cost,
)

DAYS_A_YEAR: Final = 365.0
#: the levels that `levels_of` adds
LEVELS: Final = (
    "expected_margin",
    "interest",
    "rolled",
    "awaited",
    "at_old_spend",
    "spend_effect",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Under which models, at which rate and over which window customers are valued."""

    models: Models
    #: length of the value window, days
    horizon_days: int
    #: effective
    annual_discount_rate: float
    #: minor units in a major unit of the currency
    minor_per_major: int
    #: models of customers whose portfolio chose its own, by `model_version`
    others: Mapping[str, Models] = field(default_factory=dict)

    @classmethod
    def of(cls, models: Models, window: Window, others: Mapping[str, Models] | None = None) -> Self:
        """The models with what the company assumes."""
        return cls(
            models=models,
            others=others or {},
            horizon_days=window.horizon_days,
            annual_discount_rate=window.annual_discount_rate,
            minor_per_major=window.minor_per_major,
        )

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns that tell customers of different models apart."""
        return ("model_version",) if self.others else ()

    def under(self, version: str | None = None) -> Self:
        """The same for customers of one model alone."""
        return replace(self, models=self.others.get(version or "", self.models), others={})

    def worth(self, histories: Histories, day: date) -> Real:
        """V(day) of histories seen up to the day, minor units, not rounded."""
        return self.margin(histories, day, day, day + timedelta(days=self.horizon_days))

    def margin(
        self,
        histories: Histories,
        seen_on: date,
        after: date,
        until: date,
        rate: float | None = None,
    ) -> Real:
        """Margin expected of (after, until], minor units; at the view's rate without another."""
        major = expected_margin(
            histories,
            self.models,
            seen_on=seen_on,
            after=after,
            until=until,
            annual_discount_rate=self.annual_discount_rate if rate is None else rate,
        )
        return major * self.minor_per_major

    def growth(self, days: int) -> float:
        """What a unit discounted over these days is worth at their end."""
        return float((1 + self.annual_discount_rate) ** (days / DAYS_A_YEAR))


def worth_at(points: pl.DataFrame, view: View) -> pl.DataFrame:
    """Add `worth`, V(day) of each point in minor units, not rounded.

    Args:
        points: `day` (date) and the columns that `Histories.of` reads, one row a history and day;
            `model_version` where the view has models of portfolios.
    """

    def valued(part: pl.DataFrame, day: date, *version: str) -> dict[str, Real]:
        under = view.under(*version)
        return {"worth": under.worth(Histories.of(part, view.minor_per_major), day)}

    return by_days(points, ("day", *view.keys), ("worth",), valued)


def nominal_margin(frame: pl.DataFrame, view: View, day: date, until: date) -> pl.Series:
    """Margin expected of (day, until], minor units, in the order of the frame.

    Args:
        frame: histories seen up to the day, columns as for `worth_at`, one row a customer.
    """

    def expected(part: pl.DataFrame, models: Models) -> pl.DataFrame:
        known = Histories.of(part, view.minor_per_major)
        margin = replace(view, models=models).margin(known, day, day, until, 0.0)
        return pl.DataFrame({"expected": margin})

    return by_model(frame, view.models, view.others, expected)["expected"]


def levels_of(pieces: pl.DataFrame, points: pl.DataFrame, view: View) -> pl.DataFrame:
    """Add the columns `LEVELS` to pieces, minor units, not rounded; see `science.equity.Levels`.

    Args:
        pieces: `history_id`, `start_day`, `end_day` and anything else. Where the history has no
            point at either day nothing was expected and nothing came: the levels are 0.
        points: as of `worth_at`, with `history_id`; one row a history and day.
    """
    known = points.drop("worth", strict=False)
    placed = beside_points(pieces, known)
    seen = placed["_start"].is_not_null() & placed["_end"].is_not_null()

    def found(part: pl.DataFrame, start: date, end: date, *version: str) -> dict[str, Real]:
        a, b = (
            Histories.of(known[part[column].to_numpy()], view.minor_per_major)
            for column in ("_start", "_end")
        )
        return _levels(a, b, start, end, view.under(*version))

    with_points = by_days(
        with_models(placed.filter(seen), known, view),
        ("start_day", "end_day", *view.keys),
        LEVELS,
        found,
    ).drop(view.keys)
    nothing = placed.filter(~seen).with_columns(pl.lit(0.0).alias(name) for name in LEVELS)
    return pl.concat([with_points, nothing]).drop("_start", "_end")


def with_models(placed: pl.DataFrame, points: pl.DataFrame, view: View) -> pl.DataFrame:
    """Add to pieces that are beside their points whose models they are under, if they differ."""
    return placed.with_columns(points[name].gather(placed["_start"]) for name in view.keys)


def beside_points(pieces: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Add `_start` and `_end`, the rows of the points at either day; NULL where there is none."""
    keys = points.select("history_id", "day").with_columns(row=pl.int_range(pl.len()))
    for end in ("start", "end"):
        pieces = pieces.join(
            keys.rename({"day": f"{end}_day", "row": f"_{end}"}),
            on=["history_id", f"{end}_day"],
            how="left",
        )
    return pieces


def _levels(a: Histories, b: Histories, start: date, end: date, view: View) -> dict[str, Real]:
    """The levels of pieces from one day to another."""
    elapsed = (end - start).days
    middle, old_end = start + timedelta(days=elapsed // 2), start + timedelta(view.horizon_days)
    new_end = end + timedelta(view.horizon_days)
    growth = view.growth(elapsed)
    # The nominal margin that the interest is reckoned from is added up from two halves, so that
    # the line "expected margin" is checked against something that is not itself.
    halves = view.margin(a, start, start, middle, 0.0) + view.margin(a, start, middle, end, 0.0)
    discounted = view.margin(a, start, start, min(end, old_end))
    still_to_come = view.margin(a, start, min(end, old_end), old_end)
    unit = a.margin_per_day(view.models.spend)
    at_old_spend = replace(b, margin_rate=np.zeros_like(unit), serve=-unit, keeping=a.keeping)
    purchases = expected_purchases(
        b,
        view.models,
        seen_on=end,
        until=new_end,
        annual_discount_rate=view.annual_discount_rate,
    )
    change = b.margin_per_day(view.models.spend) - unit
    dearer = keeping_cost(
        replace(b, keeping=b.keeping - a.keeping),
        view.models,
        seen_on=end,
        until=new_end,
        annual_discount_rate=view.annual_discount_rate,
    )
    return {
        "expected_margin": view.margin(a, start, start, end, 0.0),
        "interest": (growth - 1) * still_to_come + halves - discounted,
        "rolled": growth * view.margin(a, start, max(end, old_end), new_end),
        "awaited": growth * view.margin(a, start, end, new_end),
        "at_old_spend": view.worth(at_old_spend, end),
        "spend_effect": (purchases * change - dearer) * view.minor_per_major,
    }


def by_days(
    frame: pl.DataFrame,
    keys: tuple[str, ...],
    names: tuple[str, ...],
    work: Callable[..., dict[str, Real]],
) -> pl.DataFrame:
    """Work on the rows of each day (or pair of days) together, and put the results beside them.

    Args:
        keys: columns with the days.
        names: what `work` gives, by name, of the rows and their days.
    """
    if not len(frame):
        return frame.with_columns(pl.lit(0.0).alias(name) for name in names)
    return pl.concat(
        [
            part.with_columns(pl.Series(name, column) for name, column in work(part, *days).items())
            for days, part in frame.partition_by(*keys, as_dict=True, maintain_order=True).items()
        ]
    )
