"""Three customers, a hand-over, a merge and a late line, worked out by hand, in cents.

Anna is north's. A line of hers came late: with it she was worth 104.00 at the opening, not 100.00.
Boris falls silent in north's hands and is handed to south on day 40, worth 43.00 that day. Clara
first buys on day 20, from south; on day 60 she turns out to be Anna, and both together are worth
130.00, 6.00 more than the two apart.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patronage.science.equity import (
    ATTRIBUTABLE,
    MOVEMENTS,
    UNATTRIBUTABLE,
    InvalidFigures,
    Levels,
    bridge,
    paid_for,
    sum_by,
)

PORTFOLIOS = np.array(["north", "north", "north", "south", "south"])
#: Anna until day 60; Anna with Clara; Boris with north; Boris with south; Clara until day 60
BY_HAND: dict[str, Any] = {
    "begins_as": ["opening", "handed", "opening", "handed", "new"],
    "begins": [10_000, 13_000, 5_000, 4_300, 2_000],
    "received": [0, 10_300 + 2_100, 0, 4_300, 0],
    "ends_as": ["handed", "closing", "handed", "closing", "handed"],
    "ends": [10_300, 13_251, 4_300, 4_630, 2_100],
    "expected_margin": [650, 500, 200, 220, 150],
    "interest": [135, 90, 42, 45, 20],
    "rolled": [195, 130, 60, 70, 40],
    "awaited": [10_080, 12_720, 4_902, 4_195, 1_910],
    "at_old_spend": [10_300, 12_500, 4_300, 4_400, 2_100],
    "spend_effect": [0, 120, 0, 10, 0],
    "old_model": [0, 12_620, 0, 4_410, 0],
    "new_model": [0, 13_251, 0, 4_630, 0],
    "corrected": [10_400, 0, 5_000, 0, 0],
    "frozen": [10_000, 0, 5_000, 0, 0],
}
NORTH = {
    "opening": 15_000,
    "expected_margin": -1_350,
    "unwinding": 267,
    "roll_forward": 385,
    "experience_frequency": -602,
    "experience_spend": 120,
    "hand_overs": -2_200,
    "model_change": 631,
    "identity": 600,
    "corrections": 400,
    "closing": 13_251,
}
SOUTH = {
    "new_customers": 2_000,
    "expected_margin": -370,
    "unwinding": 65,
    "roll_forward": 110,
    "experience_frequency": 395,
    "experience_spend": 10,
    "hand_overs": 2_200,
    "model_change": 220,
    "closing": 4_630,
}


def said(lines: dict[str, int]) -> dict[str, int]:
    return {name: amount for name, amount in lines.items() if amount}


def test_the_statement_by_hand() -> None:
    stated = sum_by(PORTFOLIOS, bridge(Levels.of(**BY_HAND)))

    assert said(dict(stated.of("north"))) == NORTH
    assert said(dict(stated.of("south"))) == SOUTH
    totals = stated.lines.totals()
    assert totals["hand_overs"] == 0
    assert totals["opening"] + sum(totals[name] for name in MOVEMENTS) == totals["closing"]


def test_a_merge_is_undone_by_the_parting() -> None:
    """Anna and Clara part on the day they were merged: in all, identity is nothing."""
    lines = bridge(
        Levels.of(
            begins_as=["opening", "handed", "handed", "new", "handed"],
            begins=[10_300, 13_000, 10_300, 2_100, 2_100],
            received=[0, 10_300 + 2_100, 13_000 - 2_100, 0, 2_100],
            ends_as=["handed", "handed", "closing", "handed", "closing"],
            ends=[10_300, 13_000, 10_300, 2_100, 2_100],
            awaited=[10_300, 13_000, 10_300, 2_100, 2_100],
            at_old_spend=[10_300, 13_000, 10_300, 2_100, 2_100],
        )
    )
    assert lines.identity.tolist() == [0, 600, -600, 0, 0]
    assert lines.totals()["hand_overs"] == 0


def test_who_is_erased_takes_the_opening_along_and_nothing_else() -> None:
    lines = bridge(Levels.of(begins=[7_000], ends=[7_000], ends_as=["erased"]))

    assert said(lines.totals()) == {"opening": 7_000, "erased": -7_000}


def test_a_dearer_currency_is_a_line_of_its_own() -> None:
    """Worth 50.00 abroad at 1.10 to the statement's currency, 1.15 at the closing."""
    lines = bridge(
        Levels.of(
            begins=[5_500],
            ends=[5_750],
            awaited=[5_500],
            at_old_spend=[5_500],
            currency_effect=[5_500 * (1.15 / 1.10 - 1)],
        )
    )
    assert said(lines.totals()) == {"opening": 5_500, "currency": 250, "closing": 5_750}


@pytest.mark.parametrize(
    "level", [name for name in BY_HAND if name not in ("begins_as", "ends_as", "received")]
)
@pytest.mark.parametrize("piece", [0, 1, 4])
def test_no_level_can_be_wrong_unnoticed(level: str, piece: int) -> None:
    wrong = [each + 3 * (place == piece) for place, each in enumerate(BY_HAND[level])]

    with pytest.raises(InvalidFigures, match=rf"no movement explains.*row {piece}: -?3"):
        bridge(Levels.of(**BY_HAND | {level: wrong}))


