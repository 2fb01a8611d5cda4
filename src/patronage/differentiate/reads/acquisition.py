"""Selective acquisition: the score's record, what new customers are predicted to bring, the cap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

import ibis
import polars as pl
import pyarrow as pa
from django.conf import settings

from patronage.access import datasets
from patronage.access.company import company_of
from patronage.access.roles import Actor
from patronage.differentiate.acquisition import (
    SCORES,
    OutOfTime,
    Score,
    allowed,
    fit_score,
    scored,
)
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads.frames import Manifests
from patronage.differentiate.reads.in_sight import in_scope, labels_of, require_run
from patronage.differentiate.valuation.first_days import Spans, first_days
from patronage.identify.models import THERE, Customer
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar

#: Name of the imported fact that says through which channel a customer came.
ENTRY_CHANNEL: Final = "entry_channel"
#: a new state of these is worked out anew: what came in, what an erasure took out
_READ: Final = ("order_lines", "customer_facts")
_KEPT: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCustomer:
    """Somebody who came of late; minor units over the whole span."""

    customer_id: str
    label: str
    came_on: date
    #: "first order" or "first days": what the prediction reads
    by: str
    predicted_minor: int
    #: what winning them may have cost at most
    allowed_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Customers who came in one period or through one channel; minor units."""

    name: str
    #: acquired, with a prediction or an outcome
    customers: int
    #: of them, whose whole span is over
    over: int
    #: what one brings in the whole span, on average
    each_minor: int
    #: what winning one may cost
    allowed_minor: int
    #: what winning all of them may have cost
    budget_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """What winning customers may cost, and how far the prediction behind it can be trusted."""

    run_id: str
    as_of: date
    currency: str
    window_days: int
    outcome_days: int
    #: declared: what may be spent, as a share of what is predicted
    share: float
    #: acquired customers whose whole span is over
    matured: int
    #: by "first order" and "first days"; None where a score could not be fitted or not be tested
    tests: Mapping[str, OutOfTime | None]
    #: what a prospect, of whom nothing is known yet, is expected to bring; None: nobody matured
    prospect_minor: int | None
    #: what winning a prospect may cost
    prospect_allowed_minor: int | None
    #: by quarter of the first order, newest first
    periods: Sequence[Source]
    #: by entry channel, most allowed first; empty where the fact is not imported
    channels: Sequence[Source]
    #: whose span still runs and who are in scope, most predicted first; the first ones
    newcomers: Sequence[NewCustomer]
    #: how many there are in all
    coming: int


