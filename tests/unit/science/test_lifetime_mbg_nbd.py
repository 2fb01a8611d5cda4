"""MBG/NBD gives what the R package of its advocates gives, and agrees with its closed form."""

from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
from scipy.special import hyp2f1

from patronage.science.lifetime import MBGNBD, Cells, MBGNBDParameters


@pytest.fixture(scope="module")
def cells(cdnow: Any) -> Cells:
    return Cells.from_customers(frequency=cdnow.frequency, recency=cdnow.recency, age=cdnow.age)


@pytest.fixture(scope="module")
def fit(cells: Cells) -> MBGNBD:
    return MBGNBD.fit(cells)


def test_parameters_are_those_of_the_r_package_to_every_printed_digit(fit: MBGNBD) -> None:
    """BTYDplus on CDNOW 1/10, in weeks, as the tests of the Python package lifetimes print it."""
    found = [round(value, 3) for value in astuple(fit.parameters_per(days=7))]
    assert found == [0.525, 6.183, 0.891, 1.614]
    assert fit.converged
    assert fit.gradient_norm < 1e-6


@pytest.mark.parametrize("a", [0.891, 1.6, 3.0])
@pytest.mark.parametrize("history", [(0, 0.0, 38.86), (2, 30.43, 38.86), (11, 20.0, 30.0)])
def test_expected_purchases_equal_the_hypergeometric_closed_form(
    a: float, history: tuple[int, float, float]
) -> None:
    """The BG/NBD's form with one occasion more to drop out, Wagner and Hoppe's erratum."""
    (x, t_x, T), r, alpha, b, t = history, 0.525, 6.183, 1.614, 39.0
    ratio = (alpha + T) / (alpha + T + t)
    gauss = hyp2f1(r + x, b + x + 1, a + b + x, t / (alpha + T + t))
    numerator = (a + b + x) / (a - 1) * (1 - ratio ** (r + x) * gauss)
    gone = a / (b + x) * ((alpha + T) / (alpha + t_x)) ** (r + x)
    model = MBGNBD.from_parameters(r=r, alpha=alpha, a=a, b=b)
    found = model.expected_purchases(x, t_x, T, horizon_days=t)
    assert found[0] == pytest.approx(numerator / (1 + gone), rel=1e-9)


def test_a_customer_without_a_repeat_purchase_may_be_gone_already() -> None:
    model = MBGNBD.from_parameters(r=0.525, alpha=6.183, a=0.891, b=1.614)
    alive = model.probability_alive(0, 0, [0.0, 10.0, 1000.0])
    assert alive[0] == pytest.approx(1.614 / (0.891 + 1.614))
    assert np.all(np.diff(alive) < 0)


def test_every_start_leads_to_the_same_maximum() -> None:
    truth = MBGNBD.from_parameters(r=0.9, alpha=40.0, a=0.8, b=2.4)
    cells = drawn(truth, 400)
    best = MBGNBD.fit(cells)
    rng = np.random.default_rng(22)
    for _ in range(20):
        r, alpha, a, b = np.exp(rng.uniform(np.log(0.05), np.log(20.0), 4)) * (1, 70, 1, 1)
        again = MBGNBD.fit(cells, start=MBGNBDParameters(r=r, alpha=alpha, a=a, b=b))
        assert again.converged
        assert again.gradient_norm < 1e-6
        assert astuple(again.parameters) == pytest.approx(astuple(best.parameters), rel=1e-5)


def drawn(truth: MBGNBD, customers: int) -> Cells:
    rng = np.random.default_rng(23)
    new = np.zeros(customers)
    cohorts = [truth.simulate(new, new, new, days=days, rng=rng) for days in (150.0, 300.0, 450.0)]
    return Cells.from_customers(
        frequency=np.concatenate([cohort.frequency for cohort in cohorts]),
        recency=np.concatenate([cohort.recency for cohort in cohorts]),
        age=np.concatenate([cohort.age for cohort in cohorts]),
    )


def test_a_fit_recovers_the_truth_it_was_drawn_from() -> None:
    truth = MBGNBD.from_parameters(r=0.9, alpha=40.0, a=0.8, b=2.4)
    fit = MBGNBD.fit(drawn(truth, 4000))
    assert fit.converged
    for name in ("r", "alpha", "a", "b"):
        error = getattr(fit.standard_errors, name)
        assert abs(getattr(fit.parameters, name) - getattr(truth.parameters, name)) < 4 * error


def test_weeks_and_days_give_the_same_fit(fit: MBGNBD, cdnow: Any) -> None:
    weeks = MBGNBD.fit(
        Cells.from_customers(
            frequency=cdnow.frequency, recency=cdnow.recency / 7, age=cdnow.age / 7
        )
    )
    assert astuple(weeks.parameters) == pytest.approx(astuple(fit.parameters_per(days=7)), rel=1e-6)
    assert weeks.log_likelihood == pytest.approx(fit.log_likelihood_per(days=7), abs=1e-6)
    assert fit.log_likelihood_of(
        Cells.from_customers(frequency=cdnow.frequency, recency=cdnow.recency, age=cdnow.age)
    ) == pytest.approx(fit.log_likelihood, rel=1e-12)
