"""The backtest's champion is used at the level it found; a fit that fails leaves the last good."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

import numpy as np
import pytest
from django.db.models import Q
from ninja.testing import TestClient

from patronage.access.company import current
from patronage.access.errors import NotFound
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.access.scope import Scope, customer_scope, visible_customers
from patronage.differentiate import jobs, reads, registry
from patronage.differentiate.api import router
from patronage.differentiate.models import (
    BacktestOrigin,
    BacktestRun,
    BacktestScore,
    ModelVersion,
    ValuationRun,
)
from patronage.differentiate.pages.backtests import board_context
from patronage.differentiate.reads import backtests, worth
from patronage.differentiate.valuation.levelled import Levelled
from patronage.differentiate.valuation.scoring import Histories
from patronage.science.lifetime import (
    Calibration,
    Cells,
    LevelCalibration,
    ProbabilityCalibration,
)
from patronage.science.lifetime.bg_nbd import BGNBD
from patronage.science.lifetime.errors import NotIdentified
from patronage.science.lifetime.purchase_model import PURCHASE_MODELS

from .history import NOW, History

AS_OF = date(2024, 12, 31)
MANAGER = Actor(id="usr_manager", name="Manager", roles=frozenset({Role.MANAGER}))
ANALYST = Actor(id="usr_analyst", name="Analyst", roles=frozenset({Role.ANALYST}))
MARGINS = [f"margin_{each}_minor" for each in ("fitted", "expected", "repeated", "came")]
CURVE = Calibration(knots_days=(0.0, 91.0), factors=(0.8, 0.9))
BUYING = ProbabilityCalibration(intercept=-0.2, slope=0.8)
#: a model whose intervals were too narrow
WIDER = LevelCalibration(shares=(0.0, 0.05, 0.95, 1.0), levels=(0.0, 0.01, 0.99, 1.0))
LEVELLED = Levelled(path=CURVE, buying=BUYING, spend=WIDER)


def a_backtest(
    as_of: date = date(2024, 12, 15), champion: str = "BG/NBD", **changed: object
) -> BacktestRun:
    """A backtest as one would be kept."""
    fields = {
        "as_of": as_of,
        "input_digest": f"{as_of}{champion}",
        "company_version": current().version,
        "order_lines_manifest": 1,
        "horizon_days": 91,
        "origins": 4,
        "champion": champion,
        "is_challenger_promoted": False,
        "calibration": LEVELLED.stored(),
        "failures": [],
        "horizon_totals_minor": {"Pareto/NBD": 900, "BG/NBD": 1000, "CNBD-k": 1300},
        "created_at": NOW,
    }
    run = BacktestRun.objects.create(**(fields | changed))
    for month, came in ((4, 100.0), (5, 110.0), (6, 90.0)):
        BacktestOrigin.objects.create(
            run=run, as_of=date(2024, month, 1), champion="BG/NBD",
            customers=100, purchases_fitted=100, purchases_expected=100,
            purchases_repeated=100, purchases_came=came, margin_fitted_minor=10,
            margin_expected_minor=10, margin_repeated_minor=10, margin_came_minor=10,
            probability_expected=0.5, share_bought=0.5, log_score=-0.4,
            purchases_covered=0.9, spend_covered=0.88,
        )  # fmt: skip
    return run


def valued(as_of: date = AS_OF) -> ValuationRun:
    return jobs.value(actor=SYSTEM, now=NOW, as_of=as_of)


def test_what_is_kept_of_a_calibration_comes_back() -> None:
    before_levels = {"knots_days": [0.0, 91.0], "factors": [0.8, 0.9]} | {
        "intercept": -0.2,
        "slope": 0.8,
    }

    assert Levelled.of(json.loads(json.dumps(LEVELLED.stored()))) == LEVELLED
    assert Levelled.of({}) == Levelled()
    assert Levelled.of(before_levels) == Levelled(path=CURVE, buying=BUYING)


def test_the_champion_values_at_the_level_that_the_backtest_found(history: History) -> None:
    plain = valued()
    chosen = a_backtest()
    run = valued()
    rows = reads.valuations(run)
    model = registry.purchase_model(run.purchase_model)
    past = [rows[name].to_numpy() for name in ("frequency", "recency_days", "age_days")]

    assert run.id != plain.id
    assert run.purchase_model.name == "BG/NBD"
    assert run.purchase_model.backtest == chosen
    assert plain.purchase_model.name == "Pareto/NBD"
    np.testing.assert_allclose(
        rows["expected_purchases"], 0.8 * model.expected_purchases(*past, horizon_days=90)
    )
    np.testing.assert_allclose(
        rows["probability_of_purchase"],
        BUYING.apply(model.probability_of_purchase(*past, horizon_days=90)),
    )
    whole = registry.models_of(run.purchase_model, run.spend_model)
    assert whole.calibration == CURVE
    assert Histories.of(rows, 100).frequency.size == run.customers


def test_the_bounds_of_a_value_are_cut_where_earlier_outcomes_say(history: History) -> None:
    a_backtest(date(2024, 12, 14), calibration=Levelled(path=CURVE, buying=BUYING).stored())
    before = reads.valuations(valued())
    a_backtest()
    rows = reads.valuations(valued())

    wide, narrow = (
        each["value_high_minor"].to_numpy() - each["value_low_minor"].to_numpy()
        for each in (rows, before)
    )

    assert rows["value_minor"].to_list() == before["value_minor"].to_list()
    assert (rows["value_low_minor"] <= before["value_low_minor"]).all()
    assert wide.sum() > 1.1 * narrow.sum()


def test_a_backtest_that_saw_more_than_the_date_is_not_used(history: History) -> None:
    a_backtest(as_of=AS_OF + timedelta(days=1))

    run = valued()

    assert run.purchase_model.name == "Pareto/NBD"
    assert run.purchase_model.backtest is None
    assert run.purchase_model.calibration == {}


def test_where_the_champion_cannot_be_fitted_the_last_good_version_stays(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = valued(date(2024, 11, 30))
    a_backtest()

    def fails(cells: Cells, *, start: object = None) -> BGNBD:
        raise NotIdentified("no two customers differ")

    monkeypatch.setattr(PURCHASE_MODELS["BG/NBD"], "fit", fails)
    run = valued()
    champion, _ = backtests.model_board(SYSTEM, NOW).champions

    assert run.purchase_model == before.purchase_model
    assert champion.is_stand_in


def test_a_value_beyond_the_data_says_so_and_spreads_between_the_models(history: History) -> None:
    a_backtest()
    run = valued()
    summary = worth.value_summary(SYSTEM, NOW)

    assert run.history_days < 366 < run.horizon_days
    assert summary.is_extrapolated
    assert run.model_low == pytest.approx(0.9)
    assert run.model_high == pytest.approx(1.3)
    assert summary.value_low_minor <= round(run.total_minor * 0.9)
    assert summary.value_high_minor >= round(run.total_minor * 1.3)


def test_before_the_first_backtest_no_spread_is_made_up(history: History) -> None:
    run = valued()

    assert run.model_low is None
    assert run.model_high is None


def test_the_board_says_who_was_chosen_when_and_over_whom(history: History) -> None:
    a_backtest(date(2024, 8, 1), "Pareto/NBD")
    a_backtest(date(2024, 10, 1))
    newest = a_backtest(
        failures=[{"model": "CNBD-k", "as_of": "2024-09-01", "reason": "ran to the edge"}]
    )
    for name, role, score in (
        ("BG/NBD", "model", -0.40),
        ("Pareto/NBD", "model", -0.42),
        ("base rate", "baseline", -0.50),
    ):
        BacktestScore.objects.create(
            run=newest, event="buys", forecaster=name, role=role, origins=2, rows=100,
            log_score=score, brier_score=0.1, calibration_error=0.01, resolution=0.02,
            log_behind=0, log_behind_low=0, log_behind_high=0, brier_behind=0,
            brier_behind_low=0, brier_behind_high=0, deciles={},
        )  # fmt: skip
    for as_of in (date(2024, 9, 30), AS_OF):
        valued(as_of)

    board = backtests.model_board(SYSTEM, NOW)
    purchase, spend = board.champions

    assert purchase.version.name == "BG/NBD"
    assert purchase.chosen_on == date(2024, 10, 1)
    assert purchase.runner_up == "Pareto/NBD"
    assert purchase.ahead_by == pytest.approx(0.02)
    assert spend.version.name == "Gamma-Gamma"
    assert spend.chosen_on is None
    assert [(each.model, each.reason) for each in board.failures] == [("CNBD-k", "ran to the edge")]
    assert board.backtest is not None
    assert board.backtest.purchases_bias == 0
    assert board.backtest.purchases_worst == pytest.approx(1 / 9)
    assert board.backtest.best_baseline is not None
    assert board.drift is not None
    assert board.drift.quarter == "2024-Q4"
    assert board.drift.spread == pytest.approx(np.std([0, 10 / 11 - 1, 1 / 9], ddof=1))


def test_every_model_is_fitted_where_that_is_all_that_is_asked(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = {name: PURCHASE_MODELS[name] for name in ("Pareto/NBD", "BG/NBD")}
    monkeypatch.setattr(jobs, "PURCHASE_MODELS", two)

    made = jobs.fit(actor=SYSTEM, now=NOW, as_of=AS_OF)

    assert [each.name for each in made] == ["Pareto/NBD", "BG/NBD", "Gamma-Gamma"]
    assert ModelVersion.objects.count() == 3
    assert not ValuationRun.objects.exists()


def test_a_backtest_that_is_not_there_is_not_found(db: None) -> None:
    with pytest.raises(NotFound):
        backtests.backtest(SYSTEM, "bkt_none", NOW)


def test_the_board_of_an_earlier_date_knows_nothing_later(history: History) -> None:
    older = a_backtest(date(2024, 8, 1), "Pareto/NBD")
    a_backtest()
    earlier = date(2024, 9, 30)
    for as_of in (earlier, AS_OF):
        valued(as_of)
    ModelVersion.objects.filter(as_of=AS_OF, kind="spend").update(converged=False, fault="late")

    then = backtests.model_board(SYSTEM, NOW, as_of=earlier)
    now = backtests.model_board(SYSTEM, NOW)

    assert then.backtest is not None
    assert then.backtest.run == older
    assert [each.version.as_of for each in then.champions] == [earlier, earlier]
    assert then.champions[0].chosen_on == older.as_of
    assert (then.failures, then.grades, then.drift) == ((), (), None)
    assert now.backtest is not None
    assert now.backtest.run != older
    assert [each.reason for each in now.failures] == ["late"]
    assert [each.quarter for each in now.grades] == ["2024-Q4"]


@pytest.mark.parametrize("came", [0, -10])
def test_where_nothing_came_nobody_was_off_by_a_share_of_it(history: History, came: int) -> None:
    run = a_backtest()
    first, *_ = rows = list(BacktestOrigin.objects.filter(run=run).order_by("as_of"))
    BacktestOrigin.objects.filter(pk=first.pk).update(margin_came_minor=came, purchases_came=0)
    found = backtests.backtest(SYSTEM, run.id, NOW)

    assert found.dates[0].margin_off is None
    assert found.dates[0].purchases_off is None
    assert found.margin_bias == 0
    assert found.purchases_worst == pytest.approx(1 / 9)
    for row in rows:
        BacktestOrigin.objects.filter(pk=row.pk).update(margin_came_minor=came)
    found = backtests.backtest(SYSTEM, run.id, NOW)
    assert (found.margin_bias, found.margin_worst) == (None, None)
    assert str(board_context(backtests.model_board(SYSTEM, NOW))["backtest"])


def test_without_a_calibration_the_champion_is_what_is_in_use(history: History) -> None:
    assert backtests.backtest(SYSTEM, a_backtest().id, NOW).in_use == "BG/NBD"


def test_money_of_all_customers_is_for_who_sees_everybody(history: History) -> None:
    run = a_backtest()
    valued()
    mine = Scope(portfolio_ids=frozenset({"prt_mine"}))
    with (
        customer_scope.answered_by(lambda _actor, _now: mine),
        visible_customers.answered_by(lambda _scope: Q(id=history.customer_ids[0])),
    ):
        for actor, sees in ((MANAGER, False), (ANALYST, True)):
            found = backtests.backtest(actor, run.id, NOW)
            board = backtests.model_board(actor, NOW)
            assert board.backtest == found
            assert (found.horizon_totals_minor is not None) is sees
            money = [getattr(each, name) for each in found.dates for name in MARGINS]
            assert all((each is not None) is sees for each in money)
            assert found.margin_bias == 0
            assert bool(board_context(board)["totals"]) is sees
            for path in (f"/backtests/{run.id}", "/backtests", "/models/board"):
                said = TestClient(router).get(path, actor=actor, now=NOW).content.decode()
                in_money = re.findall(r'(\w+_minor)":\s*(?!\s|null)', said)
                assert bool(in_money) is (sees and path != "/backtests"), (path, in_money)
