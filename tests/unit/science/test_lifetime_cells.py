"""Customers with one history are one cell, by whichever way they are sorted."""

import numpy as np
import pytest

from patronage.science.lifetime import Cells


def histories(n: int, longest: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(longest)
    T = rng.integers(1, longest, n).astype(np.float64)
    t_x = np.floor(T * rng.random(n))
    return np.where(t_x > 0, rng.integers(1, 6, n), 0.0), t_x, T


@pytest.mark.parametrize(("n", "longest"), [(1, 5), (7, 3), (5000, 20), (5000, 3000), (900, 10**8)])
@pytest.mark.parametrize("weighted", [False, True])
def test_whole_days_and_fractions_are_sorted_alike(n: int, longest: int, weighted: bool) -> None:
    x, t_x, T = histories(n, longest)
    weights = np.arange(n) % 4 + (np.arange(n) == 0) if weighted else None
    whole = Cells.from_customers(frequency=x, recency=t_x, age=T, weights=weights)
    halves = Cells.from_customers(frequency=x, recency=t_x / 2, age=T / 2, weights=weights)
    assert halves.size == whole.size
    np.testing.assert_array_equal(whole.frequency, halves.frequency)
    np.testing.assert_array_equal(whole.recency, halves.recency * 2)
    np.testing.assert_array_equal(whole.age, halves.age * 2)
    np.testing.assert_array_equal(whole.weight, halves.weight)
    assert whole.customers == (n if weights is None else weights.sum())


def test_cells_count_what_a_dictionary_counts() -> None:
    x, t_x, T = histories(3000, 30)
    counted: dict[tuple[float, float, float], int] = {}
    for row in zip(x.tolist(), t_x.tolist(), T.tolist(), strict=True):
        counted[row] = counted.get(row, 0) + 1
    cells = Cells.from_customers(frequency=x, recency=t_x, age=T)
    columns = (cells.frequency, cells.recency, cells.age, cells.weight)
    found = {
        (a, b, c): d for a, b, c, d in zip(*(column.tolist() for column in columns), strict=True)
    }
    assert found == counted


def test_cells_cannot_be_changed() -> None:
    cells = Cells.from_customers(frequency=[0, 0], recency=[0, 0], age=[3, 3])
    with pytest.raises(ValueError, match="read-only"):
        cells.weight[0] = 5.0
