"""Selective acquisition: a score that ranks later customers, and a cap that is a share of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import polars as pl
import pytest

from patronage.access import datasets
from patronage.access.roles import SYSTEM
from patronage.differentiate.acquisition import FEWEST, SCORES, fit_score
from patronage.differentiate.jobs import value
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads.acquisition import ENTRY_CHANNEL, _acquired, acquisition
from patronage.differentiate.valuation.first_days import Spans
from patronage.vocabulary.company import parse_company

from .history import COMPANY, NOW, History, commit, generate, line, store

AS_OF = date(2025, 3, 31)
SPANS = Spans(window_days=90, outcome_days=90)
_MANY = generate(seed=21, customers=500)


@pytest.fixture
def many(db: None) -> History:
    """Five hundred customers, so that there are later ones to test on."""
    store(_MANY)
    return _MANY


@pytest.fixture
def run(many: History) -> ValuationRun:
    return value(actor=SYSTEM, now=NOW, as_of=AS_OF)


def rows_of(run: ValuationRun) -> pl.DataFrame:
    return _acquired(run, parse_company(COMPANY), SPANS)


def test_first_days_and_what_came_after_are_recounted_line_by_line(run: ValuationRun) -> None:
    margin = {"PRODUCE": 0.345, "GROCERY": 0.2575}
    department = dict(_MANY.products.select("product_id", "department").rows())
    rows = {row["customer_id"]: row for row in rows_of(run).to_dicts()}
    for customer_id in sorted(rows)[:25]:
        mine = _MANY.lines.filter(pl.col("customer_id") == customer_id).to_dicts()
        first = min(each["ordered_at"] for each in mine if each["kind"] == "sale")
        window, later = 0.0, 0.0
        days: set[int] = set()
        baskets: tuple[set[tuple[str, int]], ...] = (set(), set())
        for each in mine:
            day = (each["ordered_at"] - first).days
            if each["ordered_at"] >= datetime(2025, 4, 1, 4, tzinfo=UTC) or not 0 <= day < 180:
                continue
            earned = each["amount_minor"] * margin.get(department[each["product_id"]], 0.25)
            if each["kind"] == "sale":
                baskets[day >= 90].add((each["order_id"], day))
            if day < 90:
                window += earned
                days |= {day} if each["kind"] == "sale" else set()
            else:
                later += earned
        row = rows[customer_id]
        assert row["first_at"] == first
        assert row["days"] == len(days)
        assert row["window_parts"] / 1e6 == pytest.approx(window - 90 * len(baskets[0]))
        assert row["later_parts"] / 1e6 == pytest.approx(later - 90 * len(baskets[1]))


def test_the_best_tenth_brings_more_than_a_random_one_out_of_time(run: ValuationRun) -> None:
    found = acquisition(SYSTEM, NOW)
    test = found.tests["first days"]
    assert test is not None
    assert test.fitted + test.tested == found.matured
    assert test.best == round(test.tested / 10)
    assert test.gain_minor == pytest.approx(test.best_minor - test.random_minor)
    assert test.gain_low_minor > 0
    assert test.predicted_minor == pytest.approx(test.brought_minor, rel=0.5)


def test_a_score_of_nothing_ranks_no_better_than_chance(run: ValuationRun) -> None:
    """The broken twin: what was brought is dealt out anew, and the interval holds 0."""
    rows = rows_of(run).filter(pl.col("known_days") >= SPANS.whole_days)
    dealt = rows.with_columns(
        pl.col("later_parts").shuffle(seed=4), pl.col("window_parts").shuffle(seed=4)
    )
    score = fit_score(
        rows.with_columns(later_parts=dealt["later_parts"]), SCORES["first days"], SPANS
    )
    assert score is not None
    assert score.test is not None
    assert score.test.gain_low_minor < 0 < score.test.gain_high_minor


def test_nothing_that_happens_after_the_date_changes_a_figure(run: ValuationRun) -> None:
    before = acquisition(SYSTEM, NOW)
    lines = datasets.warehouse().polars(datasets.read("order_lines"))
    someone = before.newcomers[0].customer_id
    later = line(someone, datetime(2025, 4, 2, 15, tzinfo=UTC), 1_000_000)
    commit("order_lines", pl.concat([lines, later], how="diagonal_relaxed"))
    again = value(actor=SYSTEM, now=NOW + timedelta(minutes=1), as_of=AS_OF)
    after = acquisition(SYSTEM, NOW)
    assert (again.id, before.newcomers) == (after.run_id, after.newcomers)
    assert before.tests == after.tests


def test_a_line_before_the_date_does_change_the_figures(run: ValuationRun) -> None:
    """The broken twin of the attack above: it can see a change."""
    before = acquisition(SYSTEM, NOW)
    lines = datasets.warehouse().polars(datasets.read("order_lines"))
    someone = next(each for each in before.newcomers if each.by == "first days")
    early = datetime.combine(someone.came_on + timedelta(days=10), time(15), tzinfo=UTC)
    extra = line(someone.customer_id, early, 1_000_000)
    commit("order_lines", pl.concat([lines, extra], how="diagonal_relaxed"))
    value(actor=SYSTEM, now=NOW + timedelta(minutes=1), as_of=AS_OF)
    assert acquisition(SYSTEM, NOW).newcomers != before.newcomers


def test_the_cap_is_the_declared_share_of_what_is_predicted(run: ValuationRun) -> None:
    found = acquisition(SYSTEM, NOW, limit=1000)
    assert found.share == 0.3
    assert len(found.newcomers) == found.coming > 0
    for each in found.newcomers:
        assert each.allowed_minor == max(each.predicted_minor, 0) * 3 // 10
    assert found.prospect_minor is not None
    assert found.prospect_allowed_minor == int(found.prospect_minor * 0.3)
    assert sum(each.customers for each in found.periods) == found.matured + found.coming
    periods = [each.name for each in found.periods]
    assert periods == sorted(periods, reverse=True)
    assert found.channels == []


def know_channels(ids: list[str]) -> None:
    commit(
        "customer_facts",
        pl.DataFrame(
            {
                "customer_id": ids,
                "name": [ENTRY_CHANNEL] * len(ids),
                "value_text": ["shop" if place % 2 else "web" for place in range(len(ids))],
                "observed_at": [datetime(2024, 1, 1, tzinfo=UTC)] * len(ids),
                "source": ["till"] * len(ids),
                "import_id": ["imp_tests"] * len(ids),
            }
        ),
    )


def test_where_the_channel_is_known_each_has_its_own_cap(run: ValuationRun) -> None:
    know_channels(_MANY.customer_ids)
    value(actor=SYSTEM, now=NOW + timedelta(minutes=1), as_of=AS_OF - timedelta(days=1))
    found = acquisition(SYSTEM, NOW, as_of=AS_OF - timedelta(days=1))
    assert sorted(each.name for each in found.channels) == ["shop", "web"]
    assert sum(each.customers for each in found.channels) == found.matured + found.coming


def test_channels_that_are_imported_later_appear_without_a_new_valuation(
    run: ValuationRun,
) -> None:
    assert acquisition(SYSTEM, NOW).channels == []
    know_channels(_MANY.customer_ids)
    assert sorted(each.name for each in acquisition(SYSTEM, NOW).channels) == ["shop", "web"]


def test_too_few_customers_give_no_score_and_no_made_up_figure(history: History) -> None:
    early = date(2024, 7, 15)
    value(actor=SYSTEM, now=NOW, as_of=early)
    found = acquisition(SYSTEM, NOW)
    assert found.matured < FEWEST
    assert found.tests == {"first order": None, "first days": None}
    assert found.newcomers == []
