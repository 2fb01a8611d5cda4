"""Seasons are found beside a trend, and a forecast for January after a busy December is right."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pytest

from patronage.science.lifetime import (
    Cells,
    InconsistentHistory,
    InvalidParameter,
    InvalidWindow,
    NotIdentified,
    ParetoNBD,
    Seasons,
    expected_repeat_purchases,
)

MONTHS = [0.5, 0.7, 0.9, 1.0, 1.0, 0.9, 0.8, 0.9, 1.0, 1.1, 1.2, 2.0]
TRUE = Seasons.from_factors(MONTHS)
NONE = Seasons.from_factors([1.0] * 12)
FIRST, END = np.datetime64("2021-01-01"), np.datetime64("2023-12-31")
JANUARY = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Customers of a shop with seasons; arrays of shape (customers,)."""

    first: np.ndarray
    last: np.ndarray
    frequency: np.ndarray
    #: days with a purchase in the January after the end
    january: np.ndarray
    #: first and repeat purchases on each day up to the end, shape (days,)
    joined: np.ndarray
    repeats: np.ndarray


def open_shop(customers: int, seed: int) -> Shop:
    """Everybody buys at a rate of their own times the season, and leaves in calendar time."""
    rng = np.random.default_rng(seed)
    days = int((END - FIRST).astype(int)) + 1 + JANUARY
    calendar = FIRST + np.arange(days)
    factor = TRUE.factors_on(calendar)
    joined = rng.choice(730, customers, p=factor[:730] / factor[:730].sum())
    rate, dropout = rng.gamma(0.9, 1 / 80, customers), rng.gamma(1.2, 1 / 500, customers)
    leaves = joined + rng.exponential(1 / dropout)
    buys = rng.random((customers, days)) < -np.expm1(-rate[:, None] * factor)
    at = np.arange(days)
    buys &= (at > joined[:, None]) & (at <= leaves[:, None])
    seen = buys[:, : days - JANUARY]
    latest = np.where(seen.any(1), days - JANUARY - 1 - seen[:, ::-1].argmax(1), joined)
    return Shop(
        first=FIRST + joined,
        last=FIRST + latest,
        frequency=seen.sum(1),
        january=buys[:, days - JANUARY :].sum(1),
        joined=np.bincount(joined, minlength=days - JANUARY),
        repeats=seen.sum(0),
    )


@pytest.fixture(scope="module")
def shop() -> Shop:
    return open_shop(7000, seed=61)


def fitted(shop: Shop, seasons: Seasons) -> tuple[ParetoNBD, np.ndarray, np.ndarray]:
    recency, age = seasons.operational_histories(
        first=shop.first, last=shop.last, end=END, whole_days=True
    )
    cells = Cells.from_customers(frequency=shop.frequency, recency=recency, age=age)
    return ParetoNBD.fit(cells), recency, age


def january_bias(shop: Shop, seasons: Seasons) -> tuple[float, float]:
    """Expected over actual purchases of January less 1, and the standard error that chance has."""
    model, recency, age = fitted(shop, seasons)
    _, horizon = seasons.operational_window(date(2023, 12, 31), horizon_days=JANUARY)
    expected = model.expected_purchases(shop.frequency, recency, age, horizon_days=horizon)
    miss = expected - shop.january
    actual = shop.january.sum()
    return float(miss.sum() / actual), float(miss.std() * math.sqrt(miss.size) / actual)


def estimated(shop: Shop) -> Seasons:
    """What a model without seasons leaves of the days' repeat purchases."""
    expected = expected_repeat_purchases(fitted(shop, NONE)[0], shop.joined)
    return Seasons.estimate(shop.repeats[1:], first_day=date(2021, 1, 2), exposure=expected[1:])


def test_the_bias_of_january_after_december_vanishes(shop: Shop) -> None:
    """Without seasons twice too much is expected; with the estimated ones chance is left."""
    naive, _ = january_bias(shop, NONE)
    assert naive > 1.0
    seasonal, error = january_bias(shop, estimated(shop))
    assert error < 0.06
    assert abs(seasonal) < 2.5 * error


def test_the_factors_of_the_shop_are_found(shop: Shop) -> None:
    found = np.array(estimated(shop).factors)
    assert found == pytest.approx(np.array(TRUE.factors), rel=0.1)


def test_seasons_of_the_other_hemisphere_do_not_help(shop: Shop) -> None:
    """The broken twin: the same clock, half a year late."""
    shifted, error = january_bias(shop, Seasons.from_factors(MONTHS[6:] + MONTHS[:6]))
    assert abs(shifted) > 10 * error


def test_factors_are_found_beside_a_trend_within_their_errors() -> None:
    rng = np.random.default_rng(62)
    days = np.arange("2019-01-01", "2023-01-01", dtype="datetime64[D]")
    years = np.arange(days.size) / 365
    for trend in (0.5 * years, -0.8 * years, 0.6 * np.minimum(years, 1) - 0.3 * years):
        mean = 60 * np.exp(trend) * TRUE.factors_on(days)
        overdispersed = rng.poisson(mean * rng.gamma(20, 1 / 20, days.size))
        found = Seasons.estimate(overdispersed, first_day=date(2019, 1, 1))
        assert found.standard_errors is not None
        away = (np.array(found.factors) - TRUE.factors) / found.standard_errors
        assert np.abs(away).max() < 4
        assert 0.3 < away.std() < 2.0


