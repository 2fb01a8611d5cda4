"""Which movement of customer equity belongs to whom? Every line, customer by customer.

The bridge of each customer comes from `science.equity`. Who changed portfolio in the period is cut
in two at the opening value: the giver's piece is opening and hand-over, the receiver's the rest, so
that nobody earns by handing on or by being handed a customer. Whole minor units throughout.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from patronage.science.equity import Levels, bridge
from patronage.steer.errors import DoesNotClose, InNoPortfolio
from patronage.steer.models import LINES

MOVEMENTS: Final = LINES[1:-1]
_NAMED: Final = 3
#: columns of a statement's piece: whose, in which portfolio, and its lines
PIECE: Final = ("customer_id", "portfolio_id", *LINES)


def customer_bridges(levels: pl.DataFrame) -> pl.DataFrame:
    """Explain closing minus opening of each customer; hand-overs are all 0 yet.

    Args:
        levels: as of `differentiate.replay.levels`, with two columns more: `is_new`, whether the
            customer was not valued at the opening, and `is_panel`, whether they were first seen
            because recording began (their value is a panel entry, not an acquisition).

    Returns:
        `customer_id` and one column for each of `LINES`.
    """
    explained = bridge(
        Levels.of(
            opening=levels["opening_minor"].to_numpy(),
            expected_margin=levels["expected_margin_minor"].to_numpy(),
            remaining=levels["remaining_minor"].to_numpy(),
            rolled=levels["rolled_minor"].to_numpy(),
            closing_old_model=levels["closing_old_model_minor"].to_numpy(),
            closing=levels["closing_minor"].to_numpy(),
            is_new=levels["is_new"].to_numpy(),
        )
    )
    came = pl.Series(explained.new_customers)
    nothing = pl.zeros(len(levels), dtype=pl.Int64, eager=True)
    panel = levels["is_panel"]
    columns = {
        "opening": pl.Series(explained.opening),
        **{name: pl.Series(column) for name, column in explained.movements().items()},
        "panel_entry": came.zip_with(panel, nothing),
        "new_customers": nothing.zip_with(panel, came),
        "hand_overs": nothing,
        "closing": pl.Series(explained.closing),
    }
    return pl.DataFrame({"customer_id": levels["customer_id"]} | {k: columns[k] for k in LINES})


def pieces(bridges: pl.DataFrame, held: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Give each customer's lines to the portfolios they were in.

    Args:
        bridges: as of `customer_bridges`.
        held: `customer_id`, `portfolio_id` at the closing, `opening_portfolio_id` (NULL where the
            customer was in none yet).

    Returns:
        Columns `PIECE`; one row a customer, two for who changed portfolio, sorted by both ids.

    Raises:
        InNoPortfolio: a customer is in none at the closing, or in none with an opening value.
    """
    placed = bridges.join(held, on="customer_id", how="left")
    before = pl.col("opening_portfolio_id")
    homeless = placed.filter(
        pl.col("portfolio_id").is_null() | (before.is_null() & (pl.col("opening") != 0))
    )["customer_id"]
    if len(homeless):
        raise InNoPortfolio(
            customer_ids=homeless.sort().head(_NAMED).to_list(), count=len(homeless), end=as_of
        )
    moved = (before != pl.col("portfolio_id")).fill_null(False)
    stayed = placed.filter(~moved).select(PIECE)
    movers = placed.filter(moved)
    zero = pl.lit(0, pl.Int64)
    giver = movers.select(
        "customer_id",
        before.alias("portfolio_id"),
        "opening",
        *(zero.alias(name) for name in MOVEMENTS if name != "hand_overs"),
        (-pl.col("opening")).alias("hand_overs"),
        zero.alias("closing"),
    ).select(PIECE)
    receiver = movers.with_columns(hand_overs=pl.col("opening"), opening=zero).select(PIECE)
    return pl.concat([stayed, giver, receiver]).sort("customer_id", "portfolio_id")


def by_portfolio(rows: pl.DataFrame, portfolio_ids: list[str]) -> pl.DataFrame:
    """Add pieces up by portfolio, those without any included: `portfolio_id` and `LINES`."""
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
