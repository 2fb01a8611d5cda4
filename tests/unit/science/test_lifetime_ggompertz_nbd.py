"""GGompertz/NBD reaches what its authors published on CDNOW, and goes beyond it."""

from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import minimize

from patronage.science.lifetime import Cells, GGompertzNBD, GGompertzNBDParameters, ParetoNBD
from patronage.science.lifetime.ggompertz_nbd_day_tables import DayTables
from patronage.science.lifetime.ggompertz_nbd_likelihood import (
    Gompertz,
    dropped_out,
    weighted_log_likelihood,
)

FloatArray = NDArray[np.float64]


@pytest.fixture(scope="module")
def weeks(cdnow: Any) -> Cells:
    return Cells.from_customers(
        frequency=cdnow.frequency, recency=cdnow.recency / 7, age=cdnow.age / 7
    )


@pytest.fixture(scope="module")
def fit(cdnow: Any) -> GGompertzNBD:
    return GGompertzNBD.fit(
        Cells.from_customers(frequency=cdnow.frequency, recency=cdnow.recency, age=cdnow.age)
    )


def best_at(b: float, cells: Cells) -> tuple[GGompertzNBDParameters, float]:
    """The most likely other parameters for a given b, and their log-likelihood."""
    columns = (cells.frequency, cells.recency, cells.age, cells.weight)

    def descend(point: FloatArray) -> tuple[float, FloatArray]:
        r, alpha, s, scale = np.exp(point).tolist()
        law = Gompertz(r=r, alpha=alpha, b=b, s=s, beta=scale * b)
        value, gradient = weighted_log_likelihood(law, *columns)
        return -value, -gradient[[0, 1, 3, 4]]

    found = minimize(
        descend, np.log([0.553, 10.578, 0.606, 11.669]), jac=True, method="BFGS", tol=1e-6
    )
    r, alpha, s, scale = np.exp(found.x).tolist()
    return GGompertzNBDParameters(r=r, alpha=alpha, b=b, s=s, beta=scale * b), -float(found.fun)


def test_the_published_figures_are_a_point_on_a_ridge_that_still_rises(weeks: Cells) -> None:
    """Published: .553, 10.578, b .0002, s .603, β .0026, LL -9594.98; here at b = .000224.

    Along the ridge β/b hardly moves and the likelihood rises towards b = 0 all the way, by less
    than the published digits show: the figures are where the authors' search stopped.
    """
    parameters, published = best_at(0.000224, weeks)
    assert round(parameters.r, 3) == 0.553
    assert round(parameters.alpha, 3) == 10.578
    assert round(parameters.b, 4) == 0.0002
    assert round(parameters.s, 3) == 0.603
    assert round(parameters.beta, 4) == 0.0026
    assert round(published, 2) == -9594.98
    ridge = [best_at(b, weeks)[1] for b in (0.01, 0.001, 0.000224, 0.00002, 0.000002)]
    assert np.all(np.diff(ridge) > 0)
    assert ridge[-1] - published < 0.002


def test_cdnow_shows_no_growth_of_risk_and_the_fit_says_so(fit: GGompertzNBD, cdnow: Any) -> None:
    weekly = fit.parameters_per(days=7)
    assert (round(weekly.r, 3), round(weekly.alpha, 3)) == (0.553, 10.578)
    assert round(fit.log_likelihood_per(days=7), 2) == -9594.98
    assert fit.converged
    assert fit.gradient_norm < 1e-6
    assert fit.estimation is not None
    assert fit.estimation.at_limit == ("1/b",)
    assert np.isnan(fit.standard_errors.b)
    pareto = ParetoNBD.from_parameters(r=0.553277, alpha=74.0438, s=0.606240, beta=81.6810)
    history = (cdnow.frequency, cdnow.recency, cdnow.age)
    assert fit.expected_purchases(*history, horizon_days=273) == pytest.approx(
        pareto.expected_purchases(*history, horizon_days=273), rel=1e-4
    )
    assert fit.log_likelihood_per(days=7) > -9594.9763


TRUTH = GGompertzNBD.from_parameters(r=1.2, alpha=30.0, b=0.02, s=0.8, beta=30.0)


def drawn(customers: int) -> Cells:
    rng = np.random.default_rng(51)
    new = np.zeros(customers)
    cohorts = [TRUTH.simulate(new, new, new, days=days, rng=rng) for days in (150.0, 300.0, 600.0)]
    return Cells.from_customers(
        frequency=np.concatenate([cohort.frequency for cohort in cohorts]),
        recency=np.concatenate([cohort.recency for cohort in cohorts]),
        age=np.concatenate([cohort.age for cohort in cohorts]),
    )


def test_growing_risk_is_found_where_there_is_some() -> None:
    cells = drawn(700)
    fit = GGompertzNBD.fit(cells)
    assert fit.converged
    assert fit.estimation is not None
    assert fit.estimation.at_limit == ()
    for name in ("r", "alpha", "b", "s", "beta"):
        error = getattr(fit.standard_errors, name)
        assert abs(getattr(fit.parameters, name) - getattr(TRUTH.parameters, name)) < 4 * error
    assert fit.log_likelihood > ParetoNBD.fit(cells).log_likelihood + 10
    assert fit.log_likelihood_of(cells) == pytest.approx(fit.log_likelihood, rel=1e-12)


