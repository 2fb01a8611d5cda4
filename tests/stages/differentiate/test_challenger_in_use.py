"""A challenger that wins backtests says who will buy; one that does not win changes no bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import ibis
import numpy as np
import polars as pl
import pytest
from django.db.models import F
from ninja.testing import TestClient
from polars.testing import assert_frame_equal

from patronage.access.company import current
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.differentiate import backtesting, jobs, reads, registry
from patronage.differentiate.api import router
from patronage.differentiate.models import BacktestRun, ModelVersion, ValuationRun
from patronage.differentiate.pages.backtests import board_context
from patronage.differentiate.panels import NamedPanel, day_number, panel_of
from patronage.differentiate.reads import challengers
from patronage.differentiate.reads.backtests import backtest, model_board
from patronage.differentiate.valuation import history as history_module
from patronage.science.lifetime.backtest import Learnt, Rolling
from patronage.science.lifetime.forecast_scores import difference, log_scores
from patronage.science.lifetime.purchase_model import PURCHASE_MODELS
from patronage.warehouse.untyped import Table

from ..remembered import Remembered
from .history import NOW, History, commit, generate_phases, store

AS_OF = date(2025, 3, 31)
#: midnight in New York after it
END = datetime(2025, 4, 1, 4, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
ONE = {"Pareto/NBD": PURCHASE_MODELS["Pareto/NBD"]}
ANALYST = Actor(id="usr_analyst", name="Analyst", roles=frozenset({Role.ANALYST}))
PHASES = generate_phases(days=547)


def backtested(as_of: date = AS_OF, now: datetime = NOW) -> BacktestRun:
    return jobs.backtest(actor=SYSTEM, now=now, as_of=as_of)


def valued(as_of: date = AS_OF, now: datetime = NOW) -> ValuationRun:
    return jobs.value(actor=SYSTEM, now=now, as_of=as_of)


def of_phases() -> BacktestRun:
    store(PHASES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backtesting, "PURCHASE_MODELS", ONE)
        return backtested()


_PHASES = Remembered(of_phases)


@pytest.fixture(autouse=True)
def one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtesting, "PURCHASE_MODELS", ONE)


@pytest.fixture
def promoted(db: None) -> BacktestRun:
    """A backtest of customers of whom the facts tell more than the model; the challenger won."""
    _PHASES()
    return BacktestRun.objects.get()


def named(as_of: date = AS_OF) -> NamedPanel:
    company = current().company
    manifests = reads.Manifests.committed(company)
    assert manifests is not None
    return panel_of(manifests, company, as_of)


def figures(run: ValuationRun) -> pl.DataFrame:
    return reads.valuations(run).drop("run_id", "model_version")


def calibrated(run: ValuationRun, rows: pl.DataFrame) -> np.ndarray:
    """What the calibrated model alone says of the next quarter."""
    models = registry.models_of(run.purchase_model, run.spend_model)
    past = [rows[name].to_numpy() for name in ("frequency", "recency_days", "age_days")]
    said = models.purchase.probability_of_purchase(*past, horizon_days=91)
    return models.buying.apply(said)


def test_one_that_won_is_used_and_foresees_better_what_nobody_had_seen(
    promoted: BacktestRun,
) -> None:
    run = valued()
    rows = reads.valuations(run)
    seen = named().seen(AS_OF, rows["customer_id"])
    later = named(date(2025, 6, 30)).panel
    came = later.outcome(seen, after=day_number(AS_OF), until=day_number(date(2025, 6, 30)))
    bought = (came.purchases > 0).astype(float)
    ours, alone = (
        [log_scores(said, bought)]
        for said in (rows["probability_of_purchase"].to_numpy(), calibrated(run, rows))
    )

    assert promoted.is_challenger_promoted
    assert (promoted.challenger_lead or {})["low"] > 0
    assert run.challenger is not None
    assert run.challenger.backtest == promoted
    assert difference(ours, alone, [seen.customer]).is_better


def test_only_the_chance_of_buying_is_the_challengers(
    promoted: BacktestRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was judged on nothing else: money stays the calibrated model's, to the last cent."""
    with_it = reads.valuations(valued())
    monkeypatch.setattr(registry, "challenger_of", lambda _purchase: None)
    ValuationRun.objects.update(input_digest=F("id"))
    alone = reads.valuations(valued(now=LATER))
    follow = ("run_id", "model_version", "probability_of_purchase", "objective", "objective_reason")
    asked = ("objective_since", "objective_asked", "objective_asked_times")

    assert (
        with_it["probability_of_purchase"].to_list() != alone["probability_of_purchase"].to_list()
    )
    assert_frame_equal(with_it.drop(*follow, *asked), alone.drop(*follow, *asked), check_exact=True)


def test_what_is_kept_of_it_says_the_same_again(promoted: BacktestRun) -> None:
    run = valued()
    rows = reads.valuations(run)
    again = ValuationRun.objects.get(pk=run.pk)
    models = registry.models_of(again.purchase_model, again.spend_model, again.challenger)
    assert models.challenger is not None
    said = models.challenger.probability_of_purchase(
        named().seen(AS_OF, rows["customer_id"]), models.purchase, models.buying, horizon_days=91
    )

    assert said.tolist() == rows["probability_of_purchase"].to_list()
    assert valued(now=LATER).pk == run.pk


