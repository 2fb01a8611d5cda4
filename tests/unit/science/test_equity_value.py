"""A customer's value has the right mean, and its interval the coverage it claims."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from patronage.science.equity import InvalidFigures, customer_value
from patronage.science.equity.valuation import CustomerValue
from patronage.science.lifetime import GammaGamma, ParetoNBD

CDNOW_LIKE = ((0.553, 74.0, 0.606, 81.7), (6.25, 3.74, 15.44))
GROCER_LIKE = ((1.4, 9.6, 1.2, 900.0), (0.8, 3.7, 150.0))
HORIZON, ANNUAL, MARGIN = 1095.0, 0.10, 0.3


def valued(
    purchase: tuple[float, ...], spend: tuple[float, ...], cost: float, seed: int
) -> tuple[NDArray[np.float64], CustomerValue, NDArray[np.float64]]:
    """Simulate customers, value them from their history, and live their futures."""
    rng = np.random.default_rng(seed)
    n = 60_000
    r, alpha, s, beta = purchase
    p, q, v = spend
    T = rng.integers(100, 366, n).astype(np.float64)
    rate, nu = rng.gamma(r, 1 / alpha, n), rng.gamma(q, 1 / v, n)
    lifetime = rng.exponential(1 / rng.gamma(s, 1 / beta, n))
    seen = np.minimum(lifetime, T)
    x = rng.poisson(rate * seen)
    some = np.maximum(x, 1)
    t_x = np.where(x > 0, seen * rng.beta(some, 1.0), 0.0)
    average = np.where(x > 0, rng.gamma(p * some) / (nu * some), 0.0)

    left = np.clip(lifetime - T, 0.0, HORIZON)
    who = np.repeat(np.arange(n), rng.poisson(rate * left))
    factor = (1 + ANNUAL) ** (-rng.random(who.size) * left[who] / 365)
    margins = factor * (MARGIN * rng.gamma(p, 1 / nu[who]) - cost)
    earned = np.bincount(who, margins, n).astype(np.float64)

    model = ParetoNBD.from_parameters(r=r, alpha=alpha, s=s, beta=beta)
    spends = GammaGamma.from_parameters(p=p, q=q, v=v)
    moments = model.purchase_moments(x, t_x, T, horizon_days=HORIZON, annual_discount_rate=ANNUAL)
    value = customer_value(
        expected_purchases=moments.mean,
        purchase_variance=moments.variance,
        probability_of_purchase=moments.probability_of_purchase,
        mean_squared_discount=moments.mean_squared_discount,
        expected_spend=spends.expected_spend(x, average),
        spend_variance=spends.spend_variance(x, average),
        purchase_spend_variance=spends.purchase_spend_variance(x, average),
        margin_rate=MARGIN,
        cost_to_serve_per_purchase=cost,
    )
    return earned, value, moments.probability_of_purchase


@pytest.mark.parametrize(
    ("purchase", "spend", "cost"),
    [
        (*CDNOW_LIKE, 0.0),
        (*CDNOW_LIKE, 2.0),
        (*CDNOW_LIKE, 9.0),
        (*GROCER_LIKE, 1.0),
    ],
)
def test_nine_in_ten_futures_lie_within_the_interval(
    purchase: tuple[float, ...], spend: tuple[float, ...], cost: float
) -> None:
    earned, value, _ = valued(purchase, spend, cost, seed=1)
    inside = (earned >= value.low - 1e-9) & (earned <= value.high + 1e-9)
    assert 0.85 < inside.mean() < 0.95
    assert np.all(value.low <= value.high)


def test_the_interval_holds_for_likely_and_unlikely_buyers_alike() -> None:
    earned, value, buys = valued(*CDNOW_LIKE, 2.0, seed=2)
    inside = (earned >= value.low - 1e-9) & (earned <= value.high + 1e-9)
    for fifth in np.array_split(np.argsort(buys), 5):
        assert 0.84 < inside[fifth].mean() < 0.96


def test_values_add_up_to_what_simulated_customers_earn() -> None:
    earned, value, _ = valued(*CDNOW_LIKE, 2.0, seed=3)
    miss = earned - value.value
    assert abs(miss.mean()) < 4 * miss.std() / np.sqrt(miss.size)
    assert (miss**2).mean() == pytest.approx((value.standard_deviation**2).mean(), rel=0.1)


def test_an_interval_that_forgets_the_chance_of_never_buying_again_fails_this_coverage() -> None:
    earned, value, _ = valued(*CDNOW_LIKE, 2.0, seed=1)
    low = value.value - 1.645 * np.sqrt(value.value)
    high = value.value + 1.645 * np.sqrt(value.value)
    assert not 0.85 < ((earned >= low) & (earned <= high)).mean() < 0.95


ONE: dict[str, Any] = {
    "expected_purchases": 4.0,
    "purchase_variance": 6.0,
    "probability_of_purchase": 0.9,
    "expected_spend": 50.0,
    "spend_variance": 100.0,
    "margin_rate": 0.2,
}


def test_value_is_purchases_times_margin_less_cost_to_serve() -> None:
    assert customer_value(**ONE).value[0] == pytest.approx(4 * 50 * 0.2)
    assert customer_value(**ONE, cost_to_serve_per_purchase=3.0).value[0] == pytest.approx(28.0)


def test_a_customer_who_costs_more_than_they_bring_has_a_negative_value_and_interval() -> None:
    found = customer_value(**ONE, cost_to_serve_per_purchase=30.0)
    assert found.value[0] == pytest.approx(-80.0)
    assert found.low[0] < found.value[0] < found.high[0] <= 0


def test_a_customer_who_surely_never_buys_again_is_worth_exactly_nothing() -> None:
    gone = ONE | {
        "expected_purchases": 0.0,
        "purchase_variance": 0.0,
        "probability_of_purchase": 0.0,
    }
    found = customer_value(**gone)
    assert (found.value[0], found.low[0], found.high[0]) == (0, 0, 0)


def test_zero_is_the_lower_bound_once_never_buying_again_exceeds_five_per_cent() -> None:
    assert customer_value(**ONE).low[0] == 0
    assert customer_value(**ONE | {"probability_of_purchase": 0.99}).low[0] > 0


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"purchase_variance": -1.0}, "purchase_variance must not be negative.*row 0"),
        ({"probability_of_purchase": 1.2}, "probability_of_purchase must lie between 0 and 1"),
        ({"margin_rate": 20.0}, "margin_rate must lie between -1 and 1"),
        ({"expected_spend": np.nan}, "expected_spend must be finite numbers.*row 0"),
        ({"expected_spend": [1.0, 2.0], "spend_variance": [1.0, 2.0, 3.0]}, "equally long"),
    ],
)
def test_figures_out_of_range_are_refused(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidFigures, match=named):
        customer_value(**ONE | wrong)
