"""Scores, baselines and levels: closed forms, simulated truth, and no look into the future."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logit

from patronage.science.lifetime import InconsistentHistory, InvalidWindow, NotIdentified
from patronage.science.lifetime.backtest import (
    CALIBRATED,
    CHALLENGER,
    IN_USE,
    Backtest,
    Rolling,
    backtest,
)
from patronage.science.lifetime.cells import Cells
from patronage.science.lifetime.challenger import (
    FIRST_POOL,
    Challenger,
    Facts,
    at_the_level_of,
    fit_pool,
    pooled,
)
from patronage.science.lifetime.forecast_scores import (
    brier_scores,
    covered,
    difference,
    log_scores,
    ranks_among_draws,
    reliability,
)
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.level import Stretch, path_calibration, probability_calibration
from patronage.science.lifetime.logistic import fit_logistic
from patronage.science.lifetime.panel import Panel
from patronage.science.lifetime.pareto_nbd import ParetoNBD, ParetoNBDParameters
from patronage.science.lifetime.predictive_levels import level_calibration
from patronage.science.lifetime.rolling import (
    ended_outcome,
    origins_of,
    rolling_origins,
    stretches_of,
)
from patronage.science.lifetime.spend_models import SPEND_MODELS
from patronage.science.lifetime.totals import levels

MODELS = {"Pareto/NBD": ParetoNBD}
LAST_DAY = 420
NOMINAL = (0.05, 0.95)


def simulated_panel(customers: int = 600, seed: int = 3) -> Panel:
    """Pareto/NBD customers who came in the first 60 days, by whole days."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(0.8, 1 / 25, customers)
    life = rng.exponential(1 / rng.gamma(1.2, 1 / 300, customers))
    first = rng.integers(0, 60, customers)
    day = np.arange(LAST_DAY + 1)
    alive = (day > first[:, None]) & (day <= (first + life)[:, None])
    shops = alive & (rng.random(alive.shape) < -np.expm1(-rate)[:, None])
    shops[np.arange(customers), first] = True
    who, when = np.nonzero(shops)
    level = rng.gamma(6.0, 5.0, customers)
    return Panel.of(customer=who, day=when, spend=rng.gamma(2.0, 0.5, who.size) * level[who])


PANEL = simulated_panel()
DAYS = rolling_origins(PANEL, last_day=LAST_DAY, horizon_days=91)


@pytest.fixture(scope="module")
def found() -> Backtest:
    return backtest(PANEL, DAYS, models=MODELS, challenger=False)


def test_scores_are_their_closed_forms() -> None:
    said, came = np.array([0.8, 0.8, 0.1]), np.array([1.0, 0.0, 0.0])

    assert_allclose(log_scores(said, came), np.log([0.8, 0.2, 0.9]))
    assert_allclose(brier_scores(said, came), [0.04, 0.64, 0.01])


def test_a_certain_forecast_that_fails_costs_much_and_not_everything() -> None:
    assert np.isfinite(log_scores(np.array([0.0, 1.0]), np.array([1.0, 0.0]))).all()


def test_reliability_is_murphys() -> None:
    """Brier = reliability - resolution + uncertainty, if a group has one probability."""
    rng = np.random.default_rng(1)
    said = np.repeat(np.linspace(0.05, 0.95, 10), 500)
    came = (rng.random(said.size) < said**1.3).astype(float)
    seen = reliability(said, came)
    gaps = np.subtract(seen.predicted, seen.happened)
    base = came.mean()
    brier = float(np.mean(gaps**2)) - seen.resolution + base * (1 - base)

    assert brier == pytest.approx(brier_scores(said, came).mean(), abs=1e-12)
    assert seen.calibration_error == pytest.approx(np.abs(gaps).mean())


def test_telling_nobody_apart_has_no_resolution() -> None:
    came = np.tile([1.0, 0.0], 500)

    assert reliability(np.full(1000, 0.5), came).resolution < 0.001


