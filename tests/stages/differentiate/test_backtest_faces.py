"""A backtest runs from the command line and over REST, and every face tells of the same one."""

from __future__ import annotations

from datetime import date

import pytest
from ninja.testing import TestClient

from patronage.access.errors import NotAllowed, NotFound
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.differentiate import backtesting
from patronage.differentiate.api import router
from patronage.differentiate.jobs import value
from patronage.differentiate.models import BacktestRun, ValuationRun
from patronage.differentiate.pages.backtests import board_context
from patronage.differentiate.reads import worth
from patronage.differentiate.reads.backtests import model_board
from patronage.science.lifetime.purchase_model import PURCHASE_MODELS

from ..cli.conftest import Verb, verb
from .history import NOW, History

__all__ = ["verb"]

ANALYST = Actor(id="usr_analyst", name="Analyst", roles=frozenset({Role.ANALYST}))
MANAGER = Actor(id="usr_manager", name="Manager", roles=frozenset({Role.MANAGER}))
AS_OF = date(2025, 3, 31)
TWO = {name: PURCHASE_MODELS[name] for name in ("Pareto/NBD", "BG/NBD")}


def test_every_face_tells_of_the_same_backtest(
    history: History, verb: Verb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtesting, "PURCHASE_MODELS", TWO)
    ran = verb("value", "backtest", "--as-of", AS_OF.isoformat())
    assert (ran.status, ran.err) == (0, "")
    run = BacktestRun.objects.get()
    assert run.champion in ran.out
    client = TestClient(router)
    again = client.post("/backtests", json={"as_of": "2025-03-31"}, actor=ANALYST, now=NOW)
    assert (again.status_code, again.json()["id"]) == (201, run.id)
    with pytest.raises(NotAllowed):
        client.post("/backtests", json={"as_of": "2025-03-31"}, actor=MANAGER, now=NOW)

    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    found = client.get(f"/backtests/{run.id}", actor=ANALYST, now=NOW).json()
    board = client.get("/models/board", actor=ANALYST, now=NOW).json()
    assert board["backtest"] == found
    assert [each["log_score"] for each in found["scores"]] == sorted(
        (each["log_score"] for each in found["scores"]), reverse=True
    )
    assert board["champions"][0]["version"]["name"] == run.champion
    with pytest.raises(NotFound, match="bkt_absent"):
        client.get("/backtests/bkt_absent", actor=ANALYST, now=NOW)

    shown = board_context(model_board(ANALYST, NOW))
    assert [each["score"].forecaster for each in shown["scores"]] == [
        each["forecaster"] for each in found["scores"]
    ]
    assert {each["label"] for each in shown["totals"]} <= set(TWO)
    in_use = [each["score"].forecaster for each in shown["scores"] if each["is_in_use"]]
    assert in_use == ["calibrated model"] == [found["in_use"]]
    compared = verb("value", "compare")
    assert (compared.status, compared.err) == (0, "")
    assert run.champion in compared.out

    summary = worth.value_summary(ANALYST, NOW)
    valued = ValuationRun.objects.get()
    assert summary.is_extrapolated == (valued.horizon_days > valued.history_days)
    assert summary.is_extrapolated
    assert valued.model_low is not None
    assert valued.model_high is not None
    low, high = (round(valued.total_minor * each) for each in (valued.model_low, valued.model_high))
    assert summary.value_low_minor <= low <= high <= summary.value_high_minor


def test_a_command_without_a_backtest_says_what_to_do(history: History, verb: Verb) -> None:
    said = verb("value", "compare")
    assert "patronage value backtest" in said.out
