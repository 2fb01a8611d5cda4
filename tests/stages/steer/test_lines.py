"""Every movement is somebody's, nothing is lost on the way, and nobody earns by a hand-over."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patronage.science import equity
from patronage.science.equity import BridgeLines, Levels
from patronage.steer import lines
from patronage.steer.errors import DoesNotClose, InNoPortfolio
from patronage.steer.lines import by_portfolio, checksum, customer_bridges, pieces, require_closed
from patronage.steer.models import LINES
from patronage.warehouse.schemas import STATEMENT_LINES

AS_OF = date(2024, 9, 30)
PORTFOLIOS = ["north", "south", "west"]

_LEVELS = {
    "customer_id": pl.String,
    "opening_minor": pl.Int64,
    "expected_margin_minor": pl.Int64,
    "remaining_minor": pl.Int64,
    "rolled_minor": pl.Int64,
    "closing_old_model_minor": pl.Int64,
    "closing_minor": pl.Int64,
    "is_new": pl.Boolean,
    "is_panel": pl.Boolean,
}
_HELD = {"customer_id": pl.String, "portfolio_id": pl.String, "opening_portfolio_id": pl.String}

#: worked out by hand; amounts in cents
THREE_CUSTOMERS = pl.DataFrame(
    [
        ("anna", 100_00, 20_00, 82_00, 6_00, 95_00, 97_00, False, False),
        ("boris", 50_00, 10_00, 41_00, 3_00, 24_00, 25_00, False, False),
        ("clara", 0, 0, 0, 0, 30_00, 29_00, True, False),
    ],
    schema=_LEVELS,
    orient="row",
)
#: Boris was handed from north to south
HELD = pl.DataFrame(
    [("anna", "north", "north"), ("boris", "south", "north"), ("clara", "south", None)],
    schema=_HELD,
    orient="row",
)


def of(frame: pl.DataFrame, portfolio: str) -> dict[str, int]:
    row = frame.filter(pl.col("portfolio_id") == portfolio).row(0, named=True)
    return {name: row[name] for name in LINES}


def bridged(**amounts: int) -> dict[str, int]:
    return dict.fromkeys(LINES, 0) | amounts


def test_three_customers_and_a_hand_over_come_out_as_worked_out_by_hand() -> None:
    rows = pieces(customer_bridges(THREE_CUSTOMERS), HELD, AS_OF)
    stated = by_portfolio(rows, PORTFOLIOS)

    assert of(stated, "north") == bridged(
        opening=150_00,
        expected_margin=-20_00,
        unwinding=2_00,
        roll_forward=6_00,
        experience=7_00,
        hand_overs=-50_00,
        model_change=2_00,
        closing=97_00,
    )
    assert of(stated, "south") == bridged(
        expected_margin=-10_00,
        unwinding=1_00,
        roll_forward=3_00,
        experience=-20_00,
        new_customers=30_00,
        hand_overs=50_00,
        closing=54_00,
    )
    assert of(stated, "west") == bridged()
    assert require_closed(rows, stated) == 0


def test_who_was_there_before_recording_began_is_not_an_acquisition() -> None:
    panel = THREE_CUSTOMERS.with_columns(is_panel=pl.col("customer_id") == "clara")
    south = of(by_portfolio(pieces(customer_bridges(panel), HELD, AS_OF), PORTFOLIOS), "south")

    assert (south["panel_entry"], south["new_customers"]) == (30_00, 0)


def test_the_giver_of_a_customer_keeps_nothing_of_what_follows() -> None:
    rows = pieces(customer_bridges(THREE_CUSTOMERS), HELD, AS_OF)
    given_away = rows.filter(customer_id="boris", portfolio_id="north").row(0, named=True)

    assert {name: given_away[name] for name in LINES} == bridged(opening=50_00, hand_overs=-50_00)


def test_a_valued_customer_whom_nobody_answers_for_is_refused() -> None:
    with pytest.raises(InNoPortfolio, match="anna"):
        pieces(customer_bridges(THREE_CUSTOMERS), HELD.filter(customer_id="clara"), AS_OF)
    forgotten = HELD.with_columns(opening_portfolio_id=pl.lit(None, pl.String))
    with pytest.raises(InNoPortfolio, match="2 valued customers"):
        pieces(customer_bridges(THREE_CUSTOMERS), forgotten, AS_OF)


_CENTS = st.integers(-(10**11), 10**11)
_NEW = st.tuples(
    *[st.just(0)] * 4, _CENTS, _CENTS, st.just(True), st.booleans(), st.sampled_from(PORTFOLIOS)
)
_KNOWN = st.tuples(*[_CENTS] * 6, st.just(False), st.booleans(), st.sampled_from(PORTFOLIOS))
_CUSTOMERS = st.lists(
    st.tuples(st.one_of(_NEW, _KNOWN), st.sampled_from(PORTFOLIOS)), min_size=1, max_size=40
)
Customers = list[tuple[tuple[int, int, int, int, int, int, bool, bool, str], str]]


def world_of(customers: Customers) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Levels and portfolios of generated customers."""
    names = [f"c{number}" for number in range(len(customers))]
    levels = [(name, *row[:8]) for name, (row, _) in zip(names, customers, strict=True)]
    held = [
        (name, closing, None if row[6] else row[8])
        for name, (row, closing) in zip(names, customers, strict=True)
    ]
    return (
        pl.DataFrame(levels, schema=_LEVELS, orient="row"),
        pl.DataFrame(held, schema=_HELD, orient="row"),
    )