def corrupt_later_lines() -> None:
    """Half the customers never come again, the others nine days later."""
    later = pl.col("ordered_at") >= END
    kept = PHASES.lines.filter(~later | pl.col("customer_id").str.contains("[02468]$"))
    moved = pl.when(later).then(pl.col("ordered_at") + timedelta(days=9)).otherwise("ordered_at")
    commit("order_lines", kept.with_columns(ordered_at=moved))


def taught() -> list[object]:
    """What a backtest that is run now learns of the challenger."""
    BacktestRun.objects.update(input_digest=F("id"))
    run = backtested(now=LATER)
    versions = ModelVersion.objects.filter(kind="challenger", backtest=run)
    return [run.challenger_lead, *versions.values_list("learners", flat=True)]


def test_it_is_taught_by_nothing_after_the_date(promoted: BacktestRun) -> None:
    (before,) = ModelVersion.objects.filter(kind="challenger")
    corrupt_later_lines()

    assert taught() == [promoted.challenger_lead, before.learners]


def test_one_that_peeks_is_caught(promoted: BacktestRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "seen_before", lines_until)
    before = taught()
    corrupt_later_lines()

    assert before != taught()


def lines_until(lines: Table, instant: datetime) -> Table:
    """Everything, what is later moved to the last second."""
    last = ibis.literal(instant - timedelta(seconds=1), type="timestamp('UTC')")
    return lines.mutate(ordered_at=ibis.least(lines.ordered_at, last))


def untrained(reason: str) -> Callable[[Rolling], Learnt]:
    learns = Rolling._learnt

    def learnt(rolling: Rolling) -> Learnt:
        return replace(learns(rolling), challenger=None, fault=reason)

    return learnt


def test_where_a_newer_one_cannot_be_trained_the_last_good_one_stays(
    promoted: BacktestRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = valued()
    monkeypatch.setattr(Rolling, "_learnt", untrained("singular matrix"))
    later = date(2025, 4, 30)
    newest = backtested(later, LATER)
    run = valued(later, LATER)
    board = model_board(SYSTEM, LATER)

    assert newest.is_challenger_promoted
    assert run.challenger == before.challenger
    assert board.challenger is not None
    assert board.challenger.state == challengers.LAST_GOOD
    assert board.challenger.fault == "singular matrix"
    assert [each.reason for each in board.failures] == ["singular matrix"]


def test_without_a_good_one_the_model_speaks_alone(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    learns = Rolling._learnt

    def wins(rolling: Rolling) -> Learnt:
        learnt = learns(rolling)
        assert learnt.lead is not None
        ahead = replace(learnt.lead, mean=0.02, low=0.01, high=0.03)
        return replace(learnt, lead=ahead, challenger=None, fault="singular matrix")

    monkeypatch.setattr(Rolling, "_learnt", wins)
    backtested()
    board = model_board(SYSTEM, NOW)
    assert board.challenger is not None
    assert board.challenger.state == challengers.UNTRAINED
    assert valued().challenger is None


def test_one_that_did_not_win_changes_no_bit(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Customers of the model itself: there is nothing to see that it does not see."""
    run = backtested()
    said = figures(valued())
    monkeypatch.setattr(
        registry, "models_of", lambda purchase, spend, _: models_of(purchase, spend)
    )
    ValuationRun.objects.update(input_digest=F("id"))
    board = model_board(SYSTEM, NOW)

    assert not run.is_challenger_promoted
    assert (run.challenger_lead or {})["low"] <= 0
    assert not ModelVersion.objects.filter(kind="challenger").exists()
    assert_frame_equal(said, figures(valued(now=LATER)), check_exact=True)
    assert said["probability_of_purchase"].to_list() != []
    assert board.challenger is not None
    assert (board.challenger.state, board.challenger.since) == (challengers.NOT_AHEAD, None)


models_of = registry.models_of


def test_every_face_says_whether_since_when_and_why(promoted: BacktestRun) -> None:
    first = model_board(SYSTEM, NOW).challenger
    assert first is not None
    assert (first.state, first.version) == (challengers.NEXT, None)
    run = valued()
    found = model_board(SYSTEM, NOW)
    assert found.challenger is not None
    assert found.challenger.state == challengers.IN_USE
    assert found.challenger.version == run.challenger
    assert found.challenger.since == AS_OF
    assert found.challenger.lead == (promoted.challenger_lead or {})["mean"]
    client = TestClient(router)
    board = client.get("/models/board", actor=ANALYST, now=NOW).json()
    assert board["challenger"]["version"]["id"] == run.challenger_id
    assert "learners" not in board["challenger"]["version"]
    assert board["backtest"]["in_use"] == "challenger"
    scores = {each.forecaster: each for each in backtest(SYSTEM, promoted.id, NOW).scores}
    assert scores["challenger"].log_behind == 0
    assert scores["calibrated model"].log_behind_low > 0
    shown = board_context(found)
    assert [each["score"].forecaster for each in shown["scores"] if each["is_in_use"]] == [
        "challenger"
    ]


def test_a_frozen_valuation_stays_when_a_later_backtest_prefers_the_model(
    promoted: BacktestRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = valued()
    before = figures(run)
    learns = Rolling._learnt

    def loses(rolling: Rolling) -> Learnt:
        return replace(learns(rolling), lead=None, challenger=None)

    monkeypatch.setattr(Rolling, "_learnt", loses)
    later = date(2025, 4, 30)
    backtested(later, LATER)

    assert valued(later, LATER).challenger is None
    assert_frame_equal(figures(ValuationRun.objects.get(pk=run.pk)), before, check_exact=True)
