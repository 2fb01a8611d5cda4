"""What did frozen projections expect of the time since, and what came? Portfolio by portfolio."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

import polars as pl

from patronage.access.company import company_of
from patronage.differentiate import reads as valuations
from patronage.differentiate import registry
from patronage.differentiate.replay import realised
from patronage.differentiate.valuation.pieces import nominal_margin
from patronage.differentiate.valuation.scoring import Window
from patronage.steer.inputs import Runs, closing_portfolios
from patronage.steer.models import Statement

_SCHEMA: Final = {
    "graded_as_of": pl.Date,
    "portfolio_id": pl.String,
    "customers": pl.Int64,
    "expected_minor": pl.Int64,
    "came_minor": pl.Int64,
}


def grades(runs: Runs, earned: pl.DataFrame) -> pl.DataFrame:
    """Set what each earlier statement expected by the closing's date beside what came by then.

    Of each earlier date its published statement is graded, else its newest; as long as its horizon
    has not ended. Both figures are of the customers whom a portfolio held at the statement's date,
    whoever holds them now; nominal.

    Args:
        earned: `customer_id` and `realised_margin_minor` of the closing's quarter.

    Returns:
        `graded_as_of`, `portfolio_id`, `customers`, `expected_minor`, `came_minor`.
    """
    graded = _earlier(runs.closing.as_of)
    held = {each.as_of: closing_portfolios(each) for each in graded}
    came = _came(held, runs, earned)
    found = [_grade(each, held[each.as_of], came[each.as_of], runs) for each in graded]
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


def _came(
    held: Mapping[date, pl.DataFrame], runs: Runs, earned: pl.DataFrame
) -> dict[date, pl.DataFrame]:
    """What each customer left from each date to the closing: `customer_id`, `came`.

    The closing's quarter is as stated; what came before it is counted between one date and the
    next, all in one pass over the lines.
    """
    eve, closing = runs.period_start - timedelta(days=1), runs.closing.as_of
    early = [day for day in sorted(held) if day < eve]
    within = [(day, closing) for day in held if day > eve]
    counted = _counted([*pairwise([*early, eve]), *within] if early else within, held, runs)
    quarter = earned.select("customer_id", came="realised_margin_minor")
    found = {}
    for day in held:
        if day > eve:
            found[day] = counted.filter(after=day).select("customer_id", "came")
            continue
        before = counted.filter(pl.col("after").is_between(day, eve, closed="left"))
        both = pl.concat([before.select("customer_id", "came"), quarter])
        found[day] = both.group_by("customer_id").agg(pl.col("came").sum())
    return found


def _counted(
    stretches: list[tuple[date, date]], held: Mapping[date, pl.DataFrame], runs: Runs
) -> pl.DataFrame:
    """`customer_id`, `after`, `came` of everybody held by the beginning of each stretch."""
    schema = {"customer_id": pl.String, "after": pl.Date, "came": pl.Int64}
    if not stretches:
        return pl.DataFrame(schema=schema)
    windows = pl.concat(
        pl.concat(there.select("customer_id") for day, there in held.items() if day <= after)
        .unique()
        .with_columns(after=pl.lit(after), until=pl.lit(until))
        for after, until in stretches
    ).with_columns(key=pl.format("{}@{}", "customer_id", "after"))
    left = realised(runs.closing, windows).select("key", came="realised_margin_minor")
    return windows.join(left, on="key").select(*schema)


def _grade(
    statement: Statement, held: pl.DataFrame, came: pl.DataFrame, runs: Runs
) -> pl.DataFrame:
    run = statement.closing_run
    frame = valuations.valuations(run)
    window = Window.of(company_of(run.company_version), run.as_of)
    view = registry.view_of(run, window)
    expected = nominal_margin(frame, view, run.as_of, runs.closing.as_of)
    return (
        held.join(frame.select("customer_id", expected=expected), on="customer_id")
        .join(came, on="customer_id", how="left")
        .group_by("portfolio_id")
        .agg(
            customers=pl.len().cast(pl.Int64),
            expected_minor=pl.col("expected").sum().round().cast(pl.Int64),
            came_minor=pl.col("came").fill_null(0).sum(),
        )
        .select(pl.lit(statement.as_of).alias("graded_as_of"), pl.all())
    )
