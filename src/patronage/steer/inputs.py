"""What is a statement as of a date made from? Two valuations, and who held whom at either."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
from django.db.models import F

from patronage.access import datasets
from patronage.access.company import company_of
from patronage.differentiate import reads as valuations
from patronage.differentiate.models import ValuationRun
from patronage.govern.reads import managers_at
from patronage.steer.errors import NoManagerThen, NotValued
from patronage.steer.models import Statement
from patronage.vocabulary.periods import BusinessCalendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """The valuations that a statement opens and closes with."""

    #: None where nothing before the quarter was ever valued: everybody comes in the quarter
    opening: ValuationRun | None
    closing: ValuationRun
    #: first day of the quarter
    period_start: date
    calendar: BusinessCalendar


def runs_for(as_of: date) -> Runs:
    """Find the valuations for a statement as of a date.

    A quarter opens with what the one before published; with its newest valuation where none is.

    Raises:
        NotValued: there is none as of the date, or none as of the quarter's eve though earlier
            dates were valued.
    """
    closing = valuations.run_at(as_of)
    if closing is None:
        raise NotValued(as_of=as_of, end=as_of)
    calendar = BusinessCalendar(company_of(closing.company_version).time_zone)
    eve = calendar.previous_quarter_end(as_of)
    published = Statement.objects.filter(as_of=eve, published_at__isnull=False)
    before = published.select_related("closing_run").first()
    opening = valuations.run_at(eve) if before is None else before.closing_run
    if opening is None and ValuationRun.objects.filter(as_of__lt=eve).exists():
        raise NotValued(as_of=as_of, end=eve)
    return Runs(
        opening=opening,
        closing=closing,
        period_start=eve + timedelta(days=1),
        calendar=calendar,
    )


def previous_statement(runs: Runs) -> Statement | None:
    """The statement that closed with this one's opening: published if one is, else the newest."""
    eve = runs.period_start - timedelta(days=1)
    found = Statement.objects.filter(as_of=eve, closing_run=runs.opening)
    return found.order_by(F("published_at").desc(nulls_last=True), "-drafted_at", "-id").first()


def continues(statement: Statement, previous: Statement | None) -> bool:
    """Whether every portfolio opens with what it closed with in the statement before."""
    if previous is None:
        return True
    opening = statement.lines.filter(kind="opening").exclude(amount_minor=0)
    closing = previous.lines.filter(kind="closing").exclude(amount_minor=0)
    columns = ("portfolio_id", "amount_minor")
    return dict(opening.values_list(*columns)) == dict(closing.values_list(*columns))


def closing_portfolios(statement: Statement) -> pl.DataFrame:
    """`customer_id` and `portfolio_id` of everybody with a closing value."""
    rows = datasets.read("statement_lines")
    chosen = rows.filter((rows.statement_id == statement.id) & (rows.closing_minor != 0))
    return datasets.warehouse().polars(chosen.select("customer_id", "portfolio_id"))


def managers(runs: Runs, rows: pl.DataFrame) -> pl.DataFrame:
    """Every portfolio with a manager when the date ended: `portfolio_id`, `manager_id`.

    Raises:
        NoManagerThen: a portfolio has pieces of the statement but had no manager then.
    """
    end = runs.calendar.end_of_day(runs.closing.as_of)
    found = managers_at(end).select("portfolio_id", "manager_id")
    without = rows.join(found, on="portfolio_id", how="anti")["portfolio_id"].unique().sort()
    if len(without):
        raise NoManagerThen(portfolio_ids=without.to_list(), end=runs.closing.as_of)
    return found
