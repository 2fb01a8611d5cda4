"""Draft the equity statement as of a date: opening, movements, closing, and every scorecard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from patronage.access import datasets
from patronage.access.audit import record
from patronage.access.progress import Progress, silent
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic, take_turns
from patronage.differentiate.replay import realised_in_period
from patronage.science.equity import InvalidFigures
from patronage.steer import grades, inputs, lines, measures, quarter, scorecards, spread
from patronage.steer.bridging import bridge_quarter
from patronage.steer.erased import with_erased
from patronage.steer.errors import Unexplained
from patronage.steer.inputs import Runs
from patronage.steer.models import (
    LINES,
    PortfolioMeasure,
    ProjectionGrade,
    Scorecard,
    Statement,
    StatementLine,
)
from patronage.vocabulary.ids import IdPrefix, new_id
from patronage.warehouse import Manifest

_DATASET = "statement_lines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A statement that is computed and written, and that nobody sees yet."""

    statement_id: str
    runs: Runs
    #: columns `lines.ROW` and the lines
    rows: pl.DataFrame
    #: `portfolio_id` and the lines
    portfolios: pl.DataFrame
    #: `portfolio_id`, `manager_id` and the figures of `scorecards.figures`
    scorecards: pl.DataFrame
    #: as of `measures.measures`
    measures: pl.DataFrame
    #: as of `grades.grades`
    grades: pl.DataFrame
    checksum_minor: int
    manifest: Manifest


def draft_statement(
    *, actor: Actor, now: datetime, as_of: date, progress: Progress = silent
) -> Statement:
    """Draft the statement as of a date; the same two valuations again give the one that is there.

    A draft that no longer opens with what the quarter before closed with is drawn up anew.

    Raises:
        NotValued: a valuation is missing.
        InNoPortfolio: a valued customer was in no portfolio.
        NoManagerThen: a portfolio that held customers had no manager.
        Unexplained: a customer's movements miss the closing by more than a cent.
        DoesNotClose: opening and movements do not make the closing; nothing is stored.
    """
    actor.require(Right.DRAFT_STATEMENT)
    runs = inputs.runs_for(as_of)
    known = _known(runs)
    if known is not None:
        return known
    prepared = _prepare(runs, progress)
    progress(0.9, "Storing the statement")
    statement = _store(actor, now, prepared)
    progress(1.0, "Done")
    return statement


def _known(runs: Runs) -> Statement | None:
    """The statement of these two valuations, if it stands."""
    found = Statement.objects.filter(opening_run=runs.opening, closing_run=runs.closing).first()
    if found is None or found.published_at is not None:
        return found
    return found if inputs.continues(found, inputs.previous_statement(runs)) else None


def _prepare(runs: Runs, progress: Progress) -> Prepared:
    """Compute everything and write the files, before any lock is taken."""
    progress(0.05, "Replaying the opening's model")
    try:
        bridged = bridge_quarter(runs)
    except InvalidFigures as error:
        raise Unexplained(as_of=runs.closing.as_of, reason=str(error)) from error
    progress(0.5, "Giving every movement to its portfolio")
    rows = with_erased(lines.rows_of(bridged.window), runs)
    managers = inputs.managers(runs, rows)
    portfolio_ids = managers["portfolio_id"].to_list()
    portfolios = lines.by_portfolio(rows, portfolio_ids)
    checksum_minor = lines.require_closed(rows, portfolios)
    progress(0.6, "Writing scorecards")
    earned = realised_in_period(runs.opening, runs.closing)
    figures = scorecards.figures(
        quarter.held(runs),
        _by_customer(rows, earned),
        spread.variances(runs.closing),
        has_opening=runs.opening is not None,
    )
    statement_id = new_id(IdPrefix.STATEMENT)
    progress(0.8, "Writing the customers behind each line")
    return Prepared(
        statement_id=statement_id,
        runs=runs,
        rows=rows,
        portfolios=portfolios,
        scorecards=managers.join(figures, on="portfolio_id", how="left"),
        measures=measures.measures(bridged, runs, earned, portfolio_ids),
        grades=grades.grades(runs, earned),
        checksum_minor=checksum_minor,
        manifest=_append(_behind(rows, runs, statement_id)),
    )


