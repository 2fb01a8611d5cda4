"""The models reproduce what their authors published about CDNOW."""

from dataclasses import astuple
from typing import Any

import numpy as np
import pytest

from patronage.science.lifetime import Cells, GammaGamma, ParetoNBD, ParetoNBDParameters


@pytest.fixture(scope="module")
def fit(cdnow: Any) -> ParetoNBD:
    return ParetoNBD.fit(
        Cells.from_customers(frequency=cdnow.frequency, recency=cdnow.recency, age=cdnow.age)
    )


def test_pareto_nbd_parameters_are_the_published_ones_to_every_printed_digit(
    fit: ParetoNBD,
) -> None:
    found = [round(value, 3) for value in astuple(fit.parameters_per(days=7))]
    assert found == [0.553, 10.578, 0.606, 11.669]


def test_pareto_nbd_log_likelihood_is_the_published_one(fit: ParetoNBD) -> None:
    assert round(fit.log_likelihood_per(days=7), 1) == -9595.0


def test_pareto_nbd_standard_errors_are_within_a_thousandth_of_the_published_ones(
    fit: ParetoNBD,
) -> None:
    published = (0.04763, 0.84272, 0.18726, 6.21054)
    assert astuple(fit.standard_errors_per(days=7)) == pytest.approx(published, rel=1e-3)


def test_the_fit_says_that_it_reached_the_maximum(fit: ParetoNBD) -> None:
    assert fit.converged
    assert fit.gradient_norm < 1e-6


def test_expected_purchases_correlate_with_the_holdout_as_published(
    fit: ParetoNBD, cdnow: Any
) -> None:
    expected = fit.expected_purchases(
        cdnow.frequency, cdnow.recency, cdnow.age, horizon_days=39 * 7
    )
    assert round(float(np.corrcoef(expected, cdnow.holdout)[0, 1]), 3) == 0.630


def test_every_start_leads_to_the_same_maximum(fit: ParetoNBD, cdnow: Any) -> None:
    cells = Cells.from_customers(frequency=cdnow.frequency, recency=cdnow.recency, age=cdnow.age)
    rng = np.random.default_rng(20)
    for _ in range(20):
        r, alpha, s, beta = np.exp(rng.uniform(np.log(0.05), np.log(20.0), 4)) * (1, 70, 1, 70)
        start = ParetoNBDParameters(r=r, alpha=alpha, s=s, beta=beta)
        again = ParetoNBD.fit(cells, start=start)
        assert again.converged
        assert again.gradient_norm < 1e-6
        assert astuple(again.parameters) == pytest.approx(astuple(fit.parameters), rel=1e-5)


def test_weeks_and_days_give_the_same_answers(fit: ParetoNBD, cdnow: Any) -> None:
    weeks = ParetoNBD.fit(
        Cells.from_customers(
            frequency=cdnow.frequency, recency=cdnow.recency / 7, age=cdnow.age / 7
        )
    )
    assert astuple(weeks.parameters) == pytest.approx(astuple(fit.parameters_per(days=7)), rel=1e-6)
    np.testing.assert_allclose(
        weeks.probability_alive(cdnow.frequency, cdnow.recency / 7, cdnow.age / 7),
        fit.probability_alive(cdnow.frequency, cdnow.recency, cdnow.age),
        rtol=1e-6,
    )


def test_a_fit_to_weighted_customers_equals_the_fit_to_repeated_ones(cdnow: Any) -> None:
    rng = np.random.default_rng(5)
    times = rng.integers(0, 3, cdnow.frequency.size)
    weighted = ParetoNBD.fit(
        Cells.from_customers(
            frequency=cdnow.frequency, recency=cdnow.recency, age=cdnow.age, weights=times
        )
    )
    repeated = ParetoNBD.fit(
        Cells.from_customers(
            frequency=np.repeat(cdnow.frequency, times),
            recency=np.repeat(cdnow.recency, times),
            age=np.repeat(cdnow.age, times),
        )
    )
    assert astuple(weighted.parameters) == pytest.approx(astuple(repeated.parameters), rel=1e-8)
    assert astuple(weighted.standard_errors) == pytest.approx(
        astuple(repeated.standard_errors), rel=1e-6
    )


def test_gamma_gamma_figures_are_the_published_ones(cdnow: Any) -> None:
    fit = GammaGamma.fit(frequency=cdnow.frequency, average_spend=cdnow.average_spend)
    assert [round(value, 2) for value in astuple(fit.parameters)] == [6.25, 3.74, 15.44]
    assert round(fit.log_likelihood, 2) == -4055.92
    assert fit.converged