def test_the_check_has_power_where_one_level_in_two_lines_would_have_none() -> None:
    """The twin reckons experience from the same figure as the other lines: any error closes."""
    wrong = np.array(BY_HAND["awaited"]) + 500
    moved = Levels.of(**BY_HAND | {"awaited": wrong})
    twin = (
        (moved.awaited - moved.rolled - moved.interest + moved.expected_margin)
        - moved.expected_margin
        + moved.interest
        + moved.rolled
        + (moved.at_old_spend - moved.awaited)
        + moved.spend_effect
    )
    assert np.allclose(twin, moved.at_old_spend + moved.spend_effect)
    with pytest.raises(InvalidFigures, match="5 of 5 rows"):
        bridge(moved)


def random_levels(rng: np.random.Generator, rows: int, largest: float) -> Levels:
    """Pieces as a model makes them: real amounts that close, ends rounded to the cent."""
    real = {
        name: rng.uniform(-largest, largest, rows)
        for name in ("expected_margin", "interest", "rolled", "spend_effect", "new_model")
    }
    frozen = rng.uniform(-largest, largest, rows)
    corrected = frozen + rng.uniform(-largest, largest, rows) * (rng.random(rows) < 0.3)
    awaited = corrected - real["expected_margin"] + real["interest"] + real["rolled"]
    at_old_spend = awaited + rng.uniform(-largest, largest, rows)
    old = at_old_spend + real["spend_effect"]
    return Levels.of(
        **real,
        begins=np.rint(frozen).astype(np.int64),
        ends=np.rint(real["new_model"]).astype(np.int64),
        frozen=frozen,
        corrected=corrected,
        awaited=awaited,
        at_old_spend=at_old_spend,
        old_model=old,
    )


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 2**32), st.integers(0, 60), st.sampled_from([1.0, 1e4, 1e12]))
def test_every_piece_closes_and_rounding_is_a_cent_at_most(
    seed: int, rows: int, largest: float
) -> None:
    levels = random_levels(np.random.default_rng(seed), rows, largest)
    lines = bridge(levels)
    residue = lines.opening + sum(lines.movements().values()) - lines.closing

    assert np.all(residue == 0)
    assert np.all(np.abs(lines.rounding) <= 1)
    exact = {"expected_margin": -levels.expected_margin, "roll_forward": levels.rolled}
    for name, amounts in exact.items():
        assert np.all(np.abs(getattr(lines, name) - amounts) <= 1)


def test_most_lines_are_rounded_half_to_even_and_zero_stays_zero() -> None:
    levels = random_levels(np.random.default_rng(5), 4_000, 1e6)
    lines = bridge(levels)
    nearest = lines.experience_spend == np.rint(levels.spend_effect)

    assert nearest.mean() > 0.97
    assert np.all(lines.corrections[levels.corrected == levels.frozen] == 0)
    assert np.any(lines.rounding != 0)


def test_lines_are_paid_for_or_not_and_time_is_neither() -> None:
    time = {"expected_margin", "unwinding", "roll_forward", "hand_overs"}

    assert {*ATTRIBUTABLE, *UNATTRIBUTABLE, *time} == set(MOVEMENTS)
    assert (
        paid_for(NORTH | {"new_customers": 0}, realised_margin=1_500) == 1_500 - 1_350 - 602 + 120
    )


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"begins": [1.5, 2.0]}, "begins must be .*integer.*float64"),
        ({"ends": [1]}, "equally long"),
        ({"ends": [1, 2**60]}, r"ends must be below 2\^53.*row 1"),
        ({"rolled": [1.0, np.nan]}, "rolled must be finite.*row 1"),
        ({"rolled": [1.0]}, "equally long"),
        ({"received": [0, 5]}, "received must be 0 unless handed over.*row 1"),
        ({"begins_as": ["opening", "bought"]}, "begins_as must be one of opening.*row 1: bought"),
        ({"profit": [0, 0]}, "profit"),
    ],
)
def test_levels_that_cannot_be_bridged_are_refused(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidFigures, match=named):
        Levels.of(**{"begins": [100, 200], "ends": [100, 200]} | wrong)


def test_sums_that_64_bits_cannot_hold_are_refused_not_wrapped() -> None:
    amounts = np.full(2_000, 2**53)
    lines = bridge(Levels.of(begins=amounts, ends=amounts))
    with pytest.raises(InvalidFigures, match="2\\^62"):
        lines.totals()
    with pytest.raises(InvalidFigures, match="2\\^62"):
        sum_by(np.zeros(2_000, dtype=np.int64), lines)


def test_groups_need_one_key_a_piece() -> None:
    lines = bridge(Levels.of(begins=[1, 2], ends=[1, 2]))
    with pytest.raises(InvalidFigures, match="groups must hold"):
        sum_by([1], lines)
    with pytest.raises(InvalidFigures, match="groups must hold"):
        sum_by([1.0, np.nan], lines)
    with pytest.raises(KeyError, match="No customers in group 8"):
        sum_by([7, 7], lines).of(8)
