"""Opening plus movements is closing: customer, portfolio and enterprise, to the cent."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patronage.science.equity import (
    MOVEMENTS,
    BridgeLines,
    InvalidFigures,
    Levels,
    bridge,
    return_on_customer,
    round_half_even_minor,
    sum_by,
)

LEVELS = ("opening", "expected_margin", "remaining", "rolled", "closing_old_model", "closing")


def random_levels(rng: np.random.Generator, rows: int, largest: int) -> Levels:
    columns = {name: rng.integers(-largest, largest, rows) for name in LEVELS}
    new = rng.random(rows) < 0.3
    for name in LEVELS[:4]:
        columns[name][new] = 0
    return Levels.of(**columns, is_new=new)


def residue(lines: BridgeLines) -> Any:
    return lines.opening + sum(lines.movements().values()) - lines.closing


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 60), st.sampled_from([10, 10**6, 2**52]))
def test_every_customer_closes_to_the_cent(seed: int, rows: int, largest: int) -> None:
    lines = bridge(random_levels(np.random.default_rng(seed), rows, largest))
    assert np.all(residue(lines) == 0)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60))
def test_portfolios_add_up_to_the_enterprise(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    lines = bridge(random_levels(rng, rows, 10**9))
    portfolios = sum_by(rng.choice(["north", "south", "west"], rows), lines)
    assert portfolios.lines.totals() == lines.totals()
    assert np.all(residue(portfolios.lines) == 0)


def test_lines_rounded_one_by_one_would_not_close() -> None:
    rng = np.random.default_rng(1)
    opening, movement = rng.uniform(0, 100, 500), rng.uniform(0, 10, 500)
    rounded = round_half_even_minor(opening) + round_half_even_minor(movement)
    assert np.any(rounded != round_half_even_minor(opening + movement))


def test_three_customers_by_hand() -> None:
    """One as expected, one who bought more, one new; the model then raises everyone by a tenth."""
    lines = bridge(
        Levels.of(
            opening=[10_000, 5_000, 0],
            expected_margin=[1_000, 500, 0],
            remaining=[9_200, 4_600, 0],
            rolled=[300, 150, 0],
            closing_old_model=[9_500, 6_000, 2_000],
            closing=[10_450, 6_600, 2_200],
            is_new=[False, False, True],
        )
    )
    assert lines.expected_margin.tolist() == [-1_000, -500, 0]
    assert lines.unwinding.tolist() == [200, 100, 0]
    assert lines.roll_forward.tolist() == [300, 150, 0]
    assert lines.experience.tolist() == [0, 1_250, 0]
    assert lines.new_customers.tolist() == [0, 0, 2_000]
    assert lines.model_change.tolist() == [950, 600, 200]
    assert lines.totals()["closing"] == 19_250
    split = sum_by([7, 7, 9], lines)
    assert split.of(7)["experience"] == 1_250
    assert split.of(9)["new_customers"] == 2_000
    with pytest.raises(KeyError, match="No customers in group 8"):
        split.of(8)


def test_the_movements_are_all_lines_but_opening_and_closing() -> None:
    assert {"opening", "closing", *MOVEMENTS} == {f.name for f in fields(BridgeLines)}


def good() -> dict[str, Any]:
    return {name: [100, 200] for name in LEVELS}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"opening": [1.5, 2.0]}, "opening must be .*integer.*float64"),
        ({"closing": [1]}, "equally long"),
        ({"closing": [1, 2**60]}, r"closing must be below 2\^53.*row 1"),
        ({"is_new": [False, True]}, "opening must be 0 for a new customer.*row 1"),
        ({"is_new": [False]}, "is_new must have 2 rows"),
    ],
)
def test_levels_that_cannot_be_bridged_are_refused(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidFigures, match=named):
        Levels.of(**good() | wrong)


def test_sums_that_64_bits_cannot_hold_are_refused_not_wrapped() -> None:
    rows = 2_000
    columns = {name: np.full(rows, 2**53) for name in LEVELS}
    lines = bridge(Levels.of(**columns))
    with pytest.raises(InvalidFigures, match="2\\^62"):
        lines.totals()
    with pytest.raises(InvalidFigures, match="2\\^62"):
        sum_by(np.zeros(rows, dtype=np.int64), lines)


def test_groups_need_one_key_a_customer() -> None:
    lines = bridge(Levels.of(**good()))
    with pytest.raises(InvalidFigures, match="groups must hold"):
        sum_by([1], lines)
    with pytest.raises(InvalidFigures, match="groups must hold"):
        sum_by([1.0, np.nan], lines)


def test_halves_go_to_the_even_cent() -> None:
    assert round_half_even_minor([0.125, 0.375, -0.125, 2.0]).tolist() == [12, 38, -12, 200]
    assert round_half_even_minor([2.5, 3.5], minor_per_major=1).tolist() == [2, 4]
    with pytest.raises(InvalidFigures, match="finite"):
        round_half_even_minor([np.nan])
    with pytest.raises(InvalidFigures, match=r"2\^53"):
        round_half_even_minor([1e15])


def test_return_on_customer_by_hand() -> None:
    found = return_on_customer(
        realised_margin=1_000,
        opening=10_000,
        closing=11_500,
        hand_overs=2_000,
        time_weighted_hand_overs=500,
        not_attributable=-550,
    )
    assert (found.gain, found.base) == (1_050, 10_500)
    assert found.rate == pytest.approx(0.10)
    assert found.reason is None


@pytest.mark.parametrize("opening", [0, -300])
def test_return_on_no_equity_is_undetermined_not_zero(opening: int) -> None:
    found = return_on_customer(realised_margin=50, opening=opening, closing=900)
    assert found.rate is None
    assert found.reason is not None
    assert str(opening) in found.reason
