"""The Pareto/NBD formulas agree with closed forms, numeric derivatives and simulation."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import gammaln, hyp2f1

from patronage.science.lifetime import Cells, ParetoNBD
from patronage.science.lifetime.pareto_nbd_likelihood import Shape, weighted_log_likelihood

FloatArray = NDArray[np.float64]

CASES = [
    (0.553, 74.0, 0.606, 81.7, 3, 120.0, 273.0),
    (0.553, 81.7, 0.606, 74.0, 0, 0.0, 273.0),
    (1.8, 20.0, 1.2, 300.0, 12, 400.0, 400.0),
    (0.2, 5.0, 3.5, 40.0, 1, 2.0, 90.0),
    (4.0, 60.0, 0.3, 2.0, 7, 30.5, 365.25),
]


def by_hypergeometric(
    r: float, alpha: float, s: float, beta: float, x: int, t_x: float, T: float
) -> float:
    """Log-likelihood of one history as Fader and Hardie print it, with Gauss's function."""
    large, other = (alpha, s + 1) if alpha >= beta else (beta, r + x)

    def term(t: float) -> float:
        z = abs(alpha - beta) / (large + t)
        return float(hyp2f1(r + s + x, other, r + s + x + 1, z) / (large + t) ** (r + s + x))

    survival = 1.0 / ((alpha + T) ** (r + x) * (beta + T) ** s)
    dropout = s / (r + s + x) * (term(t_x) - term(T))
    return float(
        gammaln(r + x)
        - gammaln(r)
        + r * np.log(alpha)
        + s * np.log(beta)
        + np.log(survival + dropout)
    )


def ours(
    r: float, alpha: float, s: float, beta: float, x: float, t_x: float, T: float
) -> tuple[float, FloatArray]:
    rows = [np.array([value], dtype=np.float64) for value in (x, t_x, T, 1.0)]
    return weighted_log_likelihood(Shape(r=r, alpha=alpha, s=s, beta=beta), *rows)


@pytest.mark.parametrize("case", CASES)
def test_likelihood_equals_the_hypergeometric_closed_form(
    case: tuple[float, float, float, float, int, float, float],
) -> None:
    assert ours(*case)[0] == pytest.approx(by_hypergeometric(*case), rel=1e-10)


@pytest.mark.parametrize("x", [0, 1, 40, 2000])
@pytest.mark.parametrize("t_x", [0.5, 100.0, 3600.0])
def test_likelihood_is_exact_where_both_scales_are_equal(x: int, t_x: float) -> None:
    r, s, scale, T = 0.7, 0.4, 30.0, 3650.0
    t_x = t_x if x else 0.0
    power = r + x + s
    growth = power * np.log((scale + T) / (scale + t_x))
    log_odds = np.log(s / power) + growth + np.log(-np.expm1(-growth))
    expected = (
        gammaln(r + x)
        - gammaln(r)
        + (r + s) * np.log(scale)
        - power * np.log(scale + T)
        + np.logaddexp(0.0, log_odds)
    )
    assert ours(r, scale, s, scale, x, t_x, T)[0] == pytest.approx(float(expected), rel=1e-11)


@pytest.mark.parametrize("case", CASES)
def test_gradient_equals_the_numeric_one(
    case: tuple[float, float, float, float, int, float, float],
) -> None:
    logs, (x, t_x, T) = np.log(case[:4]), case[4:]
    step = 1e-5

    def moved(shift: FloatArray) -> float:
        r, alpha, s, beta = np.exp(logs + shift).tolist()
        return ours(r, alpha, s, beta, x, t_x, T)[0]

    for direction, slope in zip(step * np.eye(4), ours(*case)[1], strict=True):
        numeric = (moved(direction) - moved(-direction)) / (2 * step)
        assert slope == pytest.approx(numeric, rel=1e-6, abs=1e-7)