def test_ranks_of_the_truth_are_uniform_and_of_a_narrow_forecast_are_not() -> None:
    rng = np.random.default_rng(2)
    rate = rng.gamma(1.0, 2.0, 20_000)
    actual = rng.poisson(rate).astype(float)
    draws = rng.poisson(rng.gamma(1.0, 2.0, (39, 20_000))).astype(float)
    narrow = np.broadcast_to(rng.poisson(2.0, (39, 20_000)).astype(float), (39, 20_000))

    assert covered(ranks_among_draws(actual, draws, rng), NOMINAL) == pytest.approx(0.9, abs=0.01)
    assert covered(ranks_among_draws(actual, narrow, rng), NOMINAL) < 0.8
    learnt = level_calibration(ranks_among_draws(actual, narrow, rng))
    assert covered(ranks_among_draws(actual, narrow, rng), learnt.ends()) == pytest.approx(
        0.9, abs=0.02
    )


def test_a_difference_covers_the_truth_as_often_as_it_says() -> None:
    """200 simulated comparisons, rows of a customer correlated over origins."""
    rng = np.random.default_rng(4)
    customers = [np.arange(150)] * 3
    hits = 0
    for _ in range(200):
        shared = rng.normal(0.1, 1.0, 150)
        first = [shared + rng.normal(0, 0.5, 150) for _ in range(3)]
        gap = difference(first, [np.zeros(150)] * 3, customers)
        hits += gap.low <= 0.1 <= gap.high

    assert 180 <= hits <= 199


def test_taking_rows_of_one_customer_for_independent_is_too_sure() -> None:
    """The broken twin: the same rows, each a customer of its own."""
    rng = np.random.default_rng(4)
    shared = rng.normal(0.1, 1.0, 150)
    first, second = [shared] * 3, [np.zeros(150)] * 3
    honest = difference(first, second, [np.arange(150)] * 3)
    naive = difference(first, second, [np.arange(150) + 150 * place for place in range(3)])

    assert naive.high - naive.low < 0.65 * (honest.high - honest.low)


def test_scores_that_do_not_pair_are_refused() -> None:
    with pytest.raises(InconsistentHistory):
        difference([np.zeros(3)], [np.zeros(3)], [np.arange(2)])


def test_the_small_logistic_regression_finds_scipys_optimum() -> None:
    rng = np.random.default_rng(5)
    columns = rng.normal(size=(400, 3))
    came = (rng.random(400) < expit(0.3 + columns @ [1.0, -0.8, 0.0])).astype(float)
    towards = np.array([0.0, 0.5, 0.5, 0.5])
    found = fit_logistic(columns, came, towards=towards.tolist(), strength=3.0, lowest=0.0)
    design, sign = np.column_stack([np.ones(400), columns]), 2 * came - 1

    def cost(at: np.ndarray) -> float:
        return float(1.5 * np.sum((at - towards) ** 2) - log_expit(sign * (design @ at)).sum())

    oracle = minimize(cost, towards, method="L-BFGS-B", bounds=[(None, None)] + [(0, None)] * 3)

    assert_allclose(found, oracle.x, atol=2e-4)
    assert found[2] == 0.0
    assert_array_equal(
        fit_logistic(columns[:0], came[:0], towards=towards.tolist(), strength=1), towards
    )


def test_what_is_seen_on_a_day_is_what_had_happened_by_then() -> None:
    panel = Panel.of(
        customer=[0, 0, 0, 1, 1], day=[0, 10, 100, 50, 60], spend=[5, 7, 9, 4, -4],
        bought=[1, 1, 1, 1, 0],
    )  # fmt: skip
    seen = panel.seen(99)

    assert_array_equal(seen.frequency, [1, 0])
    assert_array_equal(seen.recency, [10, 0])
    assert_array_equal(seen.age, [99, 49])
    assert_array_equal(seen.average_spend, [7, 0])
    assert_array_equal(seen.quarter_days, [1, 1])
    assert_array_equal(seen.quarter_weeks, [1, 1])
    assert_array_equal(seen.earlier_days, [1, 0])
    assert_array_equal(seen.month_days, [0, 0])
    assert_array_equal(seen.spend, [12, 0])
    assert_array_equal(panel.outcome(seen, after=99, until=190).purchases, [1, 0])
    with pytest.raises(InvalidWindow):
        panel.outcome(seen, after=98, until=190)
    with pytest.raises(InvalidWindow):
        panel.seen(-1)
    with pytest.raises(InconsistentHistory, match="one row a day"):
        Panel.of(customer=[0, 0], day=[1, 1], spend=[1, 1])


