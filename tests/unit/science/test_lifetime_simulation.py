"""Simulated futures are those that the Pareto/NBD formulas expect."""

import numpy as np
import pytest

from patronage.science.lifetime import Cells, InvalidWindow, ParetoNBD

MODEL = ParetoNBD.from_parameters(r=0.8, alpha=40.0, s=1.5, beta=400.0)
N = 60_000


def new_customers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.zeros(N), np.zeros(N), np.zeros(N)


def test_simulated_purchases_are_those_expected_of_each_history() -> None:
    rng = np.random.default_rng(3)
    for x, t_x, T in [(0, 0, 0), (0, 0, 200), (3, 90, 200), (12, 190, 200)]:
        future = MODEL.simulate(np.full(N, x), np.full(N, t_x), np.full(N, T), days=180, rng=rng)
        expected = MODEL.purchase_moments(x, t_x, T, horizon_days=180)
        error = np.sqrt(expected.variance[0] / N)
        assert abs(future.purchases.mean() - expected.mean[0]) < 4 * error
        assert future.purchases.var() == pytest.approx(expected.variance[0], rel=0.1)
        buys = expected.probability_of_purchase[0]
        assert abs((future.purchases > 0).mean() - buys) < 4 * np.sqrt(buys * (1 - buys) / N)


def test_a_future_continues_its_history() -> None:
    rng = np.random.default_rng(4)
    x, t_x, T = np.full(N, 2.0), np.full(N, 30.0), np.full(N, 100.0)
    future = MODEL.simulate(x, t_x, T, days=50, rng=rng)
    bought = future.purchases > 0
    assert np.array_equal(future.frequency, x + future.purchases)
    assert np.all(future.age == 150)
    assert np.all(future.recency[~bought] == 30)
    assert np.all((future.recency[bought] > 100) & (future.recency[bought] <= 150))
    again = MODEL.simulate(x, t_x, T, days=50, rng=np.random.default_rng(4))
    assert np.array_equal(again.recency, future.recency)


def test_two_futures_in_a_row_are_one_long_one() -> None:
    """What is known after the first future, alive or not, is in the history it leaves."""
    rng = np.random.default_rng(5)
    first = MODEL.simulate(*new_customers(), days=200, rng=rng)
    second = MODEL.simulate(first.frequency, first.recency, first.age, days=300, rng=rng)
    expected = MODEL.purchase_moments(0, 0, 0, horizon_days=500)
    error = np.sqrt(expected.variance[0] / N)
    assert abs(second.frequency.mean() - expected.mean[0]) < 4 * error
    assert second.frequency.var() == pytest.approx(expected.variance[0], rel=0.06)


def test_the_log_likelihood_of_cells_is_the_one_the_fit_reports() -> None:
    future = MODEL.simulate(*new_customers(), days=400, rng=np.random.default_rng(6))
    cells = Cells.from_customers(
        frequency=future.frequency[:2000], recency=future.recency[:2000], age=future.age[:2000]
    )
    fit = ParetoNBD.fit(cells)
    assert fit.log_likelihood_of(cells) == pytest.approx(fit.log_likelihood, rel=1e-12)
    assert MODEL.log_likelihood_of(cells) < fit.log_likelihood


def test_a_future_without_an_end_is_refused() -> None:
    with pytest.raises(InvalidWindow, match="horizon_days"):
        MODEL.simulate(0, 0, 0, days=float("inf"), rng=np.random.default_rng(7))
