"""What would the opening's model have said? Histories as they are known now, seen on earlier days.

A statement's bridge is made of pieces between days; every value of a piece is that of the opening's
models and assumptions on the history up to the day, as the closing's data know it. So a line that
came late, or was corrected, is in the history of the day that it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, Self

import ibis
import polars as pl

from patronage.access import datasets
from patronage.access.company import company_of
from patronage.differentiate import reads, registry
from patronage.differentiate.errors import WrongOrder
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads.frames import Manifests, served_days
from patronage.differentiate.valuation.appraisal import known_customers, named_for_models
from patronage.differentiate.valuation.history import (
    Horizon,
    customer_days,
    statistics_of_days,
)
from patronage.differentiate.valuation.pieces import View, worth_at
from patronage.differentiate.valuation.profit import profit_and_loss
from patronage.differentiate.valuation.scoring import Window
from patronage.vocabulary.periods import BusinessCalendar
from patronage.warehouse.untyped import Table

#: what the models read of a history, columns as in the dataset `valuations`
HISTORY: Final = (
    "frequency",
    "recency_days",
    "age_days",
    "average_spend_minor",
    "margin_rate",
    "cost_to_serve_minor",
    "keeping_minor",
)
_POINT: Final = ("history_id", "day", *HISTORY, "model_version")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replay:
    """Two valuations, and the histories of the first date as the second one's data know them."""

    opening: ValuationRun
    closing: ValuationRun
    #: the opening's models, assumptions and window
    old: View
    #: the closing's
    new: View
    #: the opening's rows as frozen: `customer_id`, `value_minor`, `model_version`, `HISTORY`
    frozen: pl.DataFrame
    #: the closing's rows as frozen, likewise
    latest: pl.DataFrame
    #: histories up to the opening's date as known now: `customer_id`, `HISTORY`, and the opening's
    #: `model_version` of the customer
    corrected: pl.DataFrame
    #: histories up to the closing's date under the opening's assumptions: likewise
    at_closing: pl.DataFrame
    #: statistics at the opening's date, whose rates stand behind short histories
    base: pl.DataFrame

    @classmethod
    def of(cls, opening: ValuationRun, closing: ValuationRun) -> Self:
        """Read what both knew, and see the opening's date with the closing's data.

        Raises:
            WrongOrder: the opening is not earlier than the closing.
        """
        if opening.as_of >= closing.as_of:
            raise WrongOrder(opening=opening.as_of, closing=closing.as_of)
        base = _statistics(opening, closing, opening.as_of)
        frozen = _models_read(reads.valuations(opening), "value_minor", "model_version")
        latest = _models_read(reads.valuations(closing), "value_minor", "model_version")
        if opening.company_version_id == closing.company_version_id:
            at_closing = latest.drop("value_minor", "model_version")
        else:
            at_closing = _described(
                _statistics(opening, closing, closing.as_of), opening, closing.as_of
            )
        return cls(
            opening=opening,
            closing=closing,
            old=_view(opening),
            new=_view(closing),
            frozen=frozen,
            latest=latest,
            corrected=_as_opened(_described(base, opening, opening.as_of), frozen, opening),
            at_closing=_as_opened(at_closing, frozen, opening),
            base=base,
        )

    def over(self, horizon_days: int) -> Self:
        """The same with windows of another length."""
        return replace(
            self,
            old=replace(self.old, horizon_days=horizon_days),
            new=replace(self.new, horizon_days=horizon_days),
        )

    def ends(self) -> pl.DataFrame:
        """What each customer was and is worth, under the models of the day.

        Returns:
            One row for everybody valued at either date, sorted by `customer_id`: `frozen` (float,
            minor units, the opening's model on the history known then; NULL where not valued at
            it), `latest` (likewise of the closing), `opening_minor` and `closing_minor` as
            published, `first_day` (of the first purchase as known now; NULL where there is none)
            and `known_at_opening`, whether it lies by then.
        """
        frozen = _worth(self.frozen, self.opening.as_of, self.old, "frozen", "opening_minor")
        latest = _worth(self.latest, self.closing.as_of, self.new, "latest", "closing_minor")
        age = pl.duration(days=pl.col("age_days").cast(pl.Int64))
        first = self.latest.select("customer_id", first_day=pl.lit(self.closing.as_of) - age)
        early = self.corrected.select("customer_id", known_at_opening=True)
        both = frozen.join(latest, on="customer_id", how="full", coalesce=True)
        return (
            both.join(first, on="customer_id", how="left")
            .join(early, on="customer_id", how="left")
            .with_columns(pl.col("known_at_opening").fill_null(False))
            .sort("customer_id")
        )

    def points(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """Histories up to the ends of days, as known now and under the opening's assumptions.

        Args:
            wanted: `history_id` (a customer's) and `day`, from the opening's to the closing's.

        Returns:
            `history_id`, `day`, `HISTORY`, `model_version`; no row where nothing was bought by
            then.
        """
        ends = pl.concat(
            frame.select(
                pl.col("customer_id").alias("history_id"),
                pl.lit(run.as_of).alias("day"),
                *HISTORY,
                "model_version",
            )
            for frame, run in ((self.corrected, self.opening), (self.at_closing, self.closing))
        )
        asked = wanted.unique(maintain_order=True)
        between = asked.join(ends.select("day").unique(), on="day", how="anti")
        found = ends.join(asked, on=["history_id", "day"], how="semi")
        moved = _as_opened(self._between(between), self.frozen, self.opening, key="history_id")
        return pl.concat([found.select(_POINT), moved.select(_POINT)])

    def _between(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """Histories up to days that nobody was valued at: one pass over who is asked for.

        Every history is moved so that its day falls on the closing's date: what counts is how long
        ago each thing was.
        """
        schema = {"history_id": pl.String, "day": pl.Date} | dict.fromkeys(HISTORY, pl.Float64)
        if not len(wanted):
            return pl.DataFrame(schema=schema)
        company, until = company_of(self.opening.company_version), self.closing.as_of
        keyed = wanted.with_columns(
            customer_id="history_id",
            key=pl.format("{}@{}", "history_id", "day"),
            last_day="day",
            moved=(pl.lit(until) - pl.col("day")).dt.total_days(),
        ).select("customer_id", "key", "last_day", "moved")
        manifests = Manifests.of(self.closing)
        asked = ibis.memtable(keyed.to_arrow())
        lines = manifests.read("order_lines")
        theirs = lines.filter(lines.customer_id.isin(asked.customer_id))
        days = customer_days(theirs, manifests.read("products"), company=company, as_of=until)
        served = served_days(manifests, company, until)
        query = statistics_of_days(
            _moved(days, asked),
            None if served is None else _moved(served, asked),
            Horizon(as_of=until, period_start=until),
        )
        statistics = datasets.warehouse().polars(query)
        described = named_for_models(known_customers(statistics, company, until, self.base))
        found = keyed.select(key="key", history_id="customer_id", day="last_day")
        return (
            described.rename({"customer_id": "key"})
            .join(found, on="key")
            .select("history_id", "day", *(pl.col(name).cast(pl.Float64) for name in HISTORY))
        )


def realised_in_period(opening: ValuationRun | None, closing: ValuationRun) -> pl.DataFrame:
    """Revenue and margin of (t₀, t₁]: as frozen where it is the closing's quarter.

    Args:
        opening: None for the first statement, which is of the closing's quarter.

    Returns:
        `customer_id`, `realised_revenue_minor`, `realised_margin_minor`.
    """
    company = company_of(closing.company_version)
    eve = BusinessCalendar(company.time_zone).previous_quarter_end(closing.as_of)
    if opening is None or opening.as_of == eve:
        revenue = pl.col("quarter_sales_minor") + pl.col("quarter_returns_minor")
        costs = pl.col("quarter_cost_of_goods_minor") + pl.col("quarter_cost_to_serve_minor")
        margin, earned = revenue - costs, reads.valuations(closing)
    else:
        horizon = Horizon(as_of=closing.as_of, period_start=opening.as_of + timedelta(days=1))
        seen = reads.statistics_of(Manifests.of(closing), company, horizon)
        earned = profit_and_loss(seen.filter(pl.col("days") > 0).sort("customer_id"), company)
        revenue, margin = pl.col("revenue_minor"), pl.col("margin_minor")
    return earned.select(
        "customer_id", realised_revenue_minor=revenue, realised_margin_minor=margin
    )


def realised(closing: ValuationRun, windows: pl.DataFrame) -> pl.DataFrame:
    """What customers left in stretches of time, as the closing's data and assumptions know it.

    Args:
        windows: `key`, `customer_id`, `after` and `until` (dates), a row a stretch (after, until].

    Returns:
        `key`, `realised_revenue_minor` and `realised_margin_minor`, one row a stretch: who bought
        nothing was kept and served all the same.
    """
    company = company_of(closing.company_version)
    manifests, last = Manifests.of(closing), closing.as_of
    asked = ibis.memtable(
        windows.with_columns(
            last_day="until", moved=(pl.lit(last) - pl.col("until")).dt.total_days()
        ).to_arrow()
    )
    lines = manifests.read("order_lines")
    theirs = lines.filter(lines.customer_id.isin(asked.customer_id))
    days = customer_days(theirs, manifests.read("products"), company=company, as_of=last)
    served = served_days(manifests, company, last)
    longest = int(windows.select((pl.col("until") - pl.col("after")).dt.total_days().max()).item())
    query = statistics_of_days(
        _with_idle(_moved(days, asked, after=True), asked, last),
        None if served is None else _moved(served, asked, after=True),
        Horizon(as_of=last, period_start=last - timedelta(days=longest)),
    )
    statistics = datasets.warehouse().polars(query)
    length = windows.select(
        customer_id="key", kept=(pl.col("until") - pl.col("after")).dt.total_days()
    )
    kept = statistics.join(length, on="customer_id").with_columns(period_days_kept="kept")
    earned = profit_and_loss(kept.sort("customer_id"), company)
    return earned.select(
        key="customer_id",
        realised_revenue_minor="revenue_minor",
        realised_margin_minor="margin_minor",
    )


def _with_idle(days: Table, asked: Table, last: date) -> Table:
    """The same days, and one on which nothing happened for each key."""
    amounts = [name for name in days.columns if name not in ("customer_id", "day")]
    zeros = {name: ibis.literal(0).cast(days[name].type()) for name in amounts}
    idle = asked.select(**zeros, customer_id=asked.key, day=ibis.literal(last))
    return days.union(idle.select(*days.columns))


def _moved(days: Table, asked: Table, *, after: bool = False) -> Table:
    """Rows of each key up to its last day, that day moved to where the closing's is."""
    joined = days.inner_join(asked, "customer_id")
    inside = joined.filter(joined.day <= joined.last_day)
    if after:
        inside = inside.filter(inside.day > inside.after)
    names = [name for name in days.columns if name not in ("customer_id", "day")]
    day = (inside.day + inside.moved.as_interval("D")).cast("date")
    return inside.select(*names, customer_id=inside.key, day=day)


def _worth(
    frame: pl.DataFrame, day: date, view: View, name: str, as_published: str
) -> pl.DataFrame:
    return worth_at(frame.with_columns(day=pl.lit(day)), view).select(
        "customer_id", pl.col("worth").alias(name), pl.col("value_minor").alias(as_published)
    )


def _view(run: ValuationRun) -> View:
    window = Window.of(company_of(run.company_version), run.as_of)
    return registry.view_of(run, window)


def _statistics(opening: ValuationRun, closing: ValuationRun, as_of: date) -> pl.DataFrame:
    """What the closing's data say of everybody up to a date, under the opening's assumptions."""
    company = company_of(opening.company_version)
    horizon = Horizon(as_of=as_of, period_start=as_of)
    return reads.statistics_of(Manifests.of(closing), company, horizon)


def _described(statistics: pl.DataFrame, opening: ValuationRun, as_of: date) -> pl.DataFrame:
    company = company_of(opening.company_version)
    return _models_read(named_for_models(known_customers(statistics, company, as_of)))


def _as_opened(
    frame: pl.DataFrame, frozen: pl.DataFrame, opening: ValuationRun, *, key: str = "customer_id"
) -> pl.DataFrame:
    """Add `model_version`: what values a customer at the opening values them all quarter long.

    So wherever they are handed, nothing moves by the model; who was not valued then is under the
    model of everybody.
    """
    named = frozen.select(pl.col("customer_id").alias(key), "model_version")
    usual = pl.col("model_version").fill_null(opening.purchase_model_id)
    return frame.join(named, on=key, how="left", maintain_order="left").with_columns(usual)


def _models_read(frame: pl.DataFrame, *more: str) -> pl.DataFrame:
    read = (pl.col(name).cast(pl.Float64) for name in HISTORY)
    return frame.select("customer_id", *more, *read).sort("customer_id")