def _by_customer(rows: pl.DataFrame, earned: pl.DataFrame) -> pl.DataFrame:
    """What scorecards are made of: `customer_id`, closing, expected and realised amounts."""
    stated = rows.group_by("customer_id").agg(
        closing_minor=pl.col("closing").sum(),
        expected_margin_minor=-pl.col("expected_margin").sum(),
    )
    return stated.join(earned, on="customer_id", how="left")


def _behind(rows: pl.DataFrame, runs: Runs, statement_id: str) -> pl.DataFrame:
    """Rows of the dataset: one a customer and portfolio, two where experience is shared."""
    return rows.select(
        *lines.ROW,
        *(pl.col(kind).alias(f"{kind}_minor") for kind in LINES),
        statement_id=pl.lit(statement_id),
        as_of=pl.lit(runs.closing.as_of),
        currency=pl.lit(runs.closing.currency),
    )


def _append(rows: pl.DataFrame) -> Manifest:
    return datasets.warehouse().append(_DATASET, rows.to_arrow(), base=datasets.head(_DATASET))


def _store(actor: Actor, now: datetime, prepared: Prepared) -> Statement:
    """Make it what everybody sees, in one transaction, unless somebody else just did."""
    with atomic():
        take_turns(_DATASET)
        known = _known(prepared.runs)
        if known is not None:
            return known
        manifest = prepared.manifest
        if manifest.parent != datasets.head(_DATASET):
            # Another date was stated meanwhile: the same rows go on top of its state.
            manifest = _append(_behind(prepared.rows, prepared.runs, prepared.statement_id))
        datasets.commit(dataset=_DATASET, manifest=manifest, cause=prepared.statement_id, now=now)
        Statement.objects.filter(
            opening_run=prepared.runs.opening, closing_run=prepared.runs.closing
        ).delete()  # a draft that no longer stands
        statement = _statement(actor, now, prepared, manifest)
        _write_lines(statement, prepared.portfolios)
        _write_scorecards(statement, prepared.scorecards)
        _write(PortfolioMeasure, statement, prepared.measures)
        _write(ProjectionGrade, statement, prepared.grades)
        _audit(actor, now, statement, prepared.portfolios)
    return statement


def _statement(actor: Actor, now: datetime, prepared: Prepared, manifest: Manifest) -> Statement:
    runs = prepared.runs
    return Statement.objects.create(
        id=prepared.statement_id,
        period_start=runs.period_start,
        as_of=runs.closing.as_of,
        opening_run=runs.opening,
        closing_run=runs.closing,
        currency=runs.closing.currency,
        manifest=manifest.number,
        checksum_minor=prepared.checksum_minor,
        drafted_by=actor.id,
        drafted_at=now,
    )


def _write_lines(statement: Statement, portfolios: pl.DataFrame) -> None:
    StatementLine.objects.bulk_create(
        StatementLine(
            statement=statement,
            portfolio_id=row["portfolio_id"],
            kind=kind,
            amount_minor=row[kind],
        )
        for row in portfolios.iter_rows(named=True)
        for kind in LINES
    )


def _write_scorecards(statement: Statement, figures: pl.DataFrame) -> None:
    unexpected = {"expected_margin_minor": None} if statement.opening_run is None else {}
    Scorecard.objects.bulk_create(
        Scorecard(
            statement=statement,
            # A portfolio that holds nobody has a card too: of zeros, which are known.
            **{name: 0 if value is None else value for name, value in row.items()} | unexpected,
        )
        for row in figures.iter_rows(named=True)
    )


def _write(
    model: type[PortfolioMeasure | ProjectionGrade], statement: Statement, rows: pl.DataFrame
) -> None:
    made: list[Any] = [model(statement=statement, **row) for row in rows.iter_rows(named=True)]
    model._default_manager.bulk_create(made)


def _audit(actor: Actor, now: datetime, statement: Statement, portfolios: pl.DataFrame) -> None:
    totals = portfolios.select(pl.col(LINES).sum()).row(0, named=True)
    record(
        actor=actor,
        now=now,
        action="draft statement",
        subject_kind="statement",
        subject_id=statement.id,
        right=Right.DRAFT_STATEMENT,
        before={},
        change={
            "as_of": statement.as_of.isoformat(),
            "opening_run": statement.opening_run_id,
            "closing_run": statement.closing_run_id,
            "currency": statement.currency,
            "manifest": statement.manifest,
            "checksum_minor": statement.checksum_minor,
            "lines_minor": totals,
        },
    )