def test_weeks_are_counted_once_and_backwards_from_the_day() -> None:
    panel = Panel.of(
        customer=[0, 0, 0, 0, 0, 0, 1, 1], day=[0, 9, 10, 93, 94, 100, 30, 99],
        spend=[1, 1, 1, 1, 1, 1, 1, -1], bought=[1, 1, 1, 1, 1, 1, 1, 0],
    )  # fmt: skip
    seen = panel.seen(100)

    # day 9 is 91 days before, the last week is that of days 94 to 100
    assert_array_equal(seen.quarter_days, [4, 1])
    assert_array_equal(seen.quarter_weeks, [3, 1])
    assert_array_equal(seen.earlier_days, [2, 0])
    assert_array_equal(seen.month_days, [3, 0])


def test_an_outcome_that_has_not_ended_is_not_given_out() -> None:
    (origin,) = origins_of(PANEL, DAYS[:1], MODELS, SPEND_MODELS)

    with pytest.raises(LookupError):
        ended_outcome(PANEL, origin, horizon_days=91, known_on=origin.day + 90)


def other_future(panel: Panel, after: int) -> Panel:
    """The same history up to a day, and another one after it."""
    kept = (panel.day <= after) | (panel.customer % 2 == 0)
    spend = np.where(panel.day > after, 50 * panel.spend, panel.spend)
    return Panel.of(customer=panel.customer[kept], day=panel.day[kept], spend=spend[kept])


def test_the_future_changes_no_forecast_that_was_made_before_it(found: Backtest) -> None:
    day = DAYS[-3]
    again = backtest(other_future(PANEL, day), DAYS, models=MODELS, challenger=False)
    pairs = [pair for pair in zip(found.origins, again.origins, strict=True) if pair[0].day <= day]

    assert len(pairs) > 4
    for before, after in pairs:
        assert before.champion == after.champion
        for name in before.said:
            assert_array_equal(before.said[name], after.said[name])
    assert (found.origins[-1].happened != again.origins[-1].happened[:600]).any()