def test_every_start_leads_to_the_same_maximum() -> None:
    cells = drawn(50)
    best = GGompertzNBD.fit(cells)
    rng = np.random.default_rng(52)
    for _ in range(20):
        values = np.exp(rng.uniform(np.log(0.05), np.log(20.0), 5)) * (1, 70, 0.01, 1, 1)
        names = ("r", "alpha", "b", "s", "beta")
        start = GGompertzNBDParameters(**dict(zip(names, values.tolist(), strict=True)))
        again = GGompertzNBD.fit(cells, start=start)
        assert again.converged
        assert again.gradient_norm < 1e-6
        assert astuple(again.parameters) == pytest.approx(astuple(best.parameters), rel=1e-4)


CASES = [
    Gompertz(r=0.553, alpha=74.0, b=3e-5, s=0.603, beta=0.0026),
    Gompertz(r=0.5, alpha=70.0, b=0.03, s=0.8, beta=20.0),
    Gompertz(r=1.5, alpha=70.0, b=0.1, s=0.3, beta=2e4),
    Gompertz(r=0.3, alpha=3.0, b=0.5, s=0.1, beta=1e-4),
]


@pytest.mark.parametrize("law", CASES)
@pytest.mark.parametrize("history", [(0.0, 0.0, 273.0), (3.0, 120.0, 273.0), (40.0, 300.0, 700.0)])
def test_dropout_odds_equal_adaptive_integration(
    law: Gompertz, history: tuple[float, float, float]
) -> None:
    x, t_x, T = history
    k, b, s, beta = law.r + x, law.b, law.s, law.beta

    def density(u: float) -> float:
        grown = beta + np.expm1(b * u)
        later = beta + np.expm1(b * T)
        chance = ((law.alpha + T) / (law.alpha + u)) ** k * (later / grown) ** s
        return float(s * b * np.exp(b * u) / grown * chance)

    rises = float(np.clip(np.log(max(beta, 1.0)) / b, t_x, T))
    parts = [(t_x, t_x + (T - t_x) / 50), (t_x + (T - t_x) / 50, T)]
    if parts[0][1] < rises < T:
        parts = [parts[0], (parts[0][1], rises), (rises, T)]
    total = sum(quad(density, *part, epsabs=0, epsrel=1e-10, limit=500)[0] for part in parts)
    found = dropped_out(law, np.array([x]), np.array([t_x]), np.array([T]))[0]
    assert np.exp(found[0]) == pytest.approx(total, rel=1e-7)


@pytest.mark.parametrize("law", CASES)
def test_gradient_equals_the_numeric_one(law: Gompertz) -> None:
    rng = np.random.default_rng(53)
    x = rng.integers(0, 6, 30).astype(np.float64)
    T, weight = rng.uniform(10.0, 700.0, 30), rng.random(30)
    t_x = np.where(x > 0, T * rng.random(30), 0.0)

    def at(point: FloatArray) -> tuple[float, FloatArray]:
        r, alpha, b, s, beta = np.exp(point).tolist()
        moved = Gompertz(r=r, alpha=alpha, b=b, s=s, beta=beta)
        return weighted_log_likelihood(moved, x, t_x, T, weight)

    point, step = np.log([law.r, law.alpha, law.b, law.s, law.beta]), 1e-5
    for direction, slope in zip(step * np.eye(5), at(point)[1], strict=True):
        numeric = (at(point + direction)[0] - at(point - direction)[0]) / (2 * step)
        assert slope == pytest.approx(numeric, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("law", CASES)
def test_what_is_looked_up_is_what_is_integrated(law: Gompertz) -> None:
    """Value and gradient; a few frequencies are too rare for a row, the last case too steep."""
    rng = np.random.default_rng(54)
    x = np.append(np.repeat([0.0, 1.0, 4.0], 400), [9.0, 9.0, 2000.0])
    T = rng.integers(30, 700, x.size).astype(np.float64)
    t_x = np.where(x > 0, np.ceil(T * rng.random(x.size)), 0.0)
    weights = rng.integers(1, 5, x.size)
    cells = Cells.from_customers(frequency=x, recency=t_x, age=T, weights=weights)
    tables = DayTables.of(cells)
    assert tables is not None
    assert 0 < tables.has_row.sum() < cells.size
    value, gradient = tables.weighted_log_likelihood(law)
    direct, slopes = weighted_log_likelihood(
        law, cells.frequency, cells.recency, cells.age, cells.weight
    )
    assert value == pytest.approx(direct, rel=1e-11)
    assert gradient == pytest.approx(slopes, rel=1e-8, abs=1e-8 * float(np.abs(slopes).max()))


def test_fractions_of_days_are_not_looked_up() -> None:
    x = np.repeat([0.0, 1.0], 50)
    T = np.linspace(10.25, 20.25, 100)
    cells = Cells.from_customers(frequency=x, recency=np.where(x > 0, T / 2, 0), age=T)
    assert DayTables.of(cells) is None


def test_a_vanishing_growth_of_risk_is_pareto_nbd() -> None:
    pareto = ParetoNBD.from_parameters(r=0.9, alpha=40.0, s=1.3, beta=300.0)
    model = GGompertzNBD.from_parameters(r=0.9, alpha=40.0, b=1e-9, s=1.3, beta=3e-7)
    history = ([0, 1, 12], [0, 20, 299], [200, 20, 300])
    for ask in ("expected_purchases", "probability_of_purchase", "purchase_moments"):
        own = getattr(model, ask)(*history, horizon_days=400)
        other = getattr(pareto, ask)(*history, horizon_days=400)
        own, other = (getattr(each, "variance", each) for each in (own, other))
        assert own == pytest.approx(other, rel=1e-5)
