"""The six values of the bridge: frozen where published, the opening's model everywhere else."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from patronage.access.company import load_company
from patronage.access.roles import SYSTEM
from patronage.differentiate import reads, registry, replay
from patronage.differentiate.errors import WrongOrder
from patronage.differentiate.jobs import value
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.valuation.scoring import Models
from patronage.science.equity import Levels, bridge

from .history import COMPANY, NOW, History, commit, create_customers, line

OPENING, CLOSING = date(2024, 9, 30), date(2024, 12, 31)


def valued(as_of: date) -> ValuationRun:
    return value(actor=SYSTEM, now=NOW, as_of=as_of)


@pytest.fixture
def runs(history: History) -> tuple[ValuationRun, ValuationRun]:
    """The valuations at two quarter ends."""
    return valued(OPENING), valued(CLOSING)


def as_bridge_levels(frame: pl.DataFrame) -> Levels:
    return Levels.of(
        opening=frame["opening_minor"].to_numpy(),
        expected_margin=frame["expected_margin_minor"].to_numpy(),
        remaining=frame["remaining_minor"].to_numpy(),
        rolled=frame["rolled_minor"].to_numpy(),
        closing_old_model=frame["closing_old_model_minor"].to_numpy(),
        closing=frame["closing_minor"].to_numpy(),
        is_new=frame["first_purchase_in_period"].to_numpy(),
    )


def test_opening_and_closing_are_the_frozen_figures(
    runs: tuple[ValuationRun, ValuationRun],
) -> None:
    opening, closing = runs
    frame = replay.levels(opening, closing)

    assert frame["opening_minor"].sum() == opening.total_minor
    assert frame["closing_minor"].sum() == closing.total_minor
    assert set(frame["customer_id"]) == set(reads.valuations(closing)["customer_id"])


def test_the_bridge_closes_to_the_cent(runs: tuple[ValuationRun, ValuationRun]) -> None:
    totals = bridge(as_bridge_levels(replay.levels(*runs))).totals()
    moved = sum(amount for name, amount in totals.items() if name not in ("opening", "closing"))

    assert totals["opening"] + moved == totals["closing"]
    assert totals["expected_margin"] < 0 < totals["roll_forward"]
    assert totals["new_customers"] > 0


def test_time_alone_moves_value_as_an_actuary_would_expect(
    runs: tuple[ValuationRun, ValuationRun],
) -> None:
    """Opening × (1 + i)^t = discounted margin of the period at t₁ + value of what remains."""
    frame = replay.levels(*runs).filter(pl.col("opening_minor") > 0)
    elapsed = (CLOSING - OPENING).days
    growth = 1.10 ** (elapsed / 365)
    grown = frame["opening_minor"].to_numpy() * growth
    left = frame["remaining_minor"].to_numpy()
    nominal = frame["expected_margin_minor"].to_numpy()

    # The margin of the period, brought to t₁, is worth between its nominal sum and that with the
    # whole period's interest; rounding moves each customer by a cent or two.
    assert (grown - left >= nominal - 2).all()
    assert (grown - left <= nominal * growth + 2).all()


def test_a_new_customer_has_nothing_at_the_opening(
    runs: tuple[ValuationRun, ValuationRun],
) -> None:
    new = replay.levels(*runs).filter("first_purchase_in_period")

    assert len(new) > 3
    for name in ("opening_minor", "expected_margin_minor", "remaining_minor", "rolled_minor"):
        assert (new[name] == 0).all()
    assert (new["realised_revenue_minor"] > 0).any()


def test_the_old_model_on_the_new_history_is_the_old_model(
    runs: tuple[ValuationRun, ValuationRun],
) -> None:
    """Summed by quadrature here: P(alive) × rate × ∫ discount × survival, Fader & Hardie (2005)."""
    opening, closing = runs
    frame = replay.levels(opening, closing)
    rows = reads.valuations(closing).filter(pl.col("frequency") > 0)
    (row,) = rows.sort("value_minor").tail(1).to_dicts()
    old = opening.purchase_model.parameters
    model = registry.purchase_model(opening.purchase_model)
    spend = registry.spend_model(opening.spend_model)
    alive = model.probability_alive(row["frequency"], row["recency_days"], row["age_days"])[0]
    rate = (old["r"] + row["frequency"]) / (old["alpha"] + row["age_days"])
    day = np.linspace(0, 1095, 200_001)
    edge = old["beta"] + row["age_days"]
    survives = (edge / (edge + day)) ** old["s"]
    days = np.trapezoid(1.10 ** (-day / 365) * survives, day)
    mean = spend.expected_spend(row["frequency"], row["average_spend_minor"] / 100)[0]
    unit = mean * row["margin_rate"] - row["cost_to_serve_minor"] / 100
    (found,) = frame.filter(customer_id=row["customer_id"])["closing_old_model_minor"]

    assert found == pytest.approx(100 * alive * rate * days * unit, abs=1)


def test_with_one_model_there_is_no_model_change(
    runs: tuple[ValuationRun, ValuationRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    opening, closing = runs
    ours = registry.models_of(closing.purchase_model, closing.spend_model)

    def same(*_: object) -> Models:
        return ours

    monkeypatch.setattr(registry, "models_of", same)
    frame = replay.levels(opening, closing)

    assert (frame["closing_old_model_minor"] == frame["closing_minor"]).all()


def test_changed_assumptions_are_model_change_and_not_experience(history: History) -> None:
    opening = valued(OPENING)
    plain = replay.levels(opening, valued(CLOSING))
    richer = COMPANY.replace("PRODUCE = 0.345", "PRODUCE = 0.545").replace(
        "cost_per_basket_minor = 90", "cost_per_basket_minor = 20"
    )
    load_company(actor=SYSTEM, now=NOW, text=richer, reason="negotiated")
    changed = replay.levels(opening, valued(CLOSING))

    assert_frame_equal(
        plain.select("customer_id", "closing_old_model_minor"),
        changed.select("customer_id", "closing_old_model_minor"),
    )
    assert changed["closing_minor"].sum() > plain["closing_minor"].sum()


def test_realised_is_the_periods_revenue_and_margin(
    runs: tuple[ValuationRun, ValuationRun],
) -> None:
    _, closing = runs
    frame = replay.levels(*runs)
    latest = reads.features(closing)

    assert frame["realised_revenue_minor"].sum() == latest["quarter_revenue_minor"].sum()
    assert frame["realised_margin_minor"].sum() == latest["quarter_margin_minor"].sum()


def test_a_period_that_is_no_quarter_is_counted_from_the_lines(history: History) -> None:
    whole = replay.levels(valued(date(2024, 6, 30)), valued(CLOSING))
    rows = [reads.features(valued(as_of)) for as_of in (OPENING, CLOSING)]
    by_quarter = sum(int(each["quarter_revenue_minor"].sum()) for each in rows)

    assert whole["realised_revenue_minor"].sum() == by_quarter


def test_a_period_longer_than_the_horizon_leaves_nothing_of_the_old_window(
    history: History,
) -> None:
    short = COMPANY.replace("horizon_days = 1095", "horizon_days = 60")
    load_company(actor=SYSTEM, now=NOW, text=short, reason="short sight")
    frame = replay.levels(valued(OPENING), valued(CLOSING))

    assert (frame["remaining_minor"] == 0).all()
    assert frame["rolled_minor"].sum() > 0


def test_the_first_statement_has_no_opening(history: History) -> None:
    closing = valued(OPENING)
    frame = replay.levels(None, closing)

    assert frame["opening_minor"].sum() == 0
    assert frame["first_purchase_in_period"].all()
    assert (frame["closing_old_model_minor"] == frame["closing_minor"]).all()
    assert frame["closing_minor"].sum() == closing.total_minor


def test_a_bridge_cannot_run_backwards(runs: tuple[ValuationRun, ValuationRun]) -> None:
    opening, closing = runs

    with pytest.raises(WrongOrder):
        replay.levels(closing, opening)


def test_silence_is_bad_experience_and_a_purchase_spree_is_good(history: History) -> None:
    """Two customers with one past: one falls silent, the other shops on."""
    past = [
        line(customer, datetime(2024, month, day, 16, tzinfo=NOW.tzinfo), 5000)
        for customer in ("cus_silent", "cus_spree")
        for month in range(4, 10)
        for day in (5, 15, 25)
    ]
    spree = [
        line("cus_spree", datetime(2024, month, day, 16, tzinfo=NOW.tzinfo), 5000)
        for month in (10, 11, 12)
        for day in range(2, 28, 3)
    ]
    create_customers(["cus_silent", "cus_spree"])
    commit("order_lines", pl.concat([history.lines, *past, *spree]))
    frame = replay.levels(valued(OPENING), valued(CLOSING))
    lines = bridge(as_bridge_levels(frame))
    experience = dict(zip(frame["customer_id"], lines.experience.tolist(), strict=True))
    opening = dict(frame.select("customer_id", "opening_minor").iter_rows())

    assert opening["cus_silent"] == opening["cus_spree"] > 0
    assert experience["cus_silent"] < 0 < experience["cus_spree"]
