"""Intervals learn their width from outcomes that had ended, and from no others."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from patronage.science.equity import customer_value
from patronage.science.lifetime import (
    InvalidParameter,
    LevelCalibration,
    PurchaseMoments,
    purchase_interval,
    totals,
)
from patronage.science.lifetime.forecast_scores import covered
from patronage.science.lifetime.panel import Panel
from patronage.science.lifetime.pareto_nbd import ParetoNBD
from patronage.science.lifetime.predictive_levels import level_calibration
from patronage.science.lifetime.rolling import Origin, origins_of, rolling_origins, stretches_of
from patronage.science.lifetime.spend_models import SPEND_MODELS
from patronage.science.lifetime.totals import LevelResult, levels

MODELS = {"Pareto/NBD": ParetoNBD}
LAST_DAY = 560
NOMINAL = (0.05, 0.95)
WIDER = LevelCalibration(shares=(0.0, 0.05, 0.95, 1.0), levels=(0.0, 0.02, 0.99, 1.0))


def restless_panel(customers: int = 700, seed: int = 11) -> Panel:
    """Customers whose own rate is another one every 70 days, which no model here knows."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(2.0, 1 / 16, customers)
    mood = np.repeat(rng.gamma(4.0, 1 / 4.0, (customers, LAST_DAY // 70 + 1)), 70, axis=1)
    first = rng.integers(0, 40, customers)
    day = np.arange(LAST_DAY + 1)
    today = -np.expm1(-rate[:, None] * mood[:, : LAST_DAY + 1])
    shops = (day > first[:, None]) & (rng.random(today.shape) < today)
    shops[np.arange(customers), first] = True
    who, when = np.nonzero(shops)
    level = rng.gamma(6.0, 5.0, customers)
    return Panel.of(customer=who, day=when, spend=rng.gamma(2.0, 0.5, who.size) * level[who])


RESTLESS = restless_panel()
DAYS = rolling_origins(RESTLESS, last_day=LAST_DAY, horizon_days=91, step_days=35)


@pytest.fixture(scope="module")
def origins() -> list[Origin]:
    return list(origins_of(RESTLESS, DAYS, MODELS, SPEND_MODELS))


def looked_back(panel: Panel, origins: Sequence[Origin]) -> tuple[LevelResult, ...]:
    champions = {each.day: "Pareto/NBD" for each in origins}
    known = stretches_of(panel, origins, MODELS, last_day=LAST_DAY)
    return levels(panel, origins, champions, known, draws=39)


def test_intervals_of_restless_customers_cover_once_outcomes_have_ended(
    origins: list[Origin],
) -> None:
    """Cut at the model's own 5 and 95 %, the broken twin, they do not."""
    found = looked_back(RESTLESS, origins)
    after = [each for each in found if each.has_learnt]
    narrow = [covered(each.purchase_ranks, NOMINAL) for each in after]

    assert len(after) > 5
    assert max(narrow) < 0.82
    assert 0.87 <= np.median([each.purchases_covered for each in after]) <= 0.93
    assert 0.87 <= np.median([each.spend_covered for each in after]) <= 0.93


def test_before_any_outcome_has_ended_nothing_is_changed(origins: list[Origin]) -> None:
    first, *later = looked_back(RESTLESS, origins)

    for each in (first, *(one for one in later if one.day < first.day + 91)):
        assert not each.has_learnt
        assert each.purchase_levels == each.spend_levels == LevelCalibration.identity()
        assert each.purchases_covered == covered(each.purchase_ranks, NOMINAL)
    assert level_calibration(np.empty(0)) == LevelCalibration.identity()


def other_future(after: int) -> Panel:
    kept = (RESTLESS.day <= after) | (RESTLESS.customer % 2 == 0)
    return Panel.of(
        customer=RESTLESS.customer[kept], day=RESTLESS.day[kept], spend=RESTLESS.spend[kept]
    )


def maps_until(day: int, panel: Panel) -> list[tuple[LevelCalibration, LevelCalibration]]:
    again = list(origins_of(panel, [each for each in DAYS if each <= day], MODELS, SPEND_MODELS))
    return [(each.purchase_levels, each.spend_levels) for each in looked_back(panel, again)]


def test_another_future_changes_no_interval_that_was_set_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the rule about ended outcomes gone, the broken twin, it does."""
    day = DAYS[5]
    assert maps_until(day, RESTLESS) == maps_until(day, other_future(day))

    honest = totals.interval_levels

    def all_earlier(
        results: Sequence[LevelResult], *, horizon_days: int, known_on: int
    ) -> tuple[LevelCalibration, LevelCalibration]:
        return honest(results, horizon_days=0, known_on=known_on)

    monkeypatch.setattr(totals, "interval_levels", all_earlier)
    assert maps_until(day, RESTLESS) != maps_until(day, other_future(day))


def test_the_map_is_the_quantiles_of_the_ranks_and_few_of_them_move_it_little() -> None:
    rng = np.random.default_rng(12)
    ranks = rng.beta(0.5, 0.5, 200_000)
    many, few = level_calibration(ranks), level_calibration(ranks[:10])

    shares = np.array([0.05, 0.3, 0.5, 0.9, 0.95])
    assert_allclose(many.at(shares), np.sin(np.pi * shares / 2) ** 2, atol=0.006)
    assert_allclose(few.at(shares), shares, atol=0.05)
    again = level_calibration(np.interp(ranks, many.levels, many.shares))
    assert_allclose(again.at(shares), shares, atol=0.006)


def test_levels_stay_in_order_so_that_intervals_stay_nested() -> None:
    rng = np.random.default_rng(13)
    found = level_calibration(np.concatenate([np.zeros(400), rng.random(30)]))

    assert np.all(np.diff(found.at(np.linspace(0, 1, 101))) >= 0)
    assert found.ends(0.5)[1] < found.ends(0.9)[1]


def test_an_interval_of_purchases_is_cut_where_outcomes_say() -> None:
    moments = PurchaseMoments(
        mean=np.array([0.2, 6.0, 30.0]),
        variance=np.array([0.3, 9.0, 60.0]),
        mean_squared_discount=np.array([0.2, 6.0, 30.0]),
        probability_of_purchase=np.array([0.15, 0.97, 1.0]),
    )
    plain, wide = purchase_interval(moments), purchase_interval(moments, calibration=WIDER)
    same = purchase_interval(moments, calibration=LevelCalibration.identity())

    assert_array_equal(same.low, plain.low)
    assert_array_equal(same.high, plain.high)
    assert np.all(wide.low <= plain.low)
    assert np.all(wide.high >= plain.high)
    assert wide.low[2] < plain.low[2]
    assert wide.high[2] > plain.high[2]


@pytest.mark.parametrize("margin", [0.3, -0.3])
def test_bounds_of_a_value_are_the_levels_that_outcomes_give(margin: float) -> None:
    one: dict[str, Any] = {
        "expected_purchases": 8.0,
        "purchase_variance": 6.0,
        "probability_of_purchase": [1.0, 0.5],
        "expected_spend": 50.0,
        "spend_variance": 100.0,
        "margin_rate": margin,
    }
    plain = customer_value(**one)
    wide = customer_value(**one, level_below=WIDER.at)

    assert_array_equal(wide.value, plain.value)
    assert_array_equal(wide.standard_deviation, plain.standard_deviation)
    assert np.all(wide.low <= plain.low)
    assert np.all(wide.high >= plain.high)
    assert np.all((wide.high - wide.low)[0] > 1.2 * (plain.high - plain.low)[0])


@pytest.mark.parametrize(
    ("shares", "given"),
    [
        ((0.0, 1.0), (0.0, 0.5, 1.0)),
        ((0.0, 0.5, 0.9), (0.0, 0.5, 1.0)),
        ((0.0, 0.5, 0.5, 1.0), (0.0, 0.2, 0.4, 1.0)),
        ((0.0, 0.2, 0.5, 1.0), (0.0, 0.4, 0.2, 1.0)),
        ((), ()),
    ],
)
def test_a_map_that_is_none_is_refused(shares: tuple[float, ...], given: tuple[float, ...]) -> None:
    with pytest.raises(InvalidParameter, match="calibration"):
        LevelCalibration(shares=shares, levels=given)
