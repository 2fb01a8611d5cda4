"""Backtests see nothing later than they may, are kept once, and choose the model that is used."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import ibis
import numpy as np
import polars as pl
import pytest

from patronage.access.company import current
from patronage.access.roles import SYSTEM
from patronage.differentiate import backtesting, reads
from patronage.differentiate.errors import DateNotOver, HistoryTooShort
from patronage.differentiate.jobs import backtest, value
from patronage.differentiate.models import BacktestOrigin, BacktestRun, BacktestScore
from patronage.differentiate.panels import panel_of
from patronage.differentiate.reads import backtests
from patronage.differentiate.valuation import history as history_module
from patronage.science.lifetime.panel import Panel
from patronage.science.lifetime.purchase_model import PURCHASE_MODELS
from patronage.warehouse.untyped import Table

from .history import NOW, History, commit

AS_OF = date(2025, 3, 31)
#: midnight in New York after it
END = datetime(2025, 4, 1, 4, tzinfo=UTC)
WINTER = date(2024, 12, 31)
TWO = {name: PURCHASE_MODELS[name] for name in ("Pareto/NBD", "BG/NBD")}


@pytest.fixture(autouse=True)
def two_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two models are enough to choose between."""
    monkeypatch.setattr(backtesting, "PURCHASE_MODELS", TWO)


def ran(as_of: date = AS_OF) -> BacktestRun:
    return backtest(actor=SYSTEM, now=NOW, as_of=as_of)


def corrupt_after(history: History, instant: datetime) -> None:
    """Multiply what was spent from an instant on, and let half of it never have happened."""
    later = pl.col("ordered_at") >= instant
    kept = history.lines.filter(~later | (pl.col("line_number") % 2 == 1))
    commit(
        "order_lines",
        kept.with_columns(
            amount_minor=pl.when(later).then(pl.col("amount_minor") * 7).otherwise("amount_minor"),
            ordered_at=pl.when(later)
            .then(pl.col("ordered_at") + timedelta(days=11))
            .otherwise("ordered_at"),
        ),
    )


def test_a_backtest_scores_every_forecaster_beside_the_baselines(history: History) -> None:
    run = ran()
    scores = {each.forecaster: each for each in BacktestScore.objects.filter(run=run)}
    dates = list(BacktestOrigin.objects.filter(run=run).order_by("as_of"))

    assert {"Pareto/NBD", "BG/NBD", "calibrated model", "base rate"} <= set(scores)
    assert scores["Pareto/NBD"].log_score > scores["base rate"].log_score
    assert scores["base rate"].resolution <= scores["Pareto/NBD"].resolution
    assert scores["calibrated model"].log_behind == 0
    assert run.origins == len(dates) > 4
    assert all(each.as_of + timedelta(days=run.horizon_days) <= AS_OF for each in dates)
    assert all(0 <= each.purchases_covered <= 1 for each in dates)
    assert run.champion in TWO
    assert set(run.horizon_totals_minor) == set(TWO)
    assert ran().id == run.id
    found = backtests.backtest(SYSTEM, run.id, NOW)
    assert found.scores[0].log_score == max(each.log_score for each in scores.values())
    assert found.in_use == "calibrated model"
    assert found.purchases_bias is not None
    assert found.purchases_worst is not None
    assert abs(found.purchases_bias) < abs(found.purchases_worst) < 1


def test_what_a_forecaster_is_behind_is_told_by_the_scores_beside_it(history: History) -> None:
    """Both are means over the same rows: those of the dates at which all forecasters spoke."""
    scores = {each.forecaster: each for each in BacktestScore.objects.filter(run=ran())}
    ours = scores["calibrated model"]

    assert {each.rows for each in scores.values()} == {ours.rows}
    for each in scores.values():
        assert each.log_behind == pytest.approx(ours.log_score - each.log_score)
        assert each.brier_behind == pytest.approx(each.brier_score - ours.brier_score)
        assert each.log_behind_low <= each.log_behind <= each.log_behind_high


def panel(as_of: date = AS_OF) -> Panel:
    """Everything that a backtest reads of the history."""
    declared = current()
    manifests = reads.Manifests.committed(declared.company)
    assert manifests is not None
    return panel_of(manifests, declared.company, as_of).panel


def columns(seen: Panel) -> list[list[float]]:
    return [getattr(seen, name).tolist() for name in ("customer", "day", "spend", "margin")]


def test_nothing_after_the_date_is_read(history: History) -> None:
    before = columns(panel())
    corrupt_after(history, END)

    assert before == columns(panel())


def test_a_backtest_that_peeks_is_caught(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    def peeking(lines: Table, instant: datetime) -> Table:
        last = ibis.literal(instant - timedelta(seconds=1), type="timestamp('UTC')")
        return lines.mutate(ordered_at=ibis.least(lines.ordered_at, last))

    monkeypatch.setattr(history_module, "seen_before", peeking)
    before = columns(panel())
    corrupt_after(history, END)

    assert before != columns(panel())


def test_the_panel_is_what_a_valuation_reads(history: History) -> None:
    """Frequency, recency, age and average spend, customer by customer."""
    seen = panel(WINTER).seen((WINTER - date(1970, 1, 1)).days)
    rows = reads.valuations(value(actor=SYSTEM, now=NOW, as_of=WINTER))
    spent = rows["average_spend_minor"].fill_null(0.0).to_numpy() / 100

    assert seen.frequency.tolist() == rows["frequency"].to_list()
    assert seen.recency.tolist() == rows["recency_days"].to_list()
    assert seen.age.tolist() == rows["age_days"].to_list()
    np.testing.assert_allclose(seen.average_spend, spent)


def test_a_short_history_and_an_open_date_are_refused(history: History) -> None:
    with pytest.raises(HistoryTooShort, match="too short"):
        ran(date(2024, 5, 15))
    with pytest.raises(DateNotOver):
        ran(date(2026, 1, 31))
