"""Retention models give the published figures, nest in each other, and find a simulated truth."""

import math
from collections.abc import Callable
from dataclasses import astuple

import numpy as np
import pytest
from scipy.special import hyp2f1

from patronage.science.lifetime import (
    BetaDiscreteWeibull,
    BetaDiscreteWeibullParameters,
    InconsistentHistory,
    InvalidParameter,
    InvalidWindow,
    NotEstimated,
    NotIdentified,
    ShiftedBetaGeometric,
    ShiftedBetaGeometricParameters,
    Tenures,
)

REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173]
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394]
MODEL = ShiftedBetaGeometric.from_parameters(alpha=0.668, beta=3.806)
WEIBULL = BetaDiscreteWeibull.from_parameters(alpha=0.6, beta=2.0, c=1.4)


def simulate(
    model: BetaDiscreteWeibull, customers: int, years: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Renewals and whether the contract still runs; survival of one customer is (1-θ)^(t^c)."""
    rng = np.random.default_rng(seed)
    theta = rng.beta(model.parameters.alpha, model.parameters.beta, customers)
    spread = np.log(rng.random(customers)) / np.log1p(-theta)
    lived = np.floor(spread ** (1.0 / model.parameters.c))
    return np.minimum(lived, years), lived >= years


@pytest.mark.parametrize(
    ("survivors", "parameters", "year_twelve"),
    [(REGULAR, (0.704, 1.182), 170), (HIGH_END, (0.668, 3.806), 378)],
)
def test_seven_renewals_give_the_published_fit_and_projection(
    survivors: list[int], parameters: tuple[float, float], year_twelve: int
) -> None:
    fit = ShiftedBetaGeometric.fit(Tenures.from_survivors(survivors[:8]))
    assert [round(value, 3) for value in astuple(fit.parameters)] == list(parameters)
    assert round(1000 * float(fit.survival(12)[0])) == year_twelve
    assert fit.converged
    assert fit.gradient_norm < 1e-6


def test_beta_discrete_weibull_agrees_with_the_peer_library_on_its_own_example() -> None:
    """The package retenmod prints these figures for (100, 86.9, 74.3, 65.3, 59.3)."""
    fit = BetaDiscreteWeibull.fit(Tenures.from_survivors([100, 86.9, 74.3, 65.3, 59.3]))
    assert fit.log_likelihood == pytest.approx(-122.27493182408217, rel=1e-9)
    assert astuple(fit.parameters) == pytest.approx((0.25933745, 1.72255566, 1.58435482), rel=1e-4)
    projected = [54.66104739, 51.03690317, 48.10443553, 45.66884023, 43.60368795, 41.82319022]
    assert 100 * fit.survival(range(5, 11)) == pytest.approx(projected, rel=1e-5)


@pytest.mark.parametrize(
    ("survivors", "parameters", "log_likelihood"),
    [
        (REGULAR, (0.45559962, 0.77931344, 1.28348097), -167.96028329384984),
        (HIGH_END, (0.21426258, 1.4265961, 1.72345376), -160.5314213567616),
    ],
)
def test_seven_renewals_give_the_peers_beta_discrete_weibull(
    survivors: list[int], parameters: tuple[float, ...], log_likelihood: float
) -> None:
    """What retenmod 0.0.1 answers; it counts customers in hundredths of the cohort."""
    fit = BetaDiscreteWeibull.fit(Tenures.from_survivors(survivors[:8]))
    assert astuple(fit.parameters) == pytest.approx(parameters, rel=2e-4)
    assert fit.log_likelihood == pytest.approx(10 * log_likelihood, rel=1e-8)
    assert fit.log_likelihood >= 10 * log_likelihood


def test_every_start_leads_to_the_same_maximum() -> None:
    rng = np.random.default_rng(34)
    tenures = Tenures.from_survivors(HIGH_END[:8])
    plain, bent = ShiftedBetaGeometric.fit(tenures), BetaDiscreteWeibull.fit(tenures)
    for _ in range(20):
        alpha, beta, c = np.exp(
            rng.uniform(np.log([0.05, 0.05, 0.3]), np.log([20, 20, 3]))
        ).tolist()
        begin = ShiftedBetaGeometricParameters(alpha=alpha, beta=beta)
        bend = BetaDiscreteWeibullParameters(alpha=alpha, beta=beta, c=c)
        for again, first in (
            (ShiftedBetaGeometric.fit(tenures, start=begin), plain),
            (BetaDiscreteWeibull.fit(tenures, start=bend), bent),
        ):
            assert again.converged
            assert again.gradient_norm < 1e-6
            assert again.log_likelihood == pytest.approx(first.log_likelihood, rel=1e-12)
            assert astuple(again.parameters) == pytest.approx(astuple(first.parameters), rel=1e-5)


def test_the_mean_lifetime_is_the_textbook_one() -> None:
    """With α above 1 the mean number of periods is (α + β - 1)/(α - 1), this one included."""
    model = ShiftedBetaGeometric.from_parameters(alpha=4.0, beta=9.0)
    assert 1 + model.expected_renewals(0, periods=20_000)[0] == pytest.approx(12 / 3, rel=1e-8)


def test_duration_dependence_projects_the_high_end_better() -> None:
    """394 of 1,000 were there in year twelve: 378 without, 404 with a changing risk."""
    fit = BetaDiscreteWeibull.fit(Tenures.from_survivors(HIGH_END[:8]))
    nested = ShiftedBetaGeometric.fit(Tenures.from_survivors(HIGH_END[:8]))
    assert fit.parameters.c > 1.5
    assert 2 * (fit.log_likelihood - nested.log_likelihood) > 6.63
    for model in (fit, nested):
        curve = 1000 * model.survival(range(13))
        miss = np.abs(curve - HIGH_END)[8:].mean()
        assert miss < (7 if model is fit else 14)


def test_a_power_of_one_is_the_shifted_beta_geometric() -> None:
    same = BetaDiscreteWeibull.from_parameters(alpha=0.668, beta=3.806, c=1.0)
    years = np.arange(40)
    np.testing.assert_allclose(same.survival(years), MODEL.survival(years), rtol=1e-12)
    for model in (same, MODEL):
        rate = model.retention_rate(years[1:])
        np.testing.assert_allclose(
            rate, (3.806 + years[1:] - 1) / (4.474 + years[1:] - 1), rtol=1e-10
        )


def test_residual_lifetime_is_the_closed_form_of_the_paper() -> None:
    """Just before a renewal: a hypergeometric function in Fader and Hardie (2010), a sum here."""
    renewed = np.array([0, 1, 4, 9])
    for rate in (0.02, 0.10, 0.5):
        found = MODEL.discounted_expected_renewals(
            renewed, discount_rate_per_period=rate, periods_to_renewal=0
        )
        tail = hyp2f1(1, 3.806 + renewed + 1, 4.474 + renewed + 1, 1 / (1 + rate))
        expected = (3.806 + renewed) / (4.474 + renewed) * tail
        np.testing.assert_allclose(found, expected, rtol=1e-10)
        just_paid = MODEL.discounted_expected_renewals(renewed, discount_rate_per_period=rate)
        np.testing.assert_allclose(just_paid * (1 + rate), found, rtol=1e-12)


def test_loyal_customers_are_worth_more_and_value_is_margin_times_renewals() -> None:
    value = MODEL.contract_value(
        [0, 3, 8], margin_per_period=120.0, discount_rate_per_period=0.1, periods=5
    )
    assert np.all(np.diff(value) > 0)
    renewals = MODEL.survival(np.arange(1, 6)) / 1.1 ** np.arange(1, 6)
    assert value[0] == pytest.approx(120 * renewals.sum())
    undiscounted = MODEL.expected_renewals(0, periods=5)
    assert undiscounted[0] == pytest.approx(MODEL.survival(np.arange(1, 6)).sum())


@pytest.mark.parametrize(
    "truth", [WEIBULL, BetaDiscreteWeibull.from_parameters(alpha=1.5, beta=6, c=1)]
)
def test_a_fit_recovers_the_truth_from_customers(truth: BetaDiscreteWeibull) -> None:
    young, old = simulate(truth, 20_000, 5, seed=31), simulate(truth, 60_000, 12, seed=32)
    renewals, active = (np.concatenate(pair) for pair in zip(young, old, strict=True))
    fit = BetaDiscreteWeibull.fit(Tenures.from_customers(renewals=renewals, active=active))
    away = np.array(astuple(fit.parameters)) - np.array(astuple(truth.parameters))
    assert np.all(np.abs(away) < 4 * np.array(astuple(fit.standard_errors)))
    later = simulate(truth, 60_000, 24, seed=33)[0]
    held = (later >= 20).mean()
    error = math.sqrt(held * (1 - held) / 60_000)
    assert truth.survival(20)[0] == pytest.approx(held, abs=4 * error)


def test_cohorts_customers_and_weights_say_the_same() -> None:
    pooled = Tenures.from_survivors([10, 6, 4], [8, 8, 5, 5])
    renewals = [0] * 4 + [1] * 2 + [2] * 4 + [1] * 3 + [3] * 5
    active = [False] * 6 + [True] * 4 + [False] * 3 + [True] * 5
    one_by_one = Tenures.from_customers(renewals=renewals, active=active)
    weighted = Tenures.from_customers(
        renewals=[0, 1, 2, 3], active=[0, 0, 1, 1], weights=[4, 5, 4, 5]
    )
    for other in (one_by_one, weighted):
        width = min(pooled.lost.size, other.lost.size)
        np.testing.assert_array_equal(pooled.lost[:width], other.lost[:width])
        np.testing.assert_array_equal(pooled.kept[:width], other.kept[:width])
        assert other.customers == 18
        fits = [ShiftedBetaGeometric.fit(tenures) for tenures in (pooled, other)]
        assert astuple(fits[0].parameters) == pytest.approx(astuple(fits[1].parameters), rel=1e-9)
    np.testing.assert_allclose(pooled.retention_rates, [14 / 18, 9 / 14, 1.0])


def test_the_score_of_other_tenures_is_the_probability_of_what_they_did() -> None:
    first, whole = Tenures.from_survivors(HIGH_END[:8]), Tenures.from_survivors(HIGH_END)
    for kind in (ShiftedBetaGeometric, BetaDiscreteWeibull):
        fit = kind.fit(first)
        assert fit.log_likelihood_of(first) == pytest.approx(fit.log_likelihood, rel=1e-12)
        outlive = fit.survival(np.arange(13))
        by_hand = -np.diff(HIGH_END) @ np.log(-np.diff(outlive)) + HIGH_END[-1] * np.log(
            outlive[-1]
        )
        assert fit.log_likelihood_of(whole) == pytest.approx(by_hand, rel=1e-10)
        assert fit.log_likelihood_of(whole) < kind.fit(whole).log_likelihood


def test_customers_who_all_leave_alike_are_fitted_at_the_limit() -> None:
    survivors = 1e6 * 0.8 ** np.arange(10)
    fit = ShiftedBetaGeometric.fit(Tenures.from_survivors(survivors))
    assert fit.converged
    assert fit.estimation is not None
    assert fit.estimation.at_limit == ("alpha",)
    assert fit.retention_rate([1, 9]) == pytest.approx(0.8, abs=1e-3)


def test_no_period_ahead_brings_nothing() -> None:
    assert MODEL.expected_renewals([0, 5], periods=0).tolist() == [0, 0]
    assert MODEL.survival(0)[0] == 1


def test_ten_years_of_weeks_and_an_unlikely_tenure_stay_finite() -> None:
    for model in (MODEL, WEIBULL):
        curve = model.survival([0, 520, 10_000])
        assert np.all(np.isfinite(curve))
        assert np.all(np.diff(curve) < 0)
        assert np.isfinite(
            model.discounted_expected_renewals(520, discount_rate_per_period=0.002)
        ).all()


@pytest.mark.parametrize(
    ("ask", "error", "named"),
    [
        (lambda: Tenures.from_survivors(), InconsistentHistory, "No cohort"),
        (lambda: Tenures.from_survivors([]), InconsistentHistory, "empty"),
        (lambda: Tenures.from_survivors([5]), InconsistentHistory, "up for renewal"),
        (lambda: Tenures.from_survivors([0, 0]), InconsistentHistory, "start with somebody"),
        (lambda: Tenures.from_survivors([5, 6]), InconsistentHistory, "not rise.*row 1"),
        (lambda: Tenures.from_survivors([5, math.nan]), InconsistentHistory, "finite.*row 1"),
        (
            lambda: Tenures.from_customers(renewals=[1.5], active=[True]),
            InconsistentHistory,
            "whole numbers.*row 0",
        ),
        (
            lambda: Tenures.from_customers(renewals=[1], active=[2]),
            InconsistentHistory,
            "true or false",
        ),
        (
            lambda: Tenures.from_customers(renewals=[1, 2], active=[1, 0], weights=[1, -1]),
            InconsistentHistory,
            "weights.*row 1",
        ),
        (
            lambda: ShiftedBetaGeometric.fit(Tenures.from_survivors([1000, 631])),
            NotIdentified,
            "1 renewals",
        ),
        (
            lambda: BetaDiscreteWeibull.fit(Tenures.from_survivors([1000, 631, 500])),
            NotIdentified,
            "2 renewals",
        ),
        (
            lambda: ShiftedBetaGeometric.fit(Tenures.from_survivors([10, 10, 10])),
            NotIdentified,
            "0 customers lost",
        ),
        (
            lambda: ShiftedBetaGeometric.fit(Tenures.from_survivors([10, 0, 0])),
            NotIdentified,
            "some who stay",
        ),
        (lambda: MODEL.survival(-1), InconsistentHistory, "whole numbers from 0"),
        (lambda: MODEL.retention_rate(0), InconsistentHistory, "whole numbers from 1"),
        (lambda: MODEL.expected_renewals(1, periods=-1), InvalidWindow, "found -1"),
        *(
            (
                lambda rate=rate: MODEL.contract_value(
                    1, margin_per_period=9.0, discount_rate_per_period=rate, periods=3
                ),
                InvalidWindow,
                "between -1 and 10",
            )
            for rate in (-1.0, 10.0, math.nan)
        ),
        (
            lambda: MODEL.discounted_expected_renewals(1, discount_rate_per_period=0.0),
            InvalidWindow,
            "Without an end",
        ),
        (
            lambda: MODEL.discounted_expected_renewals(
                1, discount_rate_per_period=0.1, periods_to_renewal=-1
            ),
            InvalidWindow,
            "periods_to_renewal",
        ),
        (
            lambda: MODEL.contract_value(
                1, margin_per_period=math.nan, discount_rate_per_period=0.1
            ),
            InconsistentHistory,
            "margin_per_period",
        ),
        (
            lambda: BetaDiscreteWeibull.from_parameters(alpha=1, beta=1, c=0),
            InvalidParameter,
            "c must",
        ),
        (lambda: MODEL.standard_errors, NotEstimated, "ShiftedBetaGeometric.fit"),
    ],
)
def test_what_has_no_answer_is_refused_with_the_reason(
    ask: Callable[[], object], error: type[Exception], named: str
) -> None:
    with pytest.raises(error, match=named):
        ask()
