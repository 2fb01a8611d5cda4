"""Customers make portfolios, portfolios the whole: what does not add up is found out."""

from __future__ import annotations

import polars as pl
import pytest

from patronage.science.equity import MOVEMENTS as BRIDGED
from patronage.steer.errors import DoesNotClose
from patronage.steer.lines import ROW, by_portfolio, checksum, require_closed, rows_of
from patronage.steer.models import LINES
from patronage.steer.pages.words import MEANINGS, TITLES, UNPAID
from patronage.warehouse.schemas import STATEMENT_LINES

PORTFOLIOS = ["north", "south", "west"]


def row(customer: str, portfolio: str, **amounts: int) -> dict[str, object]:
    return {
        "customer_id": customer,
        "portfolio_id": portfolio,
        "handed_from": None,
        **dict.fromkeys(LINES, 0),
        **amounts,
    }


#: Boris was handed from north to south; south's part of him in two pieces
ROWS = rows_of(
    pl.DataFrame(
        [
            row("anna", "north", opening=100_00, experience_spend=-5_00, closing=95_00),
            row("boris", "north", opening=50_00, hand_overs=-50_00),
            row("boris", "south", hand_overs=50_00, unwinding=1_00, rounding=1),
            row("boris", "south", experience_frequency=-20_01, closing=31_00),
        ],
        schema_overrides={"handed_from": pl.String},
    )
)


def test_pieces_of_one_customer_in_one_portfolio_are_one_row() -> None:
    assert ROWS.select("customer_id", "portfolio_id").rows() == [
        ("anna", "north"),
        ("boris", "north"),
        ("boris", "south"),
    ]
    assert checksum(ROWS).to_list() == [0, 0, 0]


def test_a_portfolio_is_the_sum_of_its_rows_and_one_without_any_is_of_zeros() -> None:
    stated = by_portfolio(ROWS, PORTFOLIOS)

    assert stated["opening"].to_list() == [150_00, 0, 0]
    assert stated["closing"].to_list() == [95_00, 31_00, 0]
    assert require_closed(ROWS, stated) == 0


def test_a_cent_too_many_is_found_out() -> None:
    off = ROWS.with_columns(
        unwinding=pl.col("unwinding") + (pl.col("portfolio_id") == "south").cast(pl.Int64)
    )
    with pytest.raises(DoesNotClose, match="customer boris"):
        require_closed(off, by_portfolio(off, PORTFOLIOS))


def test_hand_overs_that_do_not_cancel_are_found_out() -> None:
    kept = ROWS.with_columns(
        closing=pl.when(pl.col("hand_overs") < 0).then(50_00).otherwise(pl.col("closing")),
        hand_overs=pl.col("hand_overs").clip(lower_bound=0),
    )
    with pytest.raises(DoesNotClose, match="hand-overs"):
        require_closed(kept, by_portfolio(kept, PORTFOLIOS))


def test_a_portfolio_left_out_of_the_enterprise_is_found_out() -> None:
    with pytest.raises(DoesNotClose, match="portfolios'"):
        require_closed(ROWS, by_portfolio(ROWS, ["south", "west"]))


def test_the_dataset_behind_a_statement_has_a_column_for_each_line() -> None:
    columns = {column.name for column in STATEMENT_LINES.columns}

    assert {name for name in columns if name.endswith("_minor")} == {
        f"{kind}_minor" for kind in LINES
    }
    assert set(ROW) < columns


def test_the_statement_has_the_lines_of_the_bridge_each_with_a_name_and_a_meaning() -> None:
    assert ("opening", *BRIDGED, "closing") == LINES
    assert tuple(TITLES) == tuple(MEANINGS) == LINES
    # shown in one group, so that "paid to nobody" stands once and above all of them
    assert {*LINES[-1 - len(UNPAID) : -1]} == UNPAID
