"""Scores of forecasts: their closed forms, and how often differences between them are right."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from patronage.science.lifetime import InconsistentHistory
from patronage.science.lifetime.forecast_scores import (
    brier_scores,
    covered,
    difference,
    log_scores,
    ranks_among_draws,
    reliability,
)
from patronage.science.lifetime.logistic import fit_logistic
from patronage.science.lifetime.predictive_levels import level_calibration

NOMINAL = (0.05, 0.95)


def test_scores_are_their_closed_forms() -> None:
    said, came = np.array([0.8, 0.8, 0.1]), np.array([1.0, 0.0, 0.0])

    assert_allclose(log_scores(said, came), np.log([0.8, 0.2, 0.9]))
    assert_allclose(brier_scores(said, came), [0.04, 0.64, 0.01])


def test_a_certain_forecast_that_fails_costs_much_and_not_everything() -> None:
    assert np.isfinite(log_scores(np.array([0.0, 1.0]), np.array([1.0, 0.0]))).all()


def test_reliability_is_murphys() -> None:
    """Brier = reliability - resolution + uncertainty, if a group has one probability."""
    rng = np.random.default_rng(1)
    said = np.repeat(np.linspace(0.05, 0.95, 10), 500)
    came = (rng.random(said.size) < said**1.3).astype(float)
    seen = reliability(said, came)
    gaps = np.subtract(seen.predicted, seen.happened)
    base = came.mean()
    brier = float(np.mean(gaps**2)) - seen.resolution + base * (1 - base)

    assert brier == pytest.approx(brier_scores(said, came).mean(), abs=1e-12)
    assert seen.calibration_error == pytest.approx(np.abs(gaps).mean())


def test_telling_nobody_apart_has_no_resolution() -> None:
    came = np.tile([1.0, 0.0], 500)

    assert reliability(np.full(1000, 0.5), came).resolution < 0.001


def test_ranks_of_the_truth_are_uniform_and_of_a_narrow_forecast_are_not() -> None:
    rng = np.random.default_rng(2)
    rate = rng.gamma(1.0, 2.0, 20_000)
    actual = rng.poisson(rate).astype(float)
    draws = rng.poisson(rng.gamma(1.0, 2.0, (39, 20_000))).astype(float)
    narrow = np.broadcast_to(rng.poisson(2.0, (39, 20_000)).astype(float), (39, 20_000))

    assert covered(ranks_among_draws(actual, draws, rng), NOMINAL) == pytest.approx(0.9, abs=0.01)
    assert covered(ranks_among_draws(actual, narrow, rng), NOMINAL) < 0.8
    learnt = level_calibration(ranks_among_draws(actual, narrow, rng))
    assert covered(ranks_among_draws(actual, narrow, rng), learnt.ends()) == pytest.approx(
        0.9, abs=0.02
    )


def test_a_difference_covers_the_truth_as_often_as_it_says() -> None:
    """200 simulated comparisons, rows of a customer correlated over origins."""
    rng = np.random.default_rng(4)
    customers = [np.arange(150)] * 3
    hits = 0
    for _ in range(200):
        shared = rng.normal(0.1, 1.0, 150)
        first = [shared + rng.normal(0, 0.5, 150) for _ in range(3)]
        gap = difference(first, [np.zeros(150)] * 3, customers)
        hits += gap.low <= 0.1 <= gap.high

    assert 180 <= hits <= 199


def test_taking_rows_of_one_customer_for_independent_is_too_sure() -> None:
    """The broken twin: the same rows, each a customer of its own."""
    rng = np.random.default_rng(4)
    shared = rng.normal(0.1, 1.0, 150)
    first, second = [shared] * 3, [np.zeros(150)] * 3
    honest = difference(first, second, [np.arange(150)] * 3)
    naive = difference(first, second, [np.arange(150) + 150 * place for place in range(3)])

    assert naive.high - naive.low < 0.65 * (honest.high - honest.low)


def test_scores_that_do_not_pair_are_refused() -> None:
    with pytest.raises(InconsistentHistory):
        difference([np.zeros(3)], [np.zeros(3)], [np.arange(2)])


def test_the_small_logistic_regression_finds_scipys_optimum() -> None:
    rng = np.random.default_rng(5)
    columns = rng.normal(size=(400, 3))
    came = (rng.random(400) < expit(0.3 + columns @ [1.0, -0.8, 0.0])).astype(float)
    towards = np.array([0.0, 0.5, 0.5, 0.5])
    found = fit_logistic(columns, came, towards=towards.tolist(), strength=3.0, lowest=0.0)
    design, sign = np.column_stack([np.ones(400), columns]), 2 * came - 1

    def cost(at: np.ndarray) -> float:
        return float(1.5 * np.sum((at - towards) ** 2) - log_expit(sign * (design @ at)).sum())

    oracle = minimize(cost, towards, method="L-BFGS-B", bounds=[(None, None)] + [(0, None)] * 3)

    assert_allclose(found, oracle.x, atol=2e-4)
    assert found[2] == 0.0
    assert_array_equal(
        fit_logistic(columns[:0], came[:0], towards=towards.tolist(), strength=1), towards
    )