def acquisition(
    actor: Actor,
    now: datetime,
    *,
    as_of: date | None = None,
    window_days: int = 90,
    outcome_days: int = 90,
    limit: int = 50,
) -> Acquisition:
    """Give the scores, the caps and the newest customers.

    Args:
        as_of: the date valued; the newest without one.
        window_days: how many first days are read.
        outcome_days: how many days after them are predicted.
        limit: how many new customers to name.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: nobody was valued as of that date, or at all.
    """
    run = require_run(actor, as_of)
    company = company_of(run.company_version)
    spans = Spans(window_days=window_days, outcome_days=outcome_days)
    states = tuple(datasets.head(name) or 0 for name in _READ)
    priced = _priced(str(settings.WAREHOUSE_ROOT), states, run.id, spans)
    share = company.steering.acquisition_cost_share
    rows = priced.rows.with_columns(allowed_minor=allowed(pl.col("predicted_minor"), share))
    over = rows.filter(by="outcome")
    prospect = round(over["predicted_minor"].to_numpy().mean()) if len(over) else None
    coming = in_scope(rows.filter(pl.col("by") != "outcome"), actor, now)
    return Acquisition(
        run_id=run.id,
        as_of=run.as_of,
        currency=run.currency,
        window_days=window_days,
        outcome_days=outcome_days,
        share=share,
        matured=len(over),
        tests={name: score.test if score else None for name, score in priced.scores.items()},
        prospect_minor=prospect,
        prospect_allowed_minor=None if prospect is None else int(max(prospect, 0) * share),
        periods=_sources(rows, "period")[::-1],
        channels=sorted(
            _sources(rows.drop_nulls("channel"), "channel"), key=lambda each: -each.allowed_minor
        ),
        newcomers=_named(coming, limit),
        coming=len(coming),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Priced:
    rows: pl.DataFrame
    scores: dict[str, Score | None]


@lru_cache(maxsize=_KEPT)
def _priced(_root: str, _states: tuple[int, ...], run_id: str, spans: Spans) -> _Priced:
    """Everybody acquired by the run's date; worked out once for a state of the data."""
    run = ValuationRun.objects.select_related("company_version").get(id=run_id)
    company = company_of(run.company_version)
    rows = _acquired(run, company, spans)
    matured = rows.filter(pl.col("known_days") >= spans.whole_days)
    scores = {name: fit_score(matured, reads, spans) for name, reads in SCORES.items()}
    told = scored(rows, scores, spans).drop_nulls("predicted_minor")
    return _Priced(rows=told.sort("customer_id"), scores=scores)


def _acquired(run: ValuationRun, company: Company, spans: Spans) -> pl.DataFrame:
    """Rows of `first_days` of customers who were won, with `known_days`, `period`, `channel`."""
    manifests, calendar = Manifests.of(run), BusinessCalendar(company.time_zone)
    end = calendar.end_of_day(run.as_of)
    won = Customer.objects.filter(THERE, entry="acquired").order_by()
    ids = pa.array(list(won.values_list("id", flat=True)), pa.string())
    query = first_days(
        manifests.read("order_lines"),
        manifests.read("products"),
        ibis.memtable(pa.table({"customer_id": ids})),
        company=company,
        spans=spans,
        seen_until=ibis.literal(end, type="timestamp('UTC')"),
    )
    rows = datasets.warehouse().polars(query)
    first = pl.col("first_at")
    local = first.dt.convert_time_zone(company.time_zone).dt
    known = (pl.lit(end) - first).dt.total_days()
    return rows.join(_channels(end), on="customer_id", how="left").with_columns(
        known_days=known.cast(pl.Int64),
        came_on=local.date(),
        period=pl.format("{}-Q{}", local.year(), local.quarter()),
    )


def _channels(end: datetime) -> pl.DataFrame:
    """`customer_id` and `channel`: through which each came, where that is on record."""
    facts = datasets.read("customer_facts")
    rows = datasets.warehouse().polars(
        facts.filter(
            (facts.name == ENTRY_CHANNEL)
            & facts.value_text.notnull()
            & (facts.observed_at < ibis.literal(end, type="timestamp('UTC')"))
        ).select("customer_id", "observed_at", channel=facts.value_text)
    )
    return rows.sort("observed_at").group_by("customer_id").last().select("customer_id", "channel")


def _sources(rows: pl.DataFrame, column: str) -> list[Source]:
    summed = rows.group_by(column).agg(
        pl.len().alias("customers"),
        (pl.col("by") == "outcome").sum().alias("over"),
        pl.col("predicted_minor").mean().round().cast(pl.Int64).alias("each_minor"),
        pl.col("allowed_minor").mean().floor().cast(pl.Int64).alias("mean_allowed_minor"),
        pl.col("allowed_minor").sum().alias("budget_minor"),
    )
    return [
        Source(
            name=row[column],
            customers=row["customers"],
            over=row["over"],
            each_minor=row["each_minor"],
            allowed_minor=row["mean_allowed_minor"],
            budget_minor=row["budget_minor"],
        )
        for row in summed.sort(column).to_dicts()
    ]


def _named(coming: pl.DataFrame, limit: int) -> list[NewCustomer]:
    first = coming.sort(["predicted_minor", "customer_id"], descending=[True, False]).head(limit)
    ids = first["customer_id"].to_list()
    labels = labels_of(ids)
    return [
        NewCustomer(
            customer_id=row["customer_id"],
            label=labels.get(row["customer_id"], row["customer_id"]),
            came_on=row["came_on"],
            by=row["by"],
            predicted_minor=row["predicted_minor"],
            allowed_minor=row["allowed_minor"],
        )
        for row in first.to_dicts()
    ]