def test_learning_from_outcomes_that_had_not_ended_is_caught(
    found: Backtest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin: with the rule about ended outcomes gone, another future shows."""

    def all_earlier(rolling: Rolling, day: int) -> list[int]:
        return [place for place, each in enumerate(rolling._origins) if each.day < day]

    monkeypatch.setattr(Rolling, "_ended", all_earlier)
    day, days = DAYS[-3], DAYS[-5:]
    one = backtest(PANEL, days, models=MODELS, challenger=False)
    two = backtest(other_future(PANEL, day), days, models=MODELS, challenger=False)
    pairs = [pair for pair in zip(one.origins, two.origins, strict=True) if pair[0].day <= day]

    assert any((before.said[IN_USE] != after.said[IN_USE]).any() for before, after in pairs)


def test_the_model_beats_the_baselines_on_its_own_customers(found: Backtest) -> None:
    for name in ("base rate", "last period repeated", "last quarter's shopping days"):
        assert found.compare("Pareto/NBD", name)[0].is_better

    assert found.reliability("Pareto/NBD").calibration_error < 0.03
    assert found.reliability("base rate").resolution < found.reliability(CALIBRATED).resolution
    assert found.learnt is not None
    assert found.learnt.champion == "Pareto/NBD"
    assert not found.learnt.promoted
    assert_array_equal(found.origins[-1].said[IN_USE], found.origins[-1].said[CALIBRATED])


def off_by(odds: Callable[[int], float | None]) -> type[ParetoNBD]:
    """Pareto/NBD whose log odds of a purchase are this wrong at an origin; None: no fit there."""

    class Off(ParetoNBD):
        __slots__ = ()

        @classmethod
        def fit(cls, cells: Cells, *, start: ParetoNBDParameters | None = None) -> "Off":
            if odds(int(cells.age.max())) is None:
                raise NotIdentified("too early")
            fitted = ParetoNBD.fit(cells, start=start)
            return cls(parameters=fitted.parameters, estimation=fitted.estimation)

        def probability_of_purchase(
            self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, horizon_days: float
        ) -> FloatArray:
            right = ParetoNBD.probability_of_purchase(self, x, t_x, T, horizon_days=horizon_days)
            wrong: FloatArray = expit(logit(right) + (odds(int(np.max(T))) or 0.0))
            return wrong

    return Off


def test_a_model_that_converges_late_does_not_undo_the_choice() -> None:
    late = DAYS[6]
    models = {
        "poor": off_by(lambda _: 2.0),
        "steady": off_by(lambda _: 0.3),
        "late": off_by(lambda day: 0.0 if day >= late else None),
    }
    found = backtest(PANEL, DAYS, models=models, challenger=False)
    first = next(each for each in found.origins if "late" in each.said)

    assert first.day == late
    assert first.champion == "steady"
    assert found.learnt is not None
    assert found.learnt.champion == "steady"


def test_the_choice_rests_on_every_ended_origin_though_a_model_spoke_at_one() -> None:
    last = DAYS[-1]
    models = {
        "right at last": off_by(lambda day: 0.0 if day >= last else 2.0),
        "steady": off_by(lambda _: 0.3),
        "late": off_by(lambda day: 0.0 if day >= last else None),
    }
    found = backtest(PANEL, DAYS, models=models, challenger=False)

    assert "late" in found.origins[-1].said
    assert found.learnt is not None
    assert found.learnt.champion == "steady"


def test_totals_and_intervals_of_the_true_model_are_right() -> None:
    origins = list(origins_of(PANEL, DAYS[::2], MODELS, SPEND_MODELS))
    champions = {each.day: "Pareto/NBD" for each in origins}
    known = stretches_of(PANEL, origins, MODELS, last_day=LAST_DAY)
    results = levels(PANEL, origins, champions, known, draws=39)
    bias = [each.purchases.calibrated / each.purchases.came - 1 for each in results]
    ranks = np.concatenate([each.purchase_ranks for each in results])
    spent = np.concatenate([each.spend_ranks for each in results])

    assert abs(np.median(bias)) < 0.06
    assert covered(ranks, NOMINAL) == pytest.approx(0.9, abs=0.03)
    assert covered(spent, NOMINAL) == pytest.approx(0.9, abs=0.04)
    assert results[0].calibration.is_identity


def stretch(origin: int, start: float, end: float, came: float) -> Stretch:
    return Stretch(origin=origin, start_days=start, end_days=end, expected=100.0, came=came)


def test_a_factor_is_learnt_from_ended_stretches_alone_and_shrunk_with_few() -> None:
    one = [stretch(0, 0, 91, 120.0)]
    many = [stretch(91 * place, 0, 91, 120.0) for place in range(9)]

    assert path_calibration(one, known_on=90).is_identity
    assert path_calibration(one, known_on=91).factors == pytest.approx((1.2**0.5,))
    assert path_calibration(many, known_on=1000).factors == pytest.approx((1.2**0.9,))
    both = path_calibration([*one, stretch(0, 91, 182, 80.0)], known_on=182)
    assert both.knots_days == (0.0, 91.0)
    assert both.factors == pytest.approx((1.2**0.5, 0.8**0.5))


def test_a_probability_calibration_undoes_overconfidence() -> None:
    rng = np.random.default_rng(6)
    truth = rng.beta(2, 2, 20_000)
    odds = np.log(truth / (1 - truth))
    said = expit(1.6 * odds + 0.3)
    came = (rng.random(truth.size) < truth).astype(float)
    learnt = probability_calibration([said], [came])

    assert learnt.slope == pytest.approx(1 / 1.6, abs=0.03)
    assert np.abs(learnt.apply(said) - truth).mean() < 0.01
    assert probability_calibration([], []).is_identity


def test_the_pool_takes_what_forecasts_and_never_a_negative_weight() -> None:
    pytest.importorskip("sklearn", reason="the challenger is of the extra `app`")
    rng = np.random.default_rng(7)
    truth = rng.beta(1.5, 3, 60_000)
    came = (rng.random(60_000) < truth).astype(float)
    said = np.column_stack([truth, rng.beta(1.5, 3, 60_000), 1 - truth])
    weights = fit_pool([said], [came])

    assert (weights[1:] >= 0).all()
    assert weights[1] == pytest.approx(1.0, abs=0.15)
    assert weights[3] == 0.0
    assert_array_equal(fit_pool([], []), FIRST_POOL)
    assert pooled(said, weights).shape == (60_000,)


def test_a_shift_of_level_takes_the_mean_of_the_model_and_keeps_the_order() -> None:
    rng = np.random.default_rng(9)
    said, model = rng.beta(0.3, 0.3, 500), rng.beta(6, 2, 500)
    shifted = at_the_level_of(said, model)

    assert shifted.mean() == pytest.approx(model.mean(), abs=1e-9)
    assert np.all(np.diff(shifted[np.argsort(said)]) >= 0)
    assert_allclose(at_the_level_of(said, said), said, atol=1e-6)
    assert_allclose(at_the_level_of(np.full(4, 0.01), np.full(4, 0.99)), 0.99)
    assert_array_equal(at_the_level_of(said[:0], model[:0]), [])
    assert_array_equal(at_the_level_of(said, np.zeros(500)), said)


def test_the_level_of_the_challenger_is_the_calibrated_models() -> None:
    """What all customers of an origin share, few origins teach."""
    pytest.importorskip("sklearn", reason="the challenger is of the extra `app`")
    found = backtest(PANEL, DAYS[:6], models=MODELS)
    spoke = found.scored(CHALLENGER)

    assert spoke
    for each in spoke:
        for name in (CHALLENGER, "facts", "trees"):
            assert each.said[name].mean() == pytest.approx(each.said[CALIBRATED].mean(), abs=1e-9)
            assert (each.said[name] != each.said[CALIBRATED]).any()


def test_a_challenger_sees_what_the_model_does_not() -> None:
    pytest.importorskip("sklearn", reason="the challenger is of the extra `app`")
    seen = PANEL.seen(DAYS[2])
    rng = np.random.default_rng(8)
    flat = np.full(seen.age.size, 0.4)
    truth = expit(2.0 * np.log1p(seen.quarter_days) - 1.5)
    came = (rng.random(truth.size) < truth).astype(float)
    facts = Facts.of(seen, probability=flat, expected=flat, alive=flat)
    trained = Challenger.fit(facts, came)

    assert trained is not None
    straight, trees = trained.members(facts).T
    for said in (straight, trees):
        assert log_scores(said, came).mean() > log_scores(flat, came).mean() + 0.02
    assert Challenger.fit(facts, np.zeros(truth.size)) is None


def test_facts_of_a_customer_do_not_depend_on_the_others() -> None:
    seen = PANEL.seen(DAYS[2])
    flat = np.full(seen.age.size, 0.4)
    whole = Facts.of(seen, probability=flat, expected=flat, alive=flat)
    names = [name for name in seen.__slots__ if name not in ("day",)]
    first = replace(seen, **{name: getattr(seen, name)[:5] for name in names})
    part = Facts.of(first, probability=flat[:5], expected=flat[:5], alive=flat[:5])

    assert_array_equal(part.many, whole.many[:5])
