"""Costs are allocated so that customers sum to the company, whatever the amounts."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patronage.differentiate.valuation.history import PARTS_PER_UNIT
from patronage.differentiate.valuation.profit import allocated, half_even

amounts = st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=60)


def exact_total(parts: list[int]) -> int:
    return round(Fraction(sum(parts), PARTS_PER_UNIT))


@given(amounts)
def test_rows_sum_to_the_rounded_total_and_none_is_a_unit_off(parts: list[int]) -> None:
    whole = allocated(np.array(parts, dtype=np.int64)).tolist()

    assert sum(whole) == exact_total(parts)
    assert all(
        abs(Fraction(part, PARTS_PER_UNIT) - row) < 1
        for part, row in zip(parts, whole, strict=True)
    )


def test_rounding_each_row_alone_loses_cents() -> None:
    parts = [400_000] * 10

    def alone(values: list[int]) -> list[int]:
        return [half_even(value, PARTS_PER_UNIT) for value in values]

    assert sum(alone(parts)) != exact_total(parts)
    assert allocated(np.array(parts, dtype=np.int64)).tolist() == [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("numerator", "expected"), [(5, 0), (15, 2), (25, 2), (-5, 0), (-15, -2), (14, 1), (16, 2)]
)
def test_halves_go_to_the_even_neighbour(numerator: int, expected: int) -> None:
    assert half_even(numerator, 10) == expected
