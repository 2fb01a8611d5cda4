"""Expected spend follows the customer as evidence grows, and matches simulated customers."""

import math

import numpy as np
import pytest

from patronage.science.lifetime import GammaGamma

MODEL = GammaGamma.from_parameters(p=6.25, q=3.74, v=15.44)


def test_an_unknown_customer_is_expected_to_spend_the_population_mean() -> None:
    assert MODEL.population_mean == pytest.approx(6.25 * 15.44 / 2.74)
    assert MODEL.expected_spend(0, math.nan)[0] == pytest.approx(MODEL.population_mean)


def test_expected_spend_moves_from_the_population_to_the_customers_own_average() -> None:
    expected = MODEL.expected_spend([0, 1, 5, 500], [0.0, 100.0, 100.0, 100.0])
    assert np.all(np.diff(expected) > 0)
    assert expected[-1] == pytest.approx(100.0, abs=0.2)
    variance = MODEL.spend_variance([1, 5, 500], [100.0, 100.0, 100.0])
    assert np.all(np.diff(variance) < 0)


def test_a_mean_or_variance_that_does_not_exist_is_infinite() -> None:
    heavy = GammaGamma.from_parameters(p=0.5, q=0.9, v=10.0)
    assert heavy.population_mean == math.inf
    assert heavy.expected_spend([0, 1], [0.0, 20.0])[0] == math.inf
    assert heavy.expected_spend([0, 1], [0.0, 20.0])[1] < math.inf
    assert heavy.spend_variance(1, 20.0)[0] == math.inf
    assert heavy.purchase_spend_variance(1, 20.0)[0] == math.inf


def test_a_fit_recovers_the_truth_and_its_posterior_matches_the_customers() -> None:
    rng = np.random.default_rng(4)
    n = 60_000
    p, q, v = 3.0, 5.0, 60.0
    rate = rng.gamma(q, 1 / v, n)
    x = rng.integers(1, 6, n)
    average = rng.gamma(p * x) / (rate * x)
    fit = GammaGamma.fit(frequency=x, average_spend=average)
    assert fit.converged
    assert fit.gradient_norm < 1e-6
    for name, true in (("p", p), ("q", q), ("v", v)):
        error = abs(getattr(fit.parameters, name) - true)
        assert error < 4 * getattr(fit.standard_errors, name)
    known = GammaGamma.from_parameters(p=p, q=q, v=v)
    miss = p / rate - known.expected_spend(x, average)
    assert abs(miss.mean()) < 4 * miss.std() / math.sqrt(n)
    assert (miss**2).mean() == pytest.approx(known.spend_variance(x, average).mean(), rel=0.05)
    next_purchase = rng.gamma(p, 1 / rate)
    noise = (next_purchase - p / rate) ** 2
    assert noise.mean() == pytest.approx(known.purchase_spend_variance(x, average).mean(), rel=0.05)


def test_weights_count_customers() -> None:
    rng = np.random.default_rng(6)
    x = rng.integers(1, 6, 300)
    average = rng.gamma(3.0 * x) / (rng.gamma(5.0, 1 / 60.0, 300) * x)
    times = rng.integers(0, 3, 300)
    weighted = GammaGamma.fit(frequency=x, average_spend=average, weights=times)
    repeated = GammaGamma.fit(
        frequency=np.repeat(x, times), average_spend=np.repeat(average, times)
    )
    assert weighted.parameters.q == pytest.approx(repeated.parameters.q, rel=1e-7)
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood, rel=1e-12)
