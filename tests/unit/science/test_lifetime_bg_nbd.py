"""BG/NBD gives what its authors published, and its formulas agree with their closed form."""

from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
from scipy.special import hyp2f1

from patronage.science.lifetime import BGNBD, BGNBDParameters, Cells


@pytest.fixture(scope="module")
def cells(cdnow: Any) -> Cells:
    return Cells.from_customers(frequency=cdnow.frequency, recency=cdnow.recency, age=cdnow.age)


@pytest.fixture(scope="module")
def fit(cells: Cells) -> BGNBD:
    return BGNBD.fit(cells)


def test_parameters_and_log_likelihood_are_the_published_ones(fit: BGNBD) -> None:
    found = [round(value, 3) for value in astuple(fit.parameters_per(days=7))]
    assert found == [0.243, 4.414, 0.793, 2.426]
    assert round(fit.log_likelihood_per(days=7), 1) == -9582.4
    assert fit.converged
    assert fit.gradient_norm < 1e-6


def test_expected_purchases_correlate_with_the_holdout_as_published(fit: BGNBD, cdnow: Any) -> None:
    expected = fit.expected_purchases(
        cdnow.frequency, cdnow.recency, cdnow.age, horizon_days=39 * 7
    )
    assert round(float(np.corrcoef(expected, cdnow.holdout)[0, 1]), 3) == 0.626


PUBLISHED = BGNBD.from_parameters(r=0.243, alpha=4.414, a=0.793, b=2.426)


def test_a_published_customer_is_expected_to_buy_as_often_as_published() -> None:
    """The worked example of the authors' spreadsheet note: 1.226 purchases in 39 weeks."""
    found = PUBLISHED.expected_purchases(2, 30.43, 38.86, horizon_days=39)
    assert found[0] == pytest.approx(1.226, abs=5e-4)


def test_new_customers_are_expected_to_buy_as_often_as_the_r_package_says(fit: BGNBD) -> None:
    """What the R package BTYD gives on the same data, to every printed digit."""
    weeks = (0.1429, 1.0, 3.0, 31.8571, 32.0)
    found = [fit.expected_purchases_new_customer(horizon_days=7 * week) for week in weeks]
    assert [round(value, 4) for value in found] == [0.0078, 0.0532, 0.1506, 1.0405, 1.0437]


@pytest.mark.parametrize("a", [0.793, 1.6, 3.0])
@pytest.mark.parametrize("history", [(0, 0.0, 38.86), (2, 30.43, 38.86), (11, 20.0, 30.0)])
def test_expected_purchases_equal_the_hypergeometric_closed_form(
    a: float, history: tuple[int, float, float]
) -> None:
    """Equation 10 of the paper; a = 1 is a pole of the closed form only."""
    (x, t_x, T), r, alpha, b, t = history, 0.243, 4.414, 2.426, 39.0
    ratio = (alpha + T) / (alpha + T + t)
    gauss = hyp2f1(r + x, b + x, a + b + x - 1, t / (alpha + T + t))
    numerator = (a + b + x - 1) / (a - 1) * (1 - ratio ** (r + x) * gauss)
    gone = a / (b + x - 1) * ((alpha + T) / (alpha + t_x)) ** (r + x) if x else 0.0
    model = BGNBD.from_parameters(r=r, alpha=alpha, a=a, b=b)
    found = model.expected_purchases(x, t_x, T, horizon_days=t)
    assert found[0] == pytest.approx(numerator / (1 + gone), rel=1e-9)


def test_a_customer_without_a_repeat_purchase_is_surely_alive(fit: BGNBD) -> None:
    assert fit.probability_alive(0, 0, [1.0, 400.0]) == pytest.approx([1.0, 1.0])


def test_every_start_leads_to_the_same_maximum(fit: BGNBD, cells: Cells) -> None:
    rng = np.random.default_rng(21)
    for _ in range(20):
        r, alpha, a, b = np.exp(rng.uniform(np.log(0.05), np.log(20.0), 4)) * (1, 70, 1, 1)
        again = BGNBD.fit(cells, start=BGNBDParameters(r=r, alpha=alpha, a=a, b=b))
        assert again.converged
        assert again.gradient_norm < 1e-6
        assert astuple(again.parameters) == pytest.approx(astuple(fit.parameters), rel=1e-5)
