"""BG/BB gives the published figures and agrees with customers simulated step by step."""

import math
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from scipy.special import hyp2f1

from patronage.science.lifetime import (
    BetaGeometricBetaBinomial,
    BetaGeometricBetaBinomialParameters,
    Cells,
    InconsistentHistory,
    InvalidParameter,
    InvalidWindow,
    NotEstimated,
    NotIdentified,
)
from patronage.science.lifetime.bg_bb_likelihood import DiscreteShape, weighted_log_likelihood

MODEL = BetaGeometricBetaBinomial.from_parameters(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783)


@pytest.fixture(scope="module")
def donations(published_data: Path) -> Cells:
    """11,104 first-time donors of 1995, and in which of the next six years they gave again."""
    x, t_x, n, donors = np.loadtxt(
        published_data / "cdnow" / "donations.csv", delimiter=",", skiprows=1
    ).T
    return Cells.from_customers(frequency=x, recency=t_x, age=n, weights=donors)


@pytest.fixture(scope="module")
def fit(donations: Cells) -> BetaGeometricBetaBinomial:
    return BetaGeometricBetaBinomial.fit(donations)


def simulate(customers: int, opportunities: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Purchases and being alive, shape (customers, opportunities), drawn from MODEL's story."""
    a, b, c, d = astuple(MODEL.parameters)
    rng = np.random.default_rng(seed)
    p, theta = rng.beta(a, b, customers), rng.beta(c, d, customers)
    alive = (rng.random((opportunities, customers)) >= theta).cumprod(axis=0).astype(bool).T
    return alive & (rng.random((customers, opportunities)) < p[:, None]), alive


def histories(bought: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = bought.shape[1]
    last = np.where(bought.any(axis=1), n - bought[:, ::-1].argmax(axis=1), 0)
    return bought.sum(axis=1), last, np.full(bought.shape[0], n)


def test_parameters_and_likelihood_are_the_published_ones(fit: BetaGeometricBetaBinomial) -> None:
    assert [round(value, 3) for value in astuple(fit.parameters)] == [1.204, 0.75, 0.657, 2.783]
    assert round(fit.log_likelihood, 1) == -33225.6
    assert fit.converged
    assert fit.gradient_norm < 1e-6


def test_donors_are_alive_next_year_as_published(fit: BetaGeometricBetaBinomial) -> None:
    """No repeat since 1995, two repeats the last in 1999, six repeats: Fader et al., Table 3."""
    alive = fit.probability_alive([0, 2, 6], [0, 4, 6], 6, opportunities_later=1)
    assert [round(value, 2) for value in alive.tolist()] == [0.11, 0.59, 0.93]


def test_expectations_are_those_of_the_authors_spreadsheet(
    fit: BetaGeometricBetaBinomial, donations: Cells
) -> None:
    expected = fit.expected_purchases(
        donations.frequency, donations.recency, donations.age, opportunities=5
    )
    assert round(float(donations.weight @ expected), 1) == 12884.2
    donors = donations.customers * fit.distribution_new_customer(opportunities=6)
    assert [round(donors[x], 1) for x in (0, 6)] == [3454.9, 1253.1]
    assert donors.sum() == pytest.approx(11_104)


def test_two_donors_are_expected_to_give_what_btyd_documents(
    fit: BetaGeometricBetaBinomial,
) -> None:
    """A walk through the R package BTYD prints 0.1302169 and 3.627858 for ten years."""
    expected = fit.expected_purchases([0, 4], [0, 5], 6, opportunities=10)
    assert expected == pytest.approx([0.1302169, 3.627858], rel=1e-4)


def test_residual_transactions_for_ever_are_the_closed_form_of_the_paper() -> None:
    """Equation 14 holds a hypergeometric function; ours is a sum."""
    _, _, c, d = astuple(MODEL.parameters)
    x, t_x, n, rate = 4, 5, 6, 0.10
    found = MODEL.discounted_expected_purchases(x, t_x, n, discount_rate_per_opportunity=rate)
    tail = hyp2f1(1, d + n + 1, c + d + n + 1, 1 / (1 + rate)) / (1 + rate)
    lives = tail * (d + n) / (c + d + n)
    a, b, *_ = astuple(MODEL.parameters)
    expected = MODEL.probability_alive(x, t_x, n) * (a + x) / (a + b + n) * lives
    assert found == pytest.approx(expected, rel=1e-12)
    first, second = (
        MODEL.discounted_expected_purchases(
            x, t_x, n, discount_rate_per_opportunity=rate, opportunities=to, start_opportunities=at
        )
        for at, to in ((0, 7), (7, 400))
    )
    assert first + second == pytest.approx(found, rel=1e-9)


def test_every_start_leads_to_the_same_maximum(
    fit: BetaGeometricBetaBinomial, donations: Cells
) -> None:
    rng = np.random.default_rng(21)
    for _ in range(20):
        a, b, c, d = np.exp(rng.uniform(np.log(0.05), np.log(20.0), 4)).tolist()
        start = BetaGeometricBetaBinomialParameters(alpha=a, beta=b, gamma=c, delta=d)
        again = BetaGeometricBetaBinomial.fit(donations, start=start)
        assert again.converged
        assert again.gradient_norm < 1e-6
        assert astuple(again.parameters) == pytest.approx(astuple(fit.parameters), rel=1e-6)


def test_the_gradient_is_the_slope() -> None:
    x, t_x, n = np.array([0.0, 2.0, 3.0, 9.0]), np.array([0.0, 4.0, 9.0, 9.0]), np.full(4, 9.0)
    weight = np.array([5.0, 1.0, 2.0, 3.0])

    def at(logs: np.ndarray) -> tuple[float, np.ndarray]:
        a, b, c, d = np.exp(logs).tolist()
        shape = DiscreteShape(alpha=a, beta=b, gamma=c, delta=d)
        return weighted_log_likelihood(shape, x, t_x, n, weight)

    point = np.log([1.2, 0.8, 0.6, 2.5])
    for axis in range(4):
        step = np.eye(4)[axis] * 1e-6
        slope = (at(point + step)[0] - at(point - step)[0]) / 2e-6
        assert at(point)[1][axis] == pytest.approx(slope, rel=1e-6)


def test_all_possible_histories_have_probability_one() -> None:
    """Each of the n choose x orders with the last at t_x is one history."""
    total, n = 0.0, 7
    for t_x in range(n + 1):
        for x in range(t_x + 1):
            if (x == 0) == (t_x == 0):
                cell = Cells.from_customers(frequency=[x], recency=[t_x], age=[n])
                ways = math.comb(t_x - 1, x - 1) if x else 1
                total += ways * math.exp(MODEL.log_likelihood_of(cell))
    assert total == pytest.approx(1.0, rel=1e-12)


def test_answers_agree_with_simulated_customers() -> None:
    """Within four standard errors in every class of history, and never off in total."""
    bought, alive = simulate(200_000, 14, seed=22)
    x, t_x, n = histories(bought[:, :6])
    later = bought[:, 6:]
    found = {
        "alive": (MODEL.probability_alive(x, t_x, n), alive[:, 5]),
        "buys": (MODEL.probability_of_purchase(x, t_x, n, opportunities=3), later[:, :3].any(1)),
        "count": (MODEL.expected_purchases(x, t_x, n, opportunities=8), later.sum(1)),
        "later": (
            MODEL.expected_purchases(x, t_x, n, opportunities=8, start_opportunities=5),
            later[:, 5:].sum(1),
        ),
    }
    for name, (expected, happened) in found.items():
        for group in range(7):
            rows = x == group
            miss = happened[rows] - expected[rows]
            assert abs(miss.mean()) < 4 * miss.std() / math.sqrt(rows.sum()) + 1e-9, (name, group)


def test_a_fit_recovers_the_truth_with_cohorts_of_different_ages() -> None:
    bought, _ = simulate(30_000, 10, seed=23)
    young, old = histories(bought[:10_000, :5]), histories(bought[10_000:])
    x, t_x, n = (np.concatenate(pair) for pair in zip(young, old, strict=True))
    fit = BetaGeometricBetaBinomial.fit(Cells.from_customers(frequency=x, recency=t_x, age=n))
    away = np.array(astuple(fit.parameters)) - np.array(astuple(MODEL.parameters))
    assert np.all(np.abs(away) < 4 * np.array(astuple(fit.standard_errors)))


def test_weights_count_customers() -> None:
    x, t_x, n = histories(simulate(400, 6, seed=24)[0])
    times = np.random.default_rng(25).integers(0, 4, 400)
    weighted = Cells.from_customers(frequency=x, recency=t_x, age=n, weights=times)
    repeated = Cells.from_customers(
        frequency=np.repeat(x, times), recency=np.repeat(t_x, times), age=np.repeat(n, times)
    )
    ours, theirs = map(BetaGeometricBetaBinomial.fit, (weighted, repeated))
    assert astuple(ours.parameters) == pytest.approx(astuple(theirs.parameters), rel=1e-7)
    assert ours.log_likelihood == pytest.approx(theirs.log_likelihood, rel=1e-12)


def test_ten_years_of_days_make_no_answer_undefined() -> None:
    x, t_x, n = [0, 1, 2000, 3650], [0, 1, 3600, 3650], 3650
    for answer in (
        MODEL.probability_alive(x, t_x, n),
        MODEL.expected_purchases(x, t_x, n, opportunities=365),
        MODEL.probability_of_purchase(x, t_x, n, opportunities=90),
    ):
        assert np.all(np.isfinite(answer))
        assert np.all(answer >= 0)


def test_customers_who_all_buy_alike_are_fitted_at_the_limit() -> None:
    rng = np.random.default_rng(26)
    theta = rng.beta(0.7, 2.8, 8000)
    alive = (rng.random((8, 8000)) >= theta).cumprod(axis=0).astype(bool).T
    x, t_x, n = histories(alive & (rng.random((8000, 8)) < 0.4))
    fit = BetaGeometricBetaBinomial.fit(Cells.from_customers(frequency=x, recency=t_x, age=n))
    assert fit.converged
    a, b, *_ = astuple(fit.parameters)
    assert a / (a + b) == pytest.approx(0.4, abs=0.02)
    assert a > 20


@pytest.mark.parametrize(
    ("x", "t_x", "n", "named"),
    [
        (3, 2, 6, "must not exceed the opportunity of the last purchase.*row 0"),
        (1, 1.5, 6, "whole numbers of opportunities"),
        (1, 7, 6, "recency must not exceed age"),
        (0, 2, 6, "without a repeat purchase"),
        (-1, 0, 6, "must not be negative"),
        (1, math.nan, 6, "must be finite"),
    ],
)
def test_impossible_histories_are_named(x: float, t_x: float, n: float, named: str) -> None:
    with pytest.raises(InconsistentHistory, match=named):
        MODEL.probability_alive(x, t_x, n)


@pytest.mark.parametrize(
    ("ask", "error", "named"),
    [
        (
            lambda: BetaGeometricBetaBinomial.fit(
                Cells.from_customers(frequency=0, recency=0, age=[5, 6, 7])
            ),
            NotIdentified,
            "0 purchases at 18 opportunities",
        ),
        (
            lambda: BetaGeometricBetaBinomial.fit(
                Cells.from_customers(frequency=[5, 6], recency=[5, 6], age=[5, 6])
            ),
            NotIdentified,
            "some buy and some do not",
        ),
        (
            lambda: BetaGeometricBetaBinomial.fit(
                Cells.from_customers(frequency=[2], recency=[3], age=[6])
            ),
            NotIdentified,
            "1 distinct histories",
        ),
        (lambda: MODEL.expected_purchases(1, 1, 2, opportunities=-1), InvalidWindow, "found -1"),
        (
            lambda: MODEL.expected_purchases(1, 1, 2, opportunities=2, start_opportunities=3),
            InvalidWindow,
            "found 3",
        ),
        (
            lambda: MODEL.discounted_expected_purchases(
                1, 1, 2, discount_rate_per_opportunity=-1, opportunities=3
            ),
            InvalidWindow,
            "between -1 and 10",
        ),
        (
            lambda: MODEL.discounted_expected_purchases(1, 1, 2, discount_rate_per_opportunity=0),
            InvalidWindow,
            "Without an end",
        ),
        (
            lambda: BetaGeometricBetaBinomial.from_parameters(alpha=0, beta=1, gamma=1, delta=1),
            InvalidParameter,
            "alpha",
        ),
        (lambda: MODEL.standard_errors, NotEstimated, "BetaGeometricBetaBinomial.fit"),
    ],
)
def test_what_has_no_answer_is_refused_with_the_reason(
    ask: Callable[[], object], error: type[Exception], named: str
) -> None:
    with pytest.raises(error, match=named):
        ask()


def test_no_opportunity_means_no_purchase() -> None:
    assert MODEL.expected_purchases([0, 1], [0, 1], 2, opportunities=0) == pytest.approx(0)
    assert MODEL.probability_of_purchase([0, 1], [0, 1], 2, opportunities=0) == pytest.approx(0)
