"""A quarter under several models: each customer has one all quarter long, a new one is line 8."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from patronage.access.company import current
from patronage.access.roles import SYSTEM
from patronage.differentiate import registry, replay
from patronage.differentiate.jobs import value
from patronage.differentiate.models import BacktestChoice, BacktestRun, ValuationRun
from patronage.differentiate.reads import valuations
from patronage.differentiate.replay import Replay
from patronage.differentiate.valuation.levelled import Levelled
from patronage.differentiate.valuation.scoring import Histories, expected_margin
from patronage.science.lifetime import Calibration
from patronage.steer.models import LINES, Statement

from ..differentiate.history import NOW
from .test_statement import amounts, total
from .world import IN_JULY, JUNE, SEPTEMBER, World, best_of, drafted, hand, valued

#: lines that rest on the opening's models alone
OF_THE_OPENING = (
    "opening", "expected_margin", "unwinding", "roll_forward", "experience_frequency",
    "experience_spend", "new_customers", "hand_overs", "corrections",
)  # fmt: skip
CURVE = Levelled(path=Calibration(knots_days=(0.0, 91.0), factors=(0.8, 0.9)))


def a_backtest(as_of: date, portfolio_id: str | None) -> None:
    """Everybody under Pareto/NBD, one portfolio under BG/NBD and on a curve of its own."""
    run = BacktestRun.objects.create(
        as_of=as_of, input_digest=str(as_of), company_version=current().version,
        order_lines_manifest=1, horizon_days=91, origins=4, champion="Pareto/NBD",
        is_challenger_promoted=False, calibration=Levelled().stored(), failures=[],
        alternates={} if portfolio_id is None else {"BG/NBD": CURVE.stored()},
        horizon_totals_minor={}, created_at=NOW,
    )  # fmt: skip
    if portfolio_id is not None:
        BacktestChoice.objects.create(
            run=run, portfolio_id=portfolio_id, chosen="BG/NBD", reason="leads beyond chance",
            origins=4, customers=100, bought=100, did_not=100, scores={},
        )  # fmt: skip


def stated(world: World) -> tuple[Statement, ValuationRun]:
    """The third quarter, New's customers under BG/NBD at both ends; and its opening."""
    a_backtest(date(2024, 6, 1), world.portfolios["New"])
    opening = valued(JUNE)
    hand(world, best_of(opening, 40), "Top", IN_JULY)
    valued(SEPTEMBER)
    drafted(JUNE)
    return drafted(SEPTEMBER), opening


def test_a_quarter_of_two_models_closes_to_the_cent(world: World) -> None:
    statement, opening = stated(world)
    closing = statement.closing_run

    assert opening.portfolio_models.keys() == {world.portfolios["New"]}
    assert valuations(closing)["model_version"].n_unique() == 2
    for each in amounts(statement).values():
        assert sum(each[kind] for kind in LINES[:-1]) == each["closing"]
    assert total(statement, "closing") == closing.total_minor
    assert total(statement, "hand_overs") == total(statement, "corrections") == 0
    assert statement.checksum_minor == 0


def test_who_changes_hands_stays_under_the_openings_model_and_moves_it_in_line_eight(
    world: World,
) -> None:
    statement, opening = stated(world)
    moved = best_of(opening, 40)
    eve = IN_JULY.date() - timedelta(days=1)
    frame = valuations(value(actor=SYSTEM, now=NOW, as_of=eve))
    (models,) = registry.others_of(opening).values()
    worth = expected_margin(
        Histories.of(frame.filter(pl.col("customer_id").is_in(moved)), 100),
        models,
        seen_on=eve,
        after=eve,
        until=eve + timedelta(days=1095),
        annual_discount_rate=0.10,
    )
    lines = amounts(statement)[world.portfolios["Top"]]

    assert lines["hand_overs"] == pytest.approx(100 * worth.sum(), rel=2e-3)
    named = dict(
        valuations(statement.closing_run).select("customer_id", "model_version").iter_rows()
    )
    assert {named[each] for each in moved} == {statement.closing_run.purchase_model_id}
    assert abs(lines["model_change"]) > 0.02 * lines["closing"]


def test_another_choice_at_the_closing_is_a_change_of_model_and_nothing_else(
    world: World,
) -> None:
    statement, opening = stated(world)
    a_backtest(date(2024, 9, 1), None)
    other = value(actor=SYSTEM, now=NOW + timedelta(minutes=1), as_of=SEPTEMBER)
    assert other.portfolio_models == {}
    before, after = (Replay.of(opening, run) for run in (statement.closing_run, other))
    again = drafted(SEPTEMBER)

    assert before.old.others.keys() == after.old.others.keys()
    assert again.closing_run == other
    for portfolio in world.portfolios.values():
        one, two = (amounts(each)[portfolio] for each in (statement, again))
        for name in OF_THE_OPENING:
            # of a piece's lines, the one that was rounded furthest may go to the other neighbour
            assert abs(one[name] - two[name]) <= 3, name
    assert abs(total(statement, "model_change") - total(again, "model_change")) > 1000
    assert total(again, "closing") == other.total_minor


def test_a_replay_that_forgets_who_was_under_which_model_shows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin: everybody under the usual model; the opening is then put right by a line."""

    def forgets(
        frame: pl.DataFrame, _frozen: pl.DataFrame, opening: ValuationRun, **_: str
    ) -> pl.DataFrame:
        return frame.with_columns(model_version=pl.lit(opening.purchase_model_id))

    monkeypatch.setattr(replay, "_as_opened", forgets)
    statement, _ = stated(world)

    assert total(statement, "corrections") != 0