def test_nothing_overflows_at_two_thousand_purchases_in_ten_years() -> None:
    x = np.array([0.0, 1.0, 2000.0, 2000.0, 2000.0, 500.0])
    t_x = np.array([0.0, 3650.0, 3650.0, 30.0, 3000.0, 1.0])
    T = np.full(6, 3650.0)
    for r, alpha, s, beta in [
        (0.55, 74.0, 0.6, 81.0),
        (0.01, 0.01, 0.01, 0.01),
        (900.0, 1e4, 900.0, 1e7),
        (0.5, 1e-3, 30.0, 1e6),
        (0.5, 1e6, 30.0, 1e-3),
    ]:
        model = ParetoNBD.from_parameters(r=r, alpha=alpha, s=s, beta=beta)
        alive = model.probability_alive(x, t_x, T)
        moments = model.purchase_moments(x, t_x, T, horizon_days=1095, annual_discount_rate=0.1)
        assert np.all((alive >= 0) & (alive <= 1))
        assert alive[[1, 2]] == pytest.approx([1.0, 1.0])
        for column in (moments.mean, moments.variance, moments.probability_of_purchase):
            assert np.all(np.isfinite(column))
            assert np.all(column >= 0)
        total, gradient = weighted_log_likelihood(
            Shape(r=r, alpha=alpha, s=s, beta=beta), x, t_x, T, np.ones(6)
        )
        assert np.isfinite(total)
        assert np.all(np.isfinite(gradient))


MODEL = ParetoNBD.from_parameters(r=0.553, alpha=74.0, s=0.606, beta=81.7)


def test_a_purchase_is_as_unlikely_as_the_history_continued_without_one() -> None:
    x, t_x, T, horizon = 4, 200.0, 273.0, 91.0
    silent = by_hypergeometric(0.553, 74.0, 0.606, 81.7, x, t_x, T + horizon)
    now = by_hypergeometric(0.553, 74.0, 0.606, 81.7, x, t_x, T)
    found = MODEL.probability_of_purchase(x, t_x, T, horizon_days=horizon)
    assert found[0] == pytest.approx(1.0 - np.exp(silent - now), rel=1e-9)


def test_discounting_equals_direct_integration() -> None:
    x, t_x, T = 4, 200.0, 273.0
    daily = np.log(1.1) / 365
    s, beta, alpha, r = 0.606, 81.7, 74.0, 0.553
    integral = quad(
        lambda v: np.exp(-daily * v) * ((beta + T) / (beta + T + v)) ** s, 30.0, 1095.0, epsabs=0
    )[0]
    alive = MODEL.probability_alive(x, t_x, T)[0]
    found = MODEL.discounted_expected_purchases(
        x, t_x, T, horizon_days=1095, annual_discount_rate=0.10, start_days=30
    )
    assert found[0] == pytest.approx(alive * (r + x) / (alpha + T) * integral, rel=1e-10)


def test_a_discount_rate_of_zero_discounts_nothing() -> None:
    plain = MODEL.expected_purchases(4, 200, 273, horizon_days=1095)
    free = MODEL.discounted_expected_purchases(
        4, 200, 273, horizon_days=1095, annual_discount_rate=0.0
    )
    tiny = MODEL.discounted_expected_purchases(
        4, 200, 273, horizon_days=1095, annual_discount_rate=1e-9
    )
    assert free[0] == plain[0]
    assert tiny[0] == pytest.approx(plain[0], rel=1e-8)


@pytest.mark.parametrize("s", [0.4, 1.0, 2.5])
def test_windows_add_up_also_where_the_closed_form_has_a_pole(s: float) -> None:
    model = ParetoNBD.from_parameters(r=0.6, alpha=50.0, s=s, beta=90.0)
    whole = model.expected_purchases(3, 100, 200, horizon_days=400)
    first = model.expected_purchases(3, 100, 200, horizon_days=150)
    rest = model.expected_purchases(3, 100, 200, horizon_days=400, start_days=150)
    assert first[0] + rest[0] == pytest.approx(whole[0], rel=1e-12)
    near = ParetoNBD.from_parameters(r=0.6, alpha=50.0, s=s + 1e-7, beta=90.0)
    assert near.expected_purchases(3, 100, 200, horizon_days=400)[0] == pytest.approx(
        whole[0], rel=1e-5
    )


