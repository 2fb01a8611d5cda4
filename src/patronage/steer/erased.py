"""What leaves with customers whose rows are gone, so that nobody can name them any more?"""

from __future__ import annotations

from typing import Final

import polars as pl

from patronage.steer.inputs import Runs, previous_statement
from patronage.steer.lines import ROW
from patronage.steer.models import LINES

#: stands in a statement's rows for all customers of a portfolio whose valuations were erased
ERASED: Final = "erased"


def with_erased(rows: pl.DataFrame, runs: Runs) -> pl.DataFrame:
    """Add what each portfolio was stated to close with and nobody's row accounts for any more.

    Erasing a customer takes every row of theirs out of the valuations. What the portfolio closed
    with stays published, so the next quarter opens with it, and what is missing leaves at once.

    Args:
        rows: columns `lines.ROW` and the lines.
    """
    previous = None if runs.opening is None else previous_statement(runs)
    if previous is None:
        return rows
    stated = previous.lines.filter(kind="closing").values_list("portfolio_id", "amount_minor")
    schema = {"portfolio_id": pl.String, "stated": pl.Int64}
    closed = pl.DataFrame(list(stated), schema=schema, orient="row")
    opened = rows.group_by("portfolio_id").agg(opened=pl.col("opening").sum())
    missing = (
        closed.join(opened, on="portfolio_id", how="left")
        .with_columns(missing=pl.col("stated") - pl.col("opened").fill_null(0))
        .filter(pl.col("missing") != 0)
    )
    zero = {name: pl.lit(0, pl.Int64) for name in LINES}
    gone = missing.select(
        "portfolio_id",
        customer_id=pl.lit(ERASED),
        handed_from=pl.lit(None, pl.String),
        **zero | {"opening": pl.col("missing"), "erased": -pl.col("missing")},
    )
    return pl.concat([rows, gone.select(*ROW, *LINES)]).sort(ROW)
