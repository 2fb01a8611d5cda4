"""What did frozen projections expect of the time since, and what came? Portfolio by portfolio."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from patronage.access.company import company_of
from patronage.differentiate import reads as valuations
from patronage.differentiate import registry
from patronage.differentiate.replay import realised_in_period
from patronage.differentiate.valuation.pieces import View
from patronage.differentiate.valuation.scoring import Histories, Window
from patronage.steer.inputs import Runs, closing_portfolios
from patronage.steer.models import Statement

_SCHEMA: Final = {
    "graded_as_of": pl.Date,
    "portfolio_id": pl.String,
    "customers": pl.Int64,
    "expected_minor": pl.Int64,
    "came_minor": pl.Int64,
}


def grades(runs: Runs) -> pl.DataFrame:
    """Set what each earlier statement expected by the closing's date beside what came by then.

    Of each earlier date its published statement is graded, else its newest; as long as its horizon
    has not ended. Both figures are of the customers whom a portfolio held at the statement's date,
    whoever holds them now; nominal.

    Returns:
        `graded_as_of`, `portfolio_id`, `customers`, `expected_minor`, `came_minor`.
    """
    found = [_grade(statement, runs) for statement in _earlier(runs.closing.as_of)]
    return pl.concat([pl.DataFrame(schema=_SCHEMA), *found])


def _earlier(as_of: date) -> list[Statement]:
    """The statement that counts of each earlier date that is still projected from."""
    rows = Statement.objects.filter(as_of__lt=as_of).select_related("closing_run")
    newest: dict[date, Statement] = {}
    for each in sorted(
        rows, key=lambda row: (row.published_at is not None, row.drafted_at, row.id)
    ):
        newest[each.as_of] = each
    return [
        each
        for day, each in sorted(newest.items())
        if (as_of - day).days <= each.closing_run.horizon_days
    ]


def _grade(statement: Statement, runs: Runs) -> pl.DataFrame:
    run = statement.closing_run
    frame = valuations.valuations(run)
    window = Window.of(company_of(run.company_version), run.as_of)
    view = View.of(registry.models_of(run.purchase_model, run.spend_model), window)
    known = Histories.of(frame, view.minor_per_major)
    expected = view.margin(known, run.as_of, run.as_of, runs.closing.as_of, 0.0)
    came = realised_in_period(run, runs.closing).select("customer_id", came="realised_margin_minor")
    return (
        closing_portfolios(statement)
        .join(frame.select("customer_id", expected=pl.Series(expected)), on="customer_id")
        .join(came, on="customer_id", how="left")
        .group_by("portfolio_id")
        .agg(
            customers=pl.len().cast(pl.Int64),
            expected_minor=pl.col("expected").sum().round().cast(pl.Int64),
            came_minor=pl.col("came").fill_null(0).sum(),
        )
        .select(pl.lit(statement.as_of).alias("graded_as_of"), pl.all())
    )
