"""Who stayed and what that earned; who is satisfied and leaving: recounted from the lines."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from patronage.access.roles import SYSTEM
from patronage.differentiate.jobs import value
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads import valuations
from patronage.differentiate.reads.loyalty import FALL, loyalty

from .history import NOW, History, commit

SEPTEMBER, DECEMBER = date(2024, 9, 30), date(2024, 12, 31)
ASKED = datetime(2024, 12, 10, 12, tzinfo=UTC)


@pytest.fixture
def runs(history: History) -> tuple[ValuationRun, ValuationRun]:
    return tuple(value(actor=SYSTEM, now=NOW, as_of=day) for day in (SEPTEMBER, DECEMBER))  # type: ignore[return-value]


def bought(history: History, first: date, last: date) -> set[str]:
    """Who bought in New York's days from first to last."""
    day = pl.col("ordered_at").dt.convert_time_zone("America/New_York").dt.date()
    lines = history.lines.filter(day.is_between(first, last), pl.col("kind") == "sale")
    return set(lines["customer_id"])


def answers(rows: dict[str, float], *, at: datetime = ASKED, name: str = "satisfaction") -> None:
    """Commit how satisfied customers say they are."""
    commit(
        "customer_facts",
        pl.DataFrame(
            {
                "customer_id": list(rows),
                "name": [name] * len(rows),
                "value_number": list(rows.values()),
                "observed_at": [at] * len(rows),
                "source": ["survey"] * len(rows),
                "import_id": ["imp_tests"] * len(rows),
            }
        ),
    )


def test_retention_and_churn_are_those_counted_from_the_lines(
    history: History, runs: tuple[ValuationRun, ValuationRun]
) -> None:
    shown = loyalty(SYSTEM, NOW)
    before = bought(history, date(2024, 7, 1), SEPTEMBER)
    again = bought(history, date(2024, 10, 1), DECEMBER)
    assert shown.total is not None
    assert shown.total.bought_before == len(before)
    assert shown.total.stayed == len(before & again)
    share, low, high = (
        shown.total.retention,
        shown.total.retention_low,
        shown.total.retention_high,
    )
    assert share == pytest.approx(len(before & again) / len(before))
    assert share is not None
    assert low is not None
    assert high is not None
    assert low < share < high
    assert shown.is_complete
    assert shown.before == SEPTEMBER


def test_the_tiers_sum_to_all_and_margins_are_those_frozen(
    runs: tuple[ValuationRun, ValuationRun],
) -> None:
    shown = loyalty(SYSTEM, NOW)
    assert shown.total is not None
    for name in ("bought_before", "stayed", "margin_stayed_minor", "margin_lost_minor"):
        assert sum(getattr(each, name) for each in shown.tiers) == getattr(shown.total, name)
    then = {row["customer_id"]: row for row in valuations(runs[0]).to_dicts()}
    lost = 0
    for row in valuations(runs[1]).to_dicts():
        old = then.get(row["customer_id"])
        if old and old["quarter_baskets"] and not row["quarter_baskets"]:
            lost += old["quarter_sales_minor"] + old["quarter_returns_minor"]
            lost -= old["quarter_cost_of_goods_minor"] + old["quarter_cost_to_serve_minor"]
    assert shown.total.margin_lost_minor == lost


def test_satisfied_customers_who_are_leaving_are_listed_and_nobody_else(
    runs: tuple[ValuationRun, ValuationRun],
) -> None:
    old = dict(valuations(runs[0]).select("customer_id", "probability_of_purchase").rows())
    new = valuations(runs[1]).filter(pl.col("customer_id").is_in(list(old)))
    said = {each: 9.0 if place % 2 else 4.0 for place, each in enumerate(new["customer_id"])}
    answers(said)
    satisfaction = loyalty(SYSTEM, NOW, limit=1000).satisfaction
    expected = {
        row["customer_id"]
        for row in new.to_dicts()
        if said[row["customer_id"]] >= 8
        and old[row["customer_id"]] - row["probability_of_purchase"] >= FALL
    }
    assert satisfaction is not None
    assert {each.customer_id for each in satisfaction.leavers} == expected != set()
    assert satisfaction.leaving == len(expected)
    assert satisfaction.answered == sum(each.customers for each in satisfaction.corners) == len(new)
    at_risk = [each.at_risk_minor for each in satisfaction.leavers]
    assert at_risk == sorted(at_risk, reverse=True)
    assert not any(
        each.satisfaction < 8 or each.probability_now >= each.probability_before
        for each in satisfaction.leavers
    )


def test_a_list_by_satisfaction_alone_would_name_those_who_stay(
    runs: tuple[ValuationRun, ValuationRun],
) -> None:
    """The broken twin: without the fall in what they do, the list is just the satisfied."""
    answers(dict.fromkeys(valuations(runs[1])["customer_id"], 9.0))
    satisfaction = loyalty(SYSTEM, NOW, limit=1000).satisfaction
    assert satisfaction is not None
    satisfied = sum(each.customers for each in satisfaction.corners if each.satisfied)
    assert satisfied > satisfaction.leaving


def test_the_newest_answer_by_the_date_counts_and_no_later_one(
    runs: tuple[ValuationRun, ValuationRun],
) -> None:
    answers(dict.fromkeys(valuations(runs[1])["customer_id"], 9.0), at=NOW)
    shown = loyalty(SYSTEM, NOW)
    assert not shown.fact_is_known
    assert shown.satisfaction is None


def test_another_fact_is_not_satisfaction(runs: tuple[ValuationRun, ValuationRun]) -> None:
    answers(dict.fromkeys(valuations(runs[1])["customer_id"], 9.0), name="trust")
    shown = loyalty(SYSTEM, NOW)
    assert (shown.fact, shown.fact_is_known, shown.satisfaction) == ("satisfaction", False, None)


def test_without_the_quarter_before_nothing_is_made_up(history: History) -> None:
    value(actor=SYSTEM, now=NOW, as_of=DECEMBER)
    shown = loyalty(SYSTEM, NOW)
    assert (shown.before, shown.total, list(shown.tiers)) == (None, None, [])


def test_a_quarter_that_still_runs_says_so(runs: tuple[ValuationRun, ValuationRun]) -> None:
    value(actor=SYSTEM, now=NOW, as_of=SEPTEMBER + timedelta(days=40))
    assert not loyalty(SYSTEM, NOW, as_of=SEPTEMBER + timedelta(days=40)).is_complete
