"""(M)BG/CNBD-k is its nested models for k = 1, finds k, and sums what it looks up."""

from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import betainc, betaln, gammaln

from patronage.science.lifetime import (
    BGNBD,
    MBGNBD,
    Cells,
    CNBDk,
    CNBDkParameters,
    InconsistentHistory,
    InvalidParameter,
    beta_geometric_model,
    cnbd_k,
)
from patronage.science.lifetime.beta_geometric_future import growth
from patronage.science.lifetime.beta_geometric_likelihood import (
    BetaGeometric,
    SharedCounts,
    weighted_log_likelihood,
)
from patronage.science.lifetime.beta_geometric_model import _pair_discount

FloatArray = NDArray[np.float64]


@pytest.fixture(scope="module")
def cells(cdnow: Any) -> Cells:
    return Cells.from_customers(frequency=cdnow.frequency, recency=cdnow.recency, age=cdnow.age)


def test_one_stage_is_bg_nbd_and_mbg_nbd(cells: Cells) -> None:
    for at_first, nested in ((False, BGNBD), (True, MBGNBD)):
        own = CNBDk.fit(cells, k=1, dropout_at_first=at_first)
        other = nested.fit(cells)
        assert astuple(own.parameters)[2:] == pytest.approx(astuple(other.parameters), rel=1e-9)
        assert own.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-12)
        assert own.log_likelihood_of(cells) == pytest.approx(other.log_likelihood, rel=1e-12)


def test_cdnow_shows_no_regularity(cells: Cells) -> None:
    """BTYDplus finds k = 1 too. Which kind of dropout fits better is MBG, by 0.3."""
    fit = CNBDk.fit(cells)
    assert fit.converged
    assert (fit.parameters.k, fit.parameters.dropout_at_first) == (1.0, 1.0)
    assert np.isnan(fit.standard_errors.k)
    assert fit.standard_errors.r > 0


TRUTH = CNBDk.from_parameters(k=3, dropout_at_first=1, r=0.85, alpha=10.15, a=0.79, b=2.42)


def regular_customers(n: int) -> tuple[Cells, float]:
    """The published package's own example, 3 stages, lived purchase by purchase; and Σ log times.

    Ages of 12 to 96 weeks.
    """
    rng = np.random.default_rng(41)
    p = TRUTH.parameters
    rate, leaves = rng.gamma(p.r, 1.0 / p.alpha, n), rng.beta(p.a, p.b, n)
    T, now, x, t_x, logs = rng.uniform(84.0, 672.0, n), np.zeros(n), np.zeros(n), np.zeros(n), 0.0
    active = rng.random(n) >= leaves
    while active.any():
        between = rng.gamma(p.k, 1.0, n) / rate
        now = now + between
        active &= now <= T
        x, t_x = x + active, np.where(active, now, t_x)
        logs += float(np.log(between[active]).sum())
        active &= rng.random(n) >= leaves
    return Cells.from_customers(frequency=x, recency=t_x, age=T), logs


def test_k_and_the_parameters_are_found_with_and_without_the_times_between() -> None:
    cells, logs = regular_customers(4000)
    for known in (None, logs):
        fit = CNBDk.fit(cells, sum_of_log_intervals=known)
        assert fit.converged
        assert fit.gradient_norm < 1e-6
        assert (fit.parameters.k, fit.parameters.dropout_at_first) == (3.0, 1.0)
        for name in ("r", "alpha", "a", "b"):
            error = getattr(fit.standard_errors, name)
            assert abs(getattr(fit.parameters, name) - getattr(TRUTH.parameters, name)) < 4 * error


def test_beginning_with_a_sample_of_very_many_cells_changes_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cells, _ = regular_customers(16_000)
    assert cells.sample(cnbd_k._SAMPLE) is not cells
    quick = CNBDk.fit(cells)
    monkeypatch.setattr(beta_geometric_model, "_ROUGH_CELLS", cells.size)
    plain = CNBDk.fit(cells, k=3, dropout_at_first=True)
    assert astuple(quick.parameters) == pytest.approx(astuple(plain.parameters), rel=1e-6)
    assert quick.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-12)
    assert quick.gradient_norm < 1e-6


def test_every_start_leads_to_the_same_maximum() -> None:
    cells, _ = regular_customers(500)
    best = CNBDk.fit(cells, k=3, dropout_at_first=True)
    rng = np.random.default_rng(42)
    for _ in range(20):
        r, alpha, a, b = np.exp(rng.uniform(np.log(0.05), np.log(20.0), 4)) * (1, 20, 1, 1)
        start = CNBDkParameters(k=3.0, dropout_at_first=1.0, r=r, alpha=alpha, a=a, b=b)
        again = CNBDk.fit(cells, k=3, dropout_at_first=True, start=start)
        assert again.converged
        assert again.gradient_norm < 1e-6
        assert astuple(again.parameters) == pytest.approx(astuple(best.parameters), rel=1e-5)


def test_the_log_likelihood_is_a_density_of_count_and_last_purchase() -> None:
    """Over every possible (x, t_x) it adds up to 1 for each k: what makes k comparable.

    The constant that all models leave out is put back: x - 1 of the x times lie anywhere before.
    """
    nodes, weights = np.polynomial.legendre.leggauss(20)
    T = 30.0
    for k in (1, 2, 4):
        model = CNBDk.from_parameters(k=k, dropout_at_first=1, r=1.2, alpha=30.0 / k, a=0.8, b=2.0)
        total = np.exp(model.log_likelihood_of(one(0, 0.0, T)))
        for x in range(1, 28):
            for t_x, weight in zip((nodes + 1) / 2 * T, weights / 2 * T, strict=True):
                anywhere = (x - 1) * np.log(t_x) - gammaln(x)
                total += weight * np.exp(model.log_likelihood_of(one(x, t_x, T)) + anywhere)
        assert total == pytest.approx(1.0, abs=1e-5)


