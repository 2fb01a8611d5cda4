"""Steering the future: against the closed form of other parameters, and against simulated truth."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from scipy.integrate import quad

from patronage.science.lifetime import InvalidParameter, ParetoNBD
from patronage.science.lifetime.steered import (
    Steered,
    activity,
    ageing_for_retention,
)

R, ALPHA, S, BETA = 0.9, 60.0, 0.7, 320.0
MODEL = ParetoNBD.from_parameters(r=R, alpha=ALPHA, s=S, beta=BETA)
X = np.array([0.0, 1.0, 4.0, 25.0])
T_X = np.array([0.0, 20.0, 160.0, 350.0])
T = np.array([30.0, 300.0, 200.0, 364.0])
HISTORY = (X, T_X, T)
RATE = 0.10


def by_integration(
    purchases: float, dropout: float, start: float, end: float, rate: float = RATE
) -> list[float]:
    """Rate times `purchases`, dropout rate times `dropout`: the integral, written out.

    Given alive, a customer's rates are gamma (r + x, α + T) and (s, β + T); the second times c is
    gamma (s, (β + T) / c), so that the share alive after v days is ((β+T) / (β+T + c v))^s.
    """
    alive = MODEL.probability_alive(*HISTORY)
    force = np.log1p(rate) / 365.0
    return [
        purchases
        * alive[row]
        * (R + X[row])
        / (ALPHA + T[row])
        * quad(
            lambda v, edge=BETA + T[row]: np.exp(-force * v) * (edge / (edge + dropout * v)) ** S,
            start,
            end,
        )[0]
        for row in range(X.size)
    ]


@pytest.mark.parametrize(("purchases", "ageing"), [(1.0, 1.0), (1.01, 1.0), (1.0, 0.6), (1.3, 2.0)])
@pytest.mark.parametrize(("start", "end"), [(0.0, 1095.0), (91.0, 456.0)])
def test_steering_is_another_purchase_and_dropout_rate_after_the_same_past(
    purchases: float, ageing: float, start: float, end: float
) -> None:
    steered = Steered(model=MODEL, purchases=purchases, ageing=ageing)
    found = steered.discounted_expected_purchases(
        *HISTORY, start_days=start, horizon_days=end, annual_discount_rate=RATE
    )
    assert_allclose(found, by_integration(purchases, ageing, start, end), rtol=1e-9)


@pytest.mark.parametrize("rate", [0.127, 0.15, 0.4, 2.0])
@pytest.mark.parametrize(("start", "end"), [(0.0, 1095.0), (91.0, 456.0)])
def test_slow_ageing_at_a_high_rate_is_right_too(rate: float, start: float, end: float) -> None:
    """On the slowed clock the rate is (1 + rate)^20 - 1, beyond what a model takes."""
    found = Steered(model=MODEL, ageing=0.05).discounted_expected_purchases(
        *HISTORY, start_days=start, horizon_days=end, annual_discount_rate=rate
    )
    assert_allclose(found, by_integration(1.0, 0.05, start, end, rate), rtol=1e-5)


def test_the_closed_form_would_notice_a_past_that_is_read_anew() -> None:
    """The broken twin: other parameters also change what the past says, and miss the truth."""
    anew = ParetoNBD.from_parameters(r=R, alpha=ALPHA, s=S, beta=BETA / 0.6)
    found = anew.discounted_expected_purchases(
        *HISTORY, horizon_days=1095.0, annual_discount_rate=RATE
    )
    assert not np.allclose(found, by_integration(1.0, 0.6, 0.0, 1095.0), rtol=1e-3)


def test_without_steering_nothing_changes() -> None:
    assert_array_equal(
        Steered(model=MODEL).discounted_expected_purchases(
            *HISTORY, horizon_days=1095.0, annual_discount_rate=RATE
        ),
        MODEL.discounted_expected_purchases(
            *HISTORY, horizon_days=1095.0, annual_discount_rate=RATE
        ),
    )


def base(customers: int = 400) -> tuple[NDArray[np.float64], ...]:
    random = np.random.default_rng(3)
    x = random.poisson(6, customers).astype(float)
    age = random.uniform(60, 700, customers)
    t_x = np.where(x > 0, age * random.uniform(0.3, 1.0, customers), 0.0)
    return x, t_x, age


def test_the_ageing_found_raises_retention_by_the_points_asked_for() -> None:
    history = base()
    before = activity(MODEL, *history).retention
    ageing = ageing_for_retention(MODEL, *history, points=0.01)
    assert before is not None
    assert ageing is not None
    after = activity(Steered(model=MODEL, ageing=ageing), *history).retention
    assert after == pytest.approx(before + 0.01, abs=1e-9)


def test_retention_is_that_of_simulated_customers_whose_dropout_rate_is_lower() -> None:
    """Truth known: new customers with gamma rates; whoever is alive buys at their own rate."""
    ageing, random = 0.8, np.random.default_rng(11)
    count = 400_000
    rate = random.gamma(R, 1 / ALPHA, count)
    life = random.exponential(1 / (random.gamma(S, 1 / BETA, count) * ageing))
    kept = rate[life > 365].sum() / rate.sum()
    found = activity(Steered(model=MODEL, ageing=ageing), 0, 0, 0).retention
    spread = (rate * (life > 365)).std() / np.sqrt(count) / rate.mean()
    assert found == pytest.approx(kept, abs=4 * spread)


def test_a_base_that_next_to_nobody_leaves_cannot_be_kept_better_by_a_point() -> None:
    faithful = ParetoNBD.from_parameters(r=1.0, alpha=30.0, s=1.0, beta=1e6)
    assert ageing_for_retention(faithful, *base(), points=0.01) is None
    assert (activity(faithful, *base()).retention or 0) > 0.99


@pytest.mark.parametrize(("purchases", "ageing"), [(-0.1, 1.0), (1.0, 0.01), (float("nan"), 1.0)])
def test_a_future_that_cannot_be_is_refused(purchases: float, ageing: float) -> None:
    with pytest.raises(InvalidParameter):
        Steered(model=MODEL, purchases=purchases, ageing=ageing)
