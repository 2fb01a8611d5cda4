"""Lognormal spend shrinks towards the base, takes what Gamma-Gamma cannot, and finds the truth."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from patronage.science.lifetime import (
    SPEND_MODELS,
    GammaGamma,
    InconsistentHistory,
    InvalidParameter,
    LognormalSpend,
    NotEstimated,
    NotIdentified,
)
from patronage.science.lifetime.lognormal_spend import _box, _objective
from patronage.science.lifetime.optimum import maximise
from patronage.science.lifetime.spend_model import SpendRows

MODEL = LognormalSpend.from_parameters(mu=3.4, tau=0.6, sigma=0.8)


def shoppers(
    customers: int, *, mu: float, tau: float, sigma: float, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Frequency, average of lognormal purchases, true mean, and one more purchase."""
    rng = np.random.default_rng(seed)
    mean = np.exp(rng.normal(mu, tau, customers))
    x = rng.integers(1, 9, customers)
    bought = rng.lognormal(-(sigma**2) / 2, sigma, (customers, 9))
    counted = np.arange(9) < x[:, None]
    average = mean * (bought * counted).sum(axis=1) / x
    return x, average, mean, mean * rng.lognormal(-(sigma**2) / 2, sigma, customers)


def test_a_stranger_spends_the_population_mean_and_a_regular_their_own() -> None:
    assert MODEL.population_mean == pytest.approx(math.exp(3.4 + 0.18))
    assert MODEL.expected_spend(0, math.nan)[0] == pytest.approx(MODEL.population_mean)
    expected = MODEL.expected_spend([0, 1, 5, 5000], [0.0, 100.0, 100.0, 100.0])
    assert np.all(np.diff(expected) > 0)
    assert expected[-1] == pytest.approx(100.0, rel=1e-3)
    assert np.all(np.diff(MODEL.spend_variance([1, 5, 500], [100.0, 100.0, 100.0])) < 0)


def test_one_purchase_is_exactly_the_normal_model_in_logs() -> None:
    """For one purchase nothing is approximated: the posterior is the textbook one."""
    noise, between = 0.8**2, 0.6**2
    weight = between / (between + noise)
    mean = 3.4 + weight * (math.log(50.0) + noise / 2 - 3.4)
    variance = between * noise / (between + noise)
    assert MODEL.expected_spend(1, 50.0)[0] == pytest.approx(math.exp(mean + variance / 2))
    total = between + noise
    away = math.log(50.0) + noise / 2 - 3.4
    density = -0.5 * math.log(2 * math.pi * total) - away**2 / (2 * total) - math.log(50.0)
    found = MODEL.log_likelihood_of(frequency=[1], average_spend=[50.0])
    assert found == pytest.approx(density)


def test_the_answers_are_what_numerical_integration_over_the_mean_gives() -> None:
    """SciPy's densities and quadrature, on the model as written: nothing of the closed forms."""
    x, z = 4, 60.0
    kappa = math.expm1(0.8**2)
    s = math.sqrt(math.log1p(kappa / x))

    def joint(mean: float) -> float:
        prior = stats.lognorm.pdf(mean, 0.6, scale=math.exp(3.4))
        return float(prior * stats.lognorm.pdf(z, s, scale=mean * math.exp(-s * s / 2)))

    def moment(power: int) -> float:
        value, _ = integrate.quad(
            lambda log: math.exp(log) ** (power + 1) * joint(math.exp(log)), 0.0, 8.0, epsabs=0
        )
        return float(value)

    evidence = moment(0)
    mean, second = moment(1) / evidence, moment(2) / evidence
    assert MODEL.expected_spend(x, z)[0] == pytest.approx(mean, rel=1e-7)
    assert MODEL.spend_variance(x, z)[0] == pytest.approx(second - mean**2, rel=1e-6)
    assert MODEL.purchase_spend_variance(x, z)[0] == pytest.approx(kappa * second, rel=1e-7)
    found = MODEL.log_likelihood_of(frequency=[x], average_spend=[z])
    assert found == pytest.approx(math.log(evidence), rel=1e-7)