def one(x: float, t_x: float, T: float) -> Cells:
    return Cells.from_customers(frequency=[x], recency=[t_x], age=[T])


@pytest.mark.parametrize("k", [2, 3, 4])
@pytest.mark.parametrize("at_first", [0, 1])
def test_gradient_equals_the_numeric_one(k: int, at_first: int) -> None:
    rng = np.random.default_rng(43)
    x = rng.integers(0, 6, 30).astype(np.float64)
    T, weight = rng.uniform(10.0, 300.0, 30), rng.random(30)
    t_x = np.where(x > 0, T * rng.random(30), 0.0)

    def at(point: FloatArray) -> tuple[float, FloatArray]:
        r, alpha, a, b = np.exp(point).tolist()
        law = BetaGeometric(k=k, at_first=at_first, r=r, alpha=alpha, a=a, b=b)
        return weighted_log_likelihood(law, x, t_x, T, weight, SharedCounts.of(x, weight))

    point, step = np.log([0.3, 40.0, 0.8, 2.4]), 1e-5
    for direction, slope in zip(step * np.eye(4), at(point)[1], strict=True):
        numeric = (at(point + direction)[0] - at(point - direction)[0]) / (2 * step)
        assert slope == pytest.approx(numeric, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("looked_up", [True, False])
@pytest.mark.parametrize(
    ("k", "x", "a", "b"),
    [(1, 3.0, 5.0, 2.0), (2, 0.0, 0.8, 2.4), (3, 0.0, 0.01, 0.01), (4, 12.0, 30.0, 900.0)],
)
def test_expected_purchases_are_the_sum_over_the_next_ones(
    k: int, x: float, a: float, b: float, looked_up: bool
) -> None:
    """Σ E[q^(n-1)] P(the n-th next purchase falls into the window), term by term."""
    law = BetaGeometric(k=k, at_first=1, r=0.85, alpha=1.0, a=a, b=b)
    z, n = np.array([1e-3, 0.1, 0.5, 2.0]), np.arange(1, 20_001)
    made = np.exp(betaln(a, b + x + n) - betaln(a, b + x + 1))
    for j in range(k):
        kappa = law.r + k * x + j
        by_then = betainc(k * n - j, kappa, (z / (1 + z))[:, None])
        evaluations = 10_000 if looked_up else 1
        grown = growth(law, x, j, furthest=2.0, evaluations=evaluations, pairs=True)
        e, pairs = grown(z)
        assert e == pytest.approx(by_then @ made, rel=1e-10)
        assert pairs == pytest.approx(by_then @ ((n - 1) * made), rel=1e-6)


def test_impossible_requests_are_refused(cells: Cells) -> None:
    with pytest.raises(InvalidParameter, match="k must be a whole number from 1 to 12, found 0"):
        CNBDk.fit(cells, k=0)
    with pytest.raises(InvalidParameter, match=r"k must be a whole number.*found 1\.5"):
        CNBDk.from_parameters(k=1.5, dropout_at_first=1, r=1, alpha=1, a=1, b=1)
    with pytest.raises(InvalidParameter, match="dropout_at_first must be 0 or 1"):
        CNBDk.from_parameters(k=2, dropout_at_first=0.5, r=1, alpha=1, a=1, b=1)
    with pytest.raises(InconsistentHistory, match="sum_of_log_intervals must be finite"):
        CNBDk.fit(cells, k=2, sum_of_log_intervals=-np.inf)


def share_of_variance(k: int, *, r: float, days_a_purchase: float, a: float, b: float) -> float:
    """By how much `_pair_discount` overstates the variance of customers who live by the model.

    Three years at 10 %, purchase by purchase; the same paths for both sums over pairs.
    """
    rng, n, delta = np.random.default_rng(51), 12_000, np.log1p(0.10) / 365
    rate = rng.gamma(r, k / (r * days_a_purchase), n)
    leaves = rng.beta(a, b, n)
    now, total, count, gap = np.zeros((4, n))
    there = np.arange(n)
    while there.size:
        when = now[there] + rng.gamma(k, 1.0, there.size) / rate[there]
        there, when = there[when <= 1095], when[when <= 1095]
        earlier = np.array([_pair_discount(delta, v) for v in when.tolist()])
        discount = np.exp(-delta * when)
        gap[there] += 2.0 * (count[there] * earlier - total[there] * discount)
        total[there] += discount
        count[there] += 1.0
        now[there] = when
        there = there[rng.random(there.size) >= leaves[there]]
    return float(gap.mean() / total.var())


@pytest.mark.parametrize("k", [2, 4, 12])
def test_earlier_purchases_spread_evenly_hardly_move_the_variance_of_customers_who_differ(
    k: int,
) -> None:
    assert abs(share_of_variance(k, r=0.9, days_a_purchase=20.0, a=0.8, b=2.5)) < 0.001


@pytest.mark.parametrize(("k", "at_most"), [(4, 0.01), (12, 0.03)])
def test_they_move_it_by_a_percent_or_two_where_all_buy_at_one_rate(k: int, at_most: float) -> None:
    share = share_of_variance(k, r=900.0, days_a_purchase=25.0 * k, a=1.0, b=200.0)
    assert at_most / 10 < share < at_most
