"""The opening's models on histories as they are known now, seen up to any day of the quarter."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from patronage.access import datasets
from patronage.access.company import load_company
from patronage.access.roles import SYSTEM
from patronage.differentiate import reads, registry
from patronage.differentiate.errors import WrongOrder
from patronage.differentiate.jobs import value
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.replay import HISTORY, Replay, realised, realised_in_period
from patronage.differentiate.valuation.pieces import worth_at

from .history import COMPANY, NOW, History, commit, line

OPENING, CLOSING = date(2024, 9, 30), date(2024, 12, 31)
#: within the quarter; clocks change between it and the closing
BETWEEN = date(2024, 10, 20)

Runs = tuple[ValuationRun, ValuationRun]


def valued(as_of: date) -> ValuationRun:
    return value(actor=SYSTEM, now=NOW, as_of=as_of)


@pytest.fixture
def runs(history: History) -> Runs:
    """The valuations at two quarter ends."""
    return valued(OPENING), valued(CLOSING)


def asked(customers: list[str], *days: date) -> pl.DataFrame:
    pairs = [(customer, day) for customer in customers for day in days]
    return pl.DataFrame(pairs, schema={"history_id": pl.String, "day": pl.Date}, orient="row")


def test_the_models_of_the_day_give_what_was_frozen(runs: Runs) -> None:
    opening, closing = runs
    ends = Replay.of(opening, closing).ends()

    for name, run in (("frozen", opening), ("latest", closing)):
        published = reads.valuations(run).select("customer_id", "value_minor")
        both = ends.drop_nulls(name).join(published, on="customer_id")
        assert len(both) == len(published)
        assert (both[name] - both["value_minor"]).abs().max() <= 0.5 + 1e-6  # type: ignore[operator]
    new = ends.filter(pl.col("frozen").is_null())
    assert len(new) > 3
    assert new["first_day"].min() > OPENING  # type: ignore[operator]
    assert not new["known_at_opening"].any()


def test_a_history_in_between_is_what_a_valuation_of_that_day_would_have_read(runs: Runs) -> None:
    """Where clocks changed since, days are days; short histories lean on the opening's base."""
    there = reads.valuations(valued(BETWEEN))
    ids = there["customer_id"].to_list()
    found = Replay.of(*runs).points(asked(ids, BETWEEN)).sort("history_id")

    assert found["history_id"].to_list() == ids
    for name in ("frequency", "recency_days", "age_days", "average_spend_minor"):
        assert np.allclose(
            found[name].fill_null(-1).to_numpy(), there[name].fill_null(-1).to_numpy(), rtol=1e-12
        )
    for name in ("margin_rate", "cost_to_serve_minor"):
        assert np.allclose(found[name].to_numpy(), there[name].to_numpy(), rtol=0.02)


def test_nobody_has_a_history_before_the_first_purchase(runs: Runs) -> None:
    replay = Replay.of(*runs)
    new = replay.ends().filter(pl.col("frozen").is_null()).row(0, named=True)
    days = [new["first_day"] - timedelta(days=1), new["first_day"]]
    (first,) = replay.points(asked([new["customer_id"]], *days)).to_dicts()

    assert (first["day"], first["frequency"], first["age_days"]) == (new["first_day"], 0.0, 0.0)


def test_without_late_lines_nothing_is_corrected_and_a_late_line_is(
    history: History, runs: Runs
) -> None:
    before = Replay.of(*runs)
    frozen = before.frozen.drop("value_minor")
    assert_frame_equal(before.corrected, frozen, rel_tol=1e-9, check_column_order=False)
    customer = before.frozen["customer_id"][0]
    late = line(customer, datetime(2024, 9, 20, 15, tzinfo=UTC), 99_00)
    known = datasets.warehouse().polars(datasets.read("order_lines"))
    commit("order_lines", pl.concat([known, late], how="diagonal_relaxed"))
    again = value(actor=SYSTEM, now=NOW + timedelta(minutes=1), as_of=CLOSING)
    after = Replay.of(runs[0], again)

    for each in (before, after):
        assert_frame_equal(each.frozen, before.frozen)
    changed = after.corrected.filter(customer_id=customer)["average_spend_minor"]
    assert (
        changed.to_list()
        != before.corrected.filter(customer_id=customer)["average_spend_minor"].to_list()
    )