def test_the_gradient_is_the_slope() -> None:
    x, average, *_ = shoppers(200, mu=3.0, tau=0.5, sigma=0.7, seed=1)
    rows = SpendRows.of(x, average, None)
    objective, point = _objective(rows), _box(rows).start
    for axis in range(3):
        step = np.eye(3)[axis] * 1e-6
        slope = (objective(point + step)[0] - objective(point - step)[0]) / 2e-6
        assert objective(point)[1][axis] == pytest.approx(slope, rel=1e-5, abs=1e-8)


def test_a_fit_recovers_the_truth_and_its_posterior_matches_the_customers() -> None:
    x, average, mean, another = shoppers(60_000, mu=3.4, tau=0.6, sigma=0.5, seed=2)
    fit = LognormalSpend.fit(frequency=x, average_spend=average)
    assert fit.converged
    assert fit.gradient_norm < 1e-6
    for name, true in (("mu", 3.4), ("tau", 0.6), ("sigma", 0.5)):
        away = abs(getattr(fit.parameters, name) - true)
        assert away < 4 * getattr(fit.standard_errors, name), name
    miss = mean - fit.expected_spend(x, average)
    assert abs(miss.mean()) < 4 * miss.std() / math.sqrt(x.size)
    assert (miss**2).mean() == pytest.approx(fit.spend_variance(x, average).mean(), rel=0.05)
    noise = (another - mean) ** 2
    assert noise.mean() == pytest.approx(fit.purchase_spend_variance(x, average).mean(), rel=0.05)


def test_heavy_tails_are_expected_better_than_by_gamma_gamma() -> None:
    """Where a purchase varies as much as a lognormal with σ 1.2: log score and squared error."""
    x, average, mean, _ = shoppers(20_000, mu=3.4, tau=0.7, sigma=1.2, seed=3)
    errors, scores = [], []
    for model in SPEND_MODELS.values():
        fit = model.fit(frequency=x[::2], average_spend=average[::2])
        expected = fit.expected_spend(x[1::2], average[1::2])
        errors.append(float(np.mean((np.log(expected) - np.log(mean[1::2])) ** 2)))
        scores.append(fit.log_likelihood_of(frequency=x[1::2], average_spend=average[1::2]))
    assert errors[1] < 0.98 * errors[0]
    assert scores[1] > scores[0] + 100


def test_spend_that_hardly_varies_is_refused_by_one_model_and_taken_by_the_other() -> None:
    x = np.array([1, 2, 3, 4, 5, 2, 3])
    for average in (np.full(7, 9.99), 9.99 * (1 + 1e-5 * np.arange(7))):
        with pytest.raises(NotIdentified, match=r"hardly varies.*Use LognormalSpend"):
            GammaGamma.fit(frequency=x, average_spend=average)
        fit = LognormalSpend.fit(frequency=x, average_spend=average)
        assert fit.converged
        assert fit.estimation is not None
        assert fit.estimation.at_limit == ("tau", "sigma")
        assert "lower limit" in fit.estimation.message
        assert math.isnan(fit.standard_errors.tau)
        assert fit.expected_spend([0, 3], [0.0, 9.99]) == pytest.approx(9.99, rel=1e-4)


def test_customers_who_differ_but_never_vary_rest_at_one_limit() -> None:
    rng = np.random.default_rng(4)
    x = rng.integers(1, 6, 500)
    fit = LognormalSpend.fit(frequency=x, average_spend=np.exp(rng.normal(3, 0.4, 500)))
    assert fit.converged
    assert fit.parameters.tau == pytest.approx(0.4, rel=0.15)


def test_weights_count_customers() -> None:
    x, average, *_ = shoppers(300, mu=3.0, tau=0.5, sigma=0.7, seed=5)
    times = np.random.default_rng(6).integers(0, 3, 300)
    weighted = LognormalSpend.fit(frequency=x, average_spend=average, weights=times)
    repeated = LognormalSpend.fit(
        frequency=np.repeat(x, times), average_spend=np.repeat(average, times)
    )
    assert weighted.parameters.tau == pytest.approx(repeated.parameters.tau, rel=1e-7)
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood, rel=1e-12)