def test_a_new_customer_is_a_history_of_length_zero() -> None:
    r, alpha, s, beta, days = 0.553, 74.0, 0.606, 81.7, 365.0
    closed = r * beta / (alpha * (s - 1)) * (1 - (beta / (beta + days)) ** (s - 1))
    assert MODEL.expected_purchases_new_customer(horizon_days=days) == pytest.approx(closed)


def test_an_empty_window_is_answered_with_zero() -> None:
    moments = MODEL.purchase_moments(4, 200, 273, horizon_days=0, annual_discount_rate=0.1)
    assert MODEL.probability_of_purchase(4, 200, 273, horizon_days=0)[0] == 0
    assert MODEL.expected_purchases(4, 200, 273, horizon_days=90, start_days=90)[0] == 0
    assert (moments.mean[0], moments.variance[0]) == (0, 0)


def test_a_fit_recovers_the_truth_it_was_simulated_from() -> None:
    rng = np.random.default_rng(11)
    truth = np.array([0.8, 40.0, 1.5, 400.0])
    n = 20_000
    rate = rng.gamma(truth[0], 1 / truth[1], n)
    lifetime = rng.exponential(1 / rng.gamma(truth[2], 1 / truth[3], n))
    age = rng.integers(200, 730, n).astype(np.float64)
    seen = np.minimum(lifetime, age)
    x = rng.poisson(rate * seen)
    t_x = np.where(x > 0, seen * rng.beta(np.maximum(x, 1), 1.0), 0.0)
    fit = ParetoNBD.fit(Cells.from_customers(frequency=x, recency=t_x, age=age))
    found = fit.parameters
    errors = fit.standard_errors
    assert fit.converged
    for name, true in zip(("r", "alpha", "s", "beta"), truth.tolist(), strict=True):
        assert abs(getattr(found, name) - true) < 4 * getattr(errors, name)
    alive = fit.probability_alive(x, t_x, age)
    for decile in np.array_split(np.argsort(alive), 10):
        assert alive[decile].mean() == pytest.approx((lifetime > age)[decile].mean(), abs=0.04)


def test_purchase_moments_equal_those_of_simulated_futures() -> None:
    rng = np.random.default_rng(12)
    r, alpha, s, beta = 0.9, 60.0, 1.3, 500.0
    model = ParetoNBD.from_parameters(r=r, alpha=alpha, s=s, beta=beta)
    x, t_x, T, horizon, annual = 5, 180.0, 240.0, 730.0, 0.25
    n = 400_000
    alive = rng.random(n) < model.probability_alive(x, t_x, T)[0]
    rate = rng.gamma(r + x, 1 / (alpha + T), n)
    left = np.where(alive, rng.exponential(1 / rng.gamma(s, 1 / (beta + T), n)), 0.0)
    left = np.minimum(left, horizon)
    count = rng.poisson(rate * left)
    who = np.repeat(np.arange(n), count)
    factor = 1.25 ** (-rng.random(who.size) * left[who] / 365)
    discounted = np.bincount(who, factor, n)
    moments = model.purchase_moments(x, t_x, T, horizon_days=horizon, annual_discount_rate=annual)
    assert moments.mean[0] == pytest.approx(discounted.mean(), rel=0.01)
    assert moments.variance[0] == pytest.approx(discounted.var(), rel=0.02)
    assert moments.mean_squared_discount[0] == pytest.approx(
        np.bincount(who, factor**2, n).mean(), rel=0.01
    )
    assert moments.probability_of_purchase[0] == pytest.approx((count > 0).mean(), abs=0.003)
