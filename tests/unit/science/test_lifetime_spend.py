"""Expected spend follows the customer as evidence grows, and matches simulated customers."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from patronage.science.lifetime import (
    SPEND_MODELS,
    GammaGamma,
    InconsistentHistory,
    InvalidParameter,
    LognormalSpend,
    NotIdentified,
)

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


def spend_answers(model: Any, x: Any, z: Any) -> list[Callable[[], object]]:
    """Everything that a spend model is asked about customers."""
    return [
        lambda: model.expected_spend(x, z),
        lambda: model.spend_variance(x, z),
        lambda: model.purchase_spend_variance(x, z),
        lambda: model.log_likelihood_of(frequency=x, average_spend=z),
        lambda: type(model).fit(frequency=x, average_spend=z),
    ]


SPENDS = (
    GammaGamma.from_parameters(p=6.0, q=4.0, v=15.0),
    LognormalSpend.from_parameters(mu=3.0, tau=0.5, sigma=0.5),
)


@pytest.mark.parametrize("model", SPENDS, ids=list(SPEND_MODELS))
@pytest.mark.parametrize(
    ("x", "z", "named"),
    [
        ([1, 2], [5, 0], r"average_spend must be finite and above 0.*row 1: "),
        ([1, 2], [-3, 5], r"average_spend must be finite and above 0.*row 0: "),
        ([1, 2], [5, math.nan], r"average_spend must be finite and above 0.*row 1: "),
        ([1, 2], [math.inf, 5], r"average_spend must be finite and above 0.*row 0: "),
        ([-1, 2], [3, 5], r"frequency must be a whole number.*row 0: "),
        ([1, 2.5], [3, 5], r"frequency must be a whole number.*row 1: "),
        ([], [], "No customers"),
    ],
)
def test_spend_that_is_no_amount_is_named(model: Any, x: Any, z: Any, named: str) -> None:
    for ask in spend_answers(model, x, z):
        with pytest.raises(InconsistentHistory, match=named):
            ask()


@pytest.mark.parametrize("model", SPENDS, ids=list(SPEND_MODELS))
def test_one_time_buyers_say_nothing_about_spend_and_score_nothing(model: Any) -> None:
    nobody = np.zeros(50)
    assert model.log_likelihood_of(frequency=nobody, average_spend=nobody) == 0.0
    assert np.all(model.expected_spend(nobody, nobody) == pytest.approx(model.population_mean))
    with pytest.raises(NotIdentified, match="0 customers with a repeat purchase"):
        type(model).fit(frequency=nobody, average_spend=nobody)
    with pytest.raises(NotIdentified, match="0 customers with a repeat purchase"):
        type(model).fit(frequency=[1, 2, 3, 4], average_spend=[5, 6, 7, 8], weights=0)
    with pytest.raises(InconsistentHistory, match=r"weights must be finite.*row 1: "):
        type(model).fit(frequency=[1, 2], average_spend=[5, 6], weights=[1, -1])


def test_a_lognormal_without_a_finite_variance_is_none() -> None:
    for mu, tau, sigma in ((800.0, 1.0, 1.0), (1.0, 40.0, 1.0), (1.0, 1.0, 40.0)):
        with pytest.raises(InvalidParameter, match="no finite variance"):
            LognormalSpend.from_parameters(mu=mu, tau=tau, sigma=sigma)
