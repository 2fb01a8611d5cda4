"""Who was in which portfolio at the end of a date? Asked of the room that keeps portfolios."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from patronage.access.scope import memberships_until
from patronage.science.lifetime.panel import IntArray
from patronage.vocabulary.periods import BusinessCalendar


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placing:
    """Memberships up to the end of a date."""

    calendar: BusinessCalendar
    #: `customer_id`, `portfolio_id`, `starts_at`, by start
    rows: pl.DataFrame

    @classmethod
    def until(cls, as_of: date, calendar: BusinessCalendar) -> Placing:
        """Every membership that had begun before the date ended."""
        rows = pl.DataFrame(
            list(memberships_until.ask(calendar.end_of_day(as_of))),
            schema={
                "customer_id": pl.String,
                "portfolio_id": pl.String,
                "starts_at": pl.Datetime(time_zone="UTC"),
            },
            orient="row",
        )
        return cls(calendar=calendar, rows=rows.sort("starts_at", "customer_id"))

    @property
    def portfolios(self) -> list[str]:
        """Every portfolio that anybody was in, by id."""
        return self.rows["portfolio_id"].unique().sort().to_list()

    def on(self, day: date) -> pl.DataFrame:
        """`customer_id` and `portfolio_id` at the end of a date."""
        begun = self.rows.filter(pl.col("starts_at") < self.calendar.end_of_day(day))
        return begun.group_by("customer_id").agg(pl.col("portfolio_id").last())

    def labels(self, day: date, customer_id: pl.Series) -> IntArray:
        """The place in `portfolios` of each customer's at the end of a date; -1 for in none."""
        there = customer_id.to_frame("customer_id").join(
            self.on(day), on="customer_id", how="left", maintain_order="left"
        )
        number = {name: place for place, name in enumerate(self.portfolios)}
        found = there["portfolio_id"].replace_strict(number, default=-1, return_dtype=pl.Int64)
        return found.fill_null(-1).to_numpy().astype(np.int64)

    @property
    def digest(self) -> str:
        """The same where everybody was in the same portfolios from the same instants on."""
        rows = self.rows.select(pl.concat_str(pl.all().cast(pl.String), separator=" "))
        text = rows.to_series().str.join("\n").item()
        return hashlib.sha256(text.encode()).hexdigest()
