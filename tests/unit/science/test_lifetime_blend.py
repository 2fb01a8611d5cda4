"""The challenger in use: trees as numbers answer as scikit-learn does, and horizons are carried."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from patronage.science.lifetime.blend import Blend, blend
from patronage.science.lifetime.boosted_trees import BoostedTrees
from patronage.science.lifetime.calibration import ProbabilityCalibration
from patronage.science.lifetime.challenger import FIRST_POOL, Facts
from patronage.science.lifetime.panel import Panel
from patronage.science.lifetime.pareto_nbd import ParetoNBD, ParetoNBDParameters

sklearn = pytest.importorskip("sklearn", reason="the challenger is of the extra `app`")

MODEL = ParetoNBD(
    parameters=ParetoNBDParameters(r=0.8, alpha=25.0, s=1.2, beta=300.0), estimation=None
)
BUYING = ProbabilityCalibration(intercept=-0.2, slope=0.8)


def panel(customers: int = 500) -> Panel:
    rng = np.random.default_rng(5)
    shops = rng.random((customers, 300)) < rng.gamma(0.8, 1 / 25, customers)[:, None]
    shops[:, 0] = True
    who, when = np.nonzero(shops)
    return Panel.of(customer=who, day=when, spend=rng.gamma(2.0, 5.0, who.size))


PANEL = panel()
SEEN = PANEL.seen(200)


def trained() -> Blend:
    raw = MODEL.probability_of_purchase(*SEEN.past, horizon_days=91)
    facts = Facts.from_model(SEEN, MODEL, probability=raw, horizon_days=91)
    came = PANEL.outcome(SEEN, after=200, until=291)
    made, fault = blend([facts], [{}], [(came.purchases > 2).astype(float)], horizon_days=91)
    assert fault == ""
    assert made is not None
    return made


def test_trees_as_numbers_answer_as_scikit_learn_does_to_the_last_bit() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    rng = np.random.default_rng(3)
    columns = rng.normal(size=(3000, 6))
    happened = rng.random(3000) < 1 / (1 + np.exp(-columns[:, 0] * columns[:, 1]))
    theirs = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=6, random_state=1)
    theirs.fit(columns[:2000], happened[:2000])
    ours = BoostedTrees.of(theirs)
    kept = BoostedTrees.restored(json.loads(json.dumps(ours.stored())))
    said = theirs.predict_proba(columns)[:, 1]

    assert_array_equal(ours.probability(columns), said)
    assert_array_equal(kept.probability(columns), said)
    assert kept == ours
    first, *others = ours.trees
    wrong = BoostedTrees(start=ours.start, trees=(first[::-1], *others))
    assert (wrong.probability(columns) != said).any()


def test_what_is_kept_of_a_blend_says_the_same() -> None:
    made = trained()
    kept = Blend.restored(json.loads(json.dumps(made.stored())))

    def said(by: Blend) -> list[float]:
        answer = by.probability_of_purchase(SEEN, MODEL, BUYING, horizon_days=91)
        return list(map(float, answer))

    assert said(kept) == said(made)
    assert_array_equal(made.weights, FIRST_POOL)


def test_another_horizon_moves_with_the_model_and_keeps_its_level() -> None:
    made = trained()
    at = {
        days: made.probability_of_purchase(SEEN, MODEL, BUYING, horizon_days=days)
        for days in (90, 91, 92)
    }
    model = {
        days: BUYING.apply(MODEL.probability_of_purchase(*SEEN.past, horizon_days=days))
        for days in at
    }

    for days, said in at.items():
        assert said.mean() == pytest.approx(model[days].mean(), abs=1e-9)
        assert (said != model[days]).any()
    assert (at[90] < at[91]).all()
    assert (at[91] < at[92]).all()
    assert_allclose(at[92] - at[90], 2 * (at[92] - at[91]), atol=1e-3)


def test_facts_that_are_not_numbers_teach_nothing_and_say_so() -> None:
    raw = MODEL.probability_of_purchase(*SEEN.past, horizon_days=91)
    facts = Facts.from_model(SEEN, MODEL, probability=raw, horizon_days=91)
    broken = facts.many.copy()
    broken[3, 2] = np.nan
    came = (np.arange(raw.size) % 2).astype(float)
    made, fault = blend([Facts(few=facts.few, many=broken)], [{}], [came], horizon_days=91)

    assert made is None
    assert "in 1 of 500 rows" in fault
    assert "twenty" in blend([facts], [{}], [np.zeros(raw.size)], horizon_days=91)[1]


def test_what_was_known_of_some_is_theirs_in_the_order_asked() -> None:
    some = np.array([7, 3, 400])
    part = SEEN.of(some)

    assert part.day == SEEN.day
    assert part.customer.tolist() == [7, 3, 400]
    assert part.frequency.tolist() == SEEN.frequency[[7, 3, 400]].tolist()
    with pytest.raises(LookupError, match="Customer 500"):
        SEEN.of(np.array([0, 500]))