@settings(max_examples=200, deadline=None)
@given(customers=_CUSTOMERS)
def test_whatever_happened_it_closes_for_each_customer_portfolio_and_the_enterprise(
    customers: Customers,
) -> None:
    levels, held = world_of(customers)
    rows = pieces(customer_bridges(levels), held, AS_OF)
    stated = by_portfolio(rows, PORTFOLIOS)

    each = rows.group_by("customer_id").agg(pl.col(LINES).sum())
    assert checksum(each).to_list() == [0] * len(levels)
    assert each["hand_overs"].to_list() == [0] * len(levels)
    assert checksum(stated).to_list() == [0] * len(PORTFOLIOS)
    assert stated["hand_overs"].sum() == 0
    assert stated["opening"].sum() == sum(row[0] for row, _ in customers)
    assert stated["closing"].sum() == sum(row[5] for row, _ in customers)
    assert require_closed(rows, stated) == 0
    for name in PORTFOLIOS:
        opened = sum(row[0] for row, _ in customers if not row[6] and row[8] == name)
        closed = sum(row[5] for row, at_the_end in customers if at_the_end == name)
        assert (of(stated, name)["opening"], of(stated, name)["closing"]) == (opened, closed)


def remainder_of_rounded_parts(levels: Levels) -> BridgeLines:
    """A bridge as a spreadsheet would have it: parts in dollars, experience what is left."""
    exact = equity.bridge(levels)
    dollars = {
        name: np.rint(column / 100).astype(np.int64) * 100
        for name, column in exact.movements().items()
    }
    known = sum(column for name, column in dollars.items() if name != "experience")
    whole = np.rint((exact.closing - exact.opening) / 100).astype(np.int64) * 100
    return BridgeLines(
        opening=exact.opening, closing=exact.closing, **dollars | {"experience": whole - known}
    )


def test_a_bridge_whose_experience_is_a_remainder_of_rounded_parts_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    odd = THREE_CUSTOMERS.with_columns(closing_minor=pl.col("closing_minor") + 49)
    monkeypatch.setattr(lines, "bridge", remainder_of_rounded_parts)
    rows = pieces(customer_bridges(odd), HELD, AS_OF)

    with pytest.raises(DoesNotClose, match="customer anna"):
        require_closed(rows, by_portfolio(rows, PORTFOLIOS))


def test_hand_overs_that_do_not_cancel_are_found_out() -> None:
    rows = pieces(customer_bridges(THREE_CUSTOMERS), HELD, AS_OF)
    kept = rows.with_columns(
        closing=pl.when(pl.col("hand_overs") < 0).then(50_00).otherwise(pl.col("closing")),
        hand_overs=pl.col("hand_overs").clip(lower_bound=0),
    )
    with pytest.raises(DoesNotClose, match="hand-overs"):
        require_closed(kept, by_portfolio(kept, PORTFOLIOS))


def test_a_portfolio_left_out_of_the_enterprise_is_found_out() -> None:
    rows = pieces(customer_bridges(THREE_CUSTOMERS), HELD, AS_OF)
    with pytest.raises(DoesNotClose, match="portfolios'"):
        require_closed(rows, by_portfolio(rows, ["south", "west"]))


def test_the_dataset_behind_a_statement_has_a_column_for_each_line() -> None:
    columns = {column.name for column in STATEMENT_LINES.columns}

    assert {name for name in columns if name.endswith("_minor")} == {
        f"{kind}_minor" for kind in LINES
    }
