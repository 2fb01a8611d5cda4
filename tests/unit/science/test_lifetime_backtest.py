"""Scores, baselines and levels: closed forms, simulated truth, and no look into the future."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from patronage.science.lifetime import InconsistentHistory, InvalidWindow, NotIdentified
from patronage.science.lifetime.backtest import (
    IN_USE,
    Backtest,
    Rolling,
    backtest,
)
from patronage.science.lifetime.blend import CALIBRATED, CHALLENGER
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
    covered,
    log_scores,
)
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.level import Stretch, path_calibration, probability_calibration
from patronage.science.lifetime.panel import Panel
from patronage.science.lifetime.pareto_nbd import ParetoNBD, ParetoNBDParameters
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
