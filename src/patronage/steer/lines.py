"""Do the lines of a statement add up? Pieces make customers, customers portfolios, these the whole.

Whole minor units throughout.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from patronage.steer.errors import DoesNotClose
from patronage.steer.models import LINES

#: what a row of the statement is of: a customer in a portfolio, and who shares the experience
ROW: Final = ("customer_id", "portfolio_id", "handed_from")


def rows_of(pieces: pl.DataFrame) -> pl.DataFrame:
    """Add pieces up: columns `ROW` and `LINES`, sorted."""
    return pieces.group_by(ROW).agg(pl.col(LINES).sum()).sort(ROW)


def by_portfolio(rows: pl.DataFrame, portfolio_ids: list[str]) -> pl.DataFrame:
    """Add rows up by portfolio, those without any included: `portfolio_id` and `LINES`."""
    wanted = pl.DataFrame({"portfolio_id": portfolio_ids}, schema={"portfolio_id": pl.String})
    summed = rows.group_by("portfolio_id").agg(pl.col(LINES).sum())
    filled = wanted.join(summed, on="portfolio_id", how="left")
    return filled.with_columns(pl.col(LINES).fill_null(0))


def checksum(rows: pl.DataFrame) -> pl.Series:
    """Opening and movements less closing, row by row."""
    return rows.select(pl.sum_horizontal(LINES[:-1]) - pl.col("closing")).to_series()


def require_closed(rows: pl.DataFrame, portfolios: pl.DataFrame) -> int:
    """Prove that everything closes and adds up; give the enterprise's check sum.

    Raises:
        DoesNotClose: a customer, a portfolio or the enterprise does not, or hand-overs are not 0
            in total, or the portfolios do not add up to the customers.
    """
    for noun, key, frame in (
        ("customer", "customer_id", rows),
        ("portfolio", "portfolio_id", portfolios),
    ):
        differences = checksum(frame)
        open_rows = differences.to_frame("off").with_columns(frame[key]).filter(pl.col("off") != 0)
        if len(open_rows):
            off, name = open_rows.row(0)
            raise DoesNotClose(what=f"{noun} {name}", difference_minor=off)
    handed = int(rows["hand_overs"].sum())
    if handed:
        raise DoesNotClose(what="hand-overs of the enterprise", difference_minor=handed)
    apart = portfolios.select(pl.col(LINES).sum()).row(0)
    together = rows.select(pl.col(LINES).sum()).row(0)
    for line, one, other in zip(LINES, apart, together, strict=True):
        if one != other:
            raise DoesNotClose(what=f"portfolios' {line}", difference_minor=one - other)
    return int(checksum(portfolios).sum())