def test_another_currency_changes_no_answer() -> None:
    x, average, *_ = shoppers(500, mu=3.0, tau=0.5, sigma=0.7, seed=7)
    euros = LognormalSpend.fit(frequency=x, average_spend=average)
    cents = LognormalSpend.fit(frequency=x, average_spend=100.0 * average)
    np.testing.assert_allclose(
        cents.expected_spend(x, 100.0 * average),
        100.0 * euros.expected_spend(x, average),
        rtol=1e-7,
    )


def test_every_start_leads_to_the_same_maximum() -> None:
    x, average, *_ = shoppers(400, mu=3.0, tau=0.5, sigma=0.7, seed=8)
    rows = SpendRows.of(x, average, None)
    box, rng = _box(rows), np.random.default_rng(9)
    best = maximise(_objective(rows), box)
    for _ in range(20):
        start = rng.uniform(np.maximum(box.lower, box.start - 3), np.minimum(box.upper, 3.0))
        found = maximise(_objective(rows), replace(box, start=start))
        assert found.converged
        np.testing.assert_allclose(found.log_parameters, best.log_parameters, atol=1e-6)


def test_the_scores_of_both_models_can_be_compared_and_cdnow_prefers_gamma_gamma(
    cdnow: Any,
) -> None:
    """Both score the same density; on CDNOW the published Gamma-Gamma figure is the better one."""
    scores = {}
    for name, model in SPEND_MODELS.items():
        fit = model.fit(frequency=cdnow.frequency, average_spend=cdnow.average_spend)
        assert fit.estimation is not None
        assert fit.estimation.converged
        scores[name] = fit.log_likelihood_of(
            frequency=cdnow.frequency, average_spend=cdnow.average_spend
        )
        assert scores[name] == pytest.approx(fit.estimation.log_likelihood, rel=1e-12)
    assert round(scores["Gamma-Gamma"], 2) == -4055.92
    assert scores["Gamma-Gamma"] > scores["Lognormal"] > scores["Gamma-Gamma"] - 15


@pytest.mark.parametrize("spend", [0.0, -3.0, math.nan, math.inf])
def test_a_spend_that_is_no_amount_is_refused_with_its_row(spend: float) -> None:
    for ask in (MODEL.expected_spend, MODEL.spend_variance, MODEL.purchase_spend_variance):
        with pytest.raises(InconsistentHistory, match=r"average_spend.*row 1: "):
            ask([1, 2], [10.0, spend])
    with pytest.raises(InconsistentHistory, match=r"average_spend.*row 1: "):
        LognormalSpend.fit(frequency=[1, 2], average_spend=[10.0, spend])


@pytest.mark.parametrize(
    ("fit", "error", "named"),
    [
        (lambda: LognormalSpend.fit(frequency=[1], average_spend=[9]), NotIdentified, "1 customer"),
        (
            lambda: LognormalSpend.fit(frequency=[1] * 9, average_spend=range(1, 10)),
            NotIdentified,
            "two repeat purchases",
        ),
        (
            lambda: LognormalSpend.fit(frequency=[0, 0], average_spend=[0, 0]),
            NotIdentified,
            "0 customers",
        ),
        (lambda: LognormalSpend.fit(frequency=[], average_spend=[]), InconsistentHistory, "empty"),
        (
            lambda: LognormalSpend.fit(frequency=[1], average_spend=[1], weights=[-1]),
            InconsistentHistory,
            "weights",
        ),
        (
            lambda: LognormalSpend.from_parameters(mu=math.nan, tau=1, sigma=1),
            InvalidParameter,
            "mu",
        ),
        (
            lambda: LognormalSpend.from_parameters(mu=1, tau=0, sigma=1),
            InvalidParameter,
            "tau",
        ),
        (lambda: MODEL.log_likelihood, NotEstimated, "LognormalSpend.fit"),
    ],
)
def test_hopeless_fits_are_refused_with_the_reason(
    fit: Callable[[], object], error: type[Exception], named: str
) -> None:
    with pytest.raises(error, match=named):
        fit()