def test_weeks_are_found_too_and_exposure_takes_the_trend() -> None:
    rng = np.random.default_rng(63)
    truth = Seasons.from_factors(1 + 0.5 * np.sin(np.arange(52) * 2 * np.pi / 52))
    days = np.arange("2019-01-01", "2023-01-01", dtype="datetime64[D]")
    customers = 100 + 50 * np.sin(np.arange(days.size) / 90.0)
    counts = rng.poisson(customers * truth.factors_on(days))
    found = Seasons.estimate(counts, first_day=date(2019, 1, 1), period="week", exposure=customers)
    assert np.abs(np.array(found.factors) - truth.factors).max() < 0.12
    blind = Seasons.estimate(counts, first_day=date(2019, 1, 1), period="week")
    assert np.abs(np.array(blind.factors) - truth.factors).max() > 0.15


def test_a_year_has_as_many_operational_as_calendar_days() -> None:
    for seasons in (TRUE, Seasons.from_factors(np.linspace(1, 3, 52))):
        elapsed = seasons.operational_days("2000-01-01", "2400-01-01")
        assert float(elapsed) == pytest.approx(400 * 365.2425, rel=1e-12)
        assert float(seasons.operational_days("2023-01-01", "2024-01-01")) == pytest.approx(
            365, abs=1.0
        )


def test_the_clock_is_additive_and_windows_follow_histories() -> None:
    start, middle, end = np.array(["2023-02-10", "2023-11-30", "2024-03-01"], "datetime64[D]")
    parts = TRUE.operational_days([start, middle], [middle, end])
    assert parts.sum() == pytest.approx(float(TRUE.operational_days(start, end)))
    assert float(TRUE.operational_days("2023-12-31", "2024-01-31")) == pytest.approx(
        31 * TRUE.factors[0]
    )
    begins, ends = TRUE.operational_window(date(2023, 12, 31), horizon_days=31.5, start_days=0.5)
    assert begins == pytest.approx(0.5 * TRUE.factors[0])
    assert ends == pytest.approx(31 * TRUE.factors[0] + 0.5 * TRUE.factors[1])
    december = float(TRUE.operational_days("2023-11-30", "2023-12-31"))
    assert december == pytest.approx(4 * float(TRUE.operational_days("2023-12-31", "2024-01-31")))


def test_without_seasons_the_clock_is_the_calendar() -> None:
    flat = Seasons.from_factors([3.0] * 52)
    recency, age = flat.operational_histories(
        first=["2020-01-01", "2020-01-01"], last=["2020-03-01", "2020-01-01"], end="2020-12-31"
    )
    assert recency.tolist() == pytest.approx([60, 0])
    assert age.tolist() == pytest.approx([365, 365])


def test_rounded_histories_stay_possible() -> None:
    recency, age = Seasons.from_factors([0.1] * 11 + [5.0]).operational_histories(
        first="2023-03-01", last=["2023-03-02", "2023-03-01"], end="2023-03-03", whole_days=True
    )
    assert recency.tolist() == [1, 0]
    assert np.all(age >= recency)


COUNTS = np.full(800, 5.0)


@pytest.mark.parametrize(
    ("ask", "error", "named"),
    [
        (lambda: Seasons.from_factors([1.0] * 7), InvalidParameter, "12 factors"),
        (lambda: Seasons.from_factors([1.0] * 11 + [0.0]), InvalidParameter, "period 12"),
        (lambda: Seasons.from_factors([1.0] * 11 + [math.nan]), InvalidParameter, "period 12"),
        (
            lambda: Seasons.estimate(COUNTS[:700], first_day=date(2020, 1, 1)),
            NotIdentified,
            "two years",
        ),
        (
            lambda: Seasons.estimate(
                np.where(np.arange(800) % 365 < 31, 0, 5), first_day=date(2021, 1, 1)
            ),
            NotIdentified,
            "period 1 of 12",
        ),
        (
            lambda: Seasons.estimate([*COUNTS, -1], first_day=date(2020, 1, 1)),
            InconsistentHistory,
            "counts.*row 800",
        ),
        (
            lambda: Seasons.estimate(COUNTS, first_day=date(2020, 1, 1), exposure=0),
            InconsistentHistory,
            "exposure",
        ),
        (
            lambda: Seasons.estimate(COUNTS, first_day=date(2020, 1, 1), period="year"),  # type: ignore[arg-type]
            InvalidParameter,
            "'year'",
        ),
        (
            lambda: TRUE.operational_histories(
                first=["2020-01-01", "2020-02-01"], last=["2020-01-05"] * 2, end="2020-03-01"
            ),
            InconsistentHistory,
            "first must not be after last.*row 1",
        ),
        (lambda: TRUE.operational_days("NaT", "2020-01-01"), InconsistentHistory, "missing"),
        (
            lambda: TRUE.operational_window(date(2020, 1, 1), horizon_days=-1),
            InvalidWindow,
            "horizon_days",
        ),
        (
            lambda: TRUE.operational_window(date(2020, 1, 1), horizon_days=1e7),
            InvalidWindow,
            "between 1600",
        ),
    ],
)
def test_what_has_no_answer_is_refused_with_the_reason(
    ask: Callable[[], Any], error: type[Exception], named: str
) -> None:
    with pytest.raises(error, match=named):
        ask()


def test_a_tracking_curve_adds_up_to_what_is_expected_of_each_customer(shop: Shop) -> None:
    model = ParetoNBD.from_parameters(r=0.9, alpha=70.0, s=1.2, beta=500.0)
    once = shop.joined * (np.arange(shop.joined.size) % 20 == 0)
    curve = expected_repeat_purchases(model, once, days=1200)
    ages = 1199 - np.flatnonzero(once)
    assert ages.min() > 100
    each = [model.expected_purchases_new_customer(horizon_days=float(age)) for age in ages]
    assert curve.shape == (1200,)
    assert curve.sum() == pytest.approx(float(once[once > 0] @ each), rel=1e-7)
    assert curve[0] == 0
    with pytest.raises(InconsistentHistory, match=r"joined.*row 1"):
        expected_repeat_purchases(model, [1, -1])