def test_changed_assumptions_do_not_reach_what_the_opening_says(history: History) -> None:
    opening = valued(OPENING)
    plain = Replay.of(opening, valued(CLOSING))
    richer = COMPANY.replace("PRODUCE = 0.345", "PRODUCE = 0.545").replace(
        "cost_per_basket_minor = 90", "cost_per_basket_minor = 20"
    )
    load_company(actor=SYSTEM, now=NOW, text=richer, reason="negotiated")
    changed = Replay.of(opening, valued(CLOSING))

    assert_frame_equal(plain.at_closing, changed.at_closing, rel_tol=1e-9)
    assert_frame_equal(plain.corrected, changed.corrected, rel_tol=1e-9)
    totals = [each.ends()["latest"].sum() for each in (plain, changed)]
    assert totals[1] > totals[0]


def test_worth_is_what_a_quadrature_of_the_paper_gives(runs: Runs) -> None:
    """P(alive) × rate × ∫ discount × survival, summed here; Schmittlein et al. (1987)."""
    opening, _ = runs
    replay = Replay.of(*runs)
    rows = replay.at_closing.filter(pl.col("frequency") > 0).with_columns(
        history_id="customer_id", day=pl.lit(CLOSING)
    )
    found = worth_at(rows, replay.old).sort("worth").tail(1)
    (row,) = found.to_dicts()
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

    assert row["worth"] == pytest.approx(100 * alive * rate * days * unit, rel=1e-6)


def test_parts_of_the_quarter_leave_what_the_quarter_leaves(runs: Runs) -> None:
    _, closing = runs
    whole = realised_in_period(*runs)
    latest = reads.features(closing)
    assert whole["realised_revenue_minor"].sum() == latest["quarter_revenue_minor"].sum()
    assert whole["realised_margin_minor"].sum() == latest["quarter_margin_minor"].sum()
    ids = whole["customer_id"].to_list()
    windows = pl.DataFrame(
        [
            (f"{each}#{part}", each, *window)
            for each in ids
            for part, window in enumerate(((OPENING, BETWEEN), (BETWEEN, CLOSING)))
        ],
        schema=["key", "customer_id", "after", "until"],
        orient="row",
    )
    parts = (
        realised(closing, windows)
        .with_columns(customer_id=pl.col("key").str.split("#").list.first())
        .group_by("customer_id")
        .agg(pl.col("realised_revenue_minor", "realised_margin_minor").sum())
    )
    both = whole.join(parts, on="customer_id", how="left").fill_null(0)

    assert (both["realised_revenue_minor"] == both["realised_revenue_minor_right"]).all()
    # each part's cost of goods is rounded to the cent
    off = (both["realised_margin_minor"] - both["realised_margin_minor_right"]).abs()
    assert off.max() <= 2  # type: ignore[operator]


def test_a_period_that_is_no_quarter_is_counted_from_the_lines(history: History) -> None:
    whole = realised_in_period(valued(date(2024, 6, 30)), valued(CLOSING))
    rows = [reads.features(valued(as_of)) for as_of in (OPENING, CLOSING)]
    by_quarter = sum(int(each["quarter_revenue_minor"].sum()) for each in rows)

    assert whole["realised_revenue_minor"].sum() == by_quarter


def test_a_quarter_cannot_run_backwards(runs: Runs) -> None:
    opening, closing = runs

    with pytest.raises(WrongOrder):
        Replay.of(closing, opening)


def test_a_point_is_read_as_the_models_read_it(runs: Runs) -> None:
    found = Replay.of(*runs).points(asked([], OPENING))

    assert found.columns == ["history_id", "day", *HISTORY, "model_version"]
    assert not len(found)
