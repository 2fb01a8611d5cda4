"""Does the system grade what it said by what came, counted again the plain way?"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.db.models import Q
from ninja.testing import TestClient
from scipy.stats import binomtest

from patronage.access.errors import NotAllowed
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.access.scope import Scope, customer_scope, visible_customers
from patronage.differentiate import reads, registry
from patronage.differentiate.api import router
from patronage.differentiate.jobs import value
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads import grades

from .history import NOW, History

ANALYST = Actor(id="usr_analyst", name="Analyst", roles=frozenset({Role.ANALYST}))
MANAGER = Actor(id="usr_manager", name="Manager", roles=frozenset({Role.MANAGER}))
AGENT = Actor(id="usr_agent", name="Agent", roles=frozenset({Role.AGENT}))
SAID, CAME, LATER = date(2024, 9, 30), date(2024, 12, 31), date(2025, 3, 31)


@pytest.fixture
def valued(history: History) -> History:
    """Everybody valued as of three quarters' ends."""
    for as_of in (SAID, CAME, LATER):
        value(actor=SYSTEM, now=NOW, as_of=as_of)
    return history


def shopping_days(history: History, after: date, until: date) -> dict[str, set[date]]:
    """Days with a sale of each customer in the company's zone, after one date up to another."""
    zone = ZoneInfo("America/New_York")
    days: dict[str, set[date]] = defaultdict(set)
    sales = history.lines.filter(history.lines["kind"] == "sale")
    for customer_id, at in sales.select("customer_id", "ordered_at").iter_rows():
        day = at.astimezone(zone).date()
        if after < day <= until:
            days[customer_id].add(day)
    return days


def test_what_came_is_counted_from_the_orders_of_the_quarter(valued: History) -> None:
    first, second = grades.quarter_grades(ANALYST, NOW)
    assert (first.said_on, first.until, first.quarter) == (SAID, CAME, "2024-Q4")
    assert second.quarter == "2025-Q1"
    run = reads.run_at(SAID)
    assert run is not None
    said = reads.valuations(run)
    days = shopping_days(valued, SAID, CAME)
    known = set(said["customer_id"])
    assert first.customers == len(known)
    assert first.days == sum(len(each) for name, each in days.items() if name in known)
    assert first.buyers == sum(name in known for name in days)
    assert first.expected_buyers == pytest.approx(said["probability_of_purchase"].sum())
    assert first.expected_days == pytest.approx(said["expected_purchases"].sum())
    assert first.expected_margin_minor == said["expected_margin_minor"].sum()


def test_the_scores_are_those_of_the_textbook(valued: History) -> None:
    (grade,) = grades.quarter_grades(ANALYST, NOW, as_of=CAME)
    run = reads.run_at(SAID)
    assert run is not None
    said = reads.valuations(run).sort("customer_id")
    days = shopping_days(valued, SAID, CAME)
    bought = np.array([bool(days.get(name)) for name in said["customer_id"]], dtype=float)
    chance = said["probability_of_purchase"].to_numpy()
    assert grade.brier == pytest.approx(np.mean((chance - bought) ** 2))
    assert grade.brier_of_base_rate == pytest.approx(np.mean((bought.mean() - bought) ** 2))
    assert sum(tenth.customers for tenth in grade.buying) == grade.customers
    gaps = [tenth.customers * abs(tenth.expected - tenth.happened) for tenth in grade.buying]
    assert grade.calibration_error == pytest.approx(sum(gaps) / grade.customers)
    for tenth in grade.buying:
        count = round(tenth.happened * tenth.customers)
        wilson = binomtest(count, tenth.customers).proportion_ci(0.9, method="wilson")
        assert (tenth.low, tenth.high) == pytest.approx((wilson.low, wilson.high))
    total = sum(tenth.customers * tenth.happened for tenth in grade.shopping)
    assert total == pytest.approx(grade.days)


def test_what_was_not_over_yet_is_not_graded(valued: History) -> None:
    assert grades.quarter_grades(ANALYST, NOW, as_of=SAID) == []
    ValuationRun.objects.filter(as_of=LATER).update(as_of=date(2025, 3, 30))
    assert [each.quarter for each in grades.quarter_grades(ANALYST, NOW)] == ["2024-Q4"]
    with pytest.raises(NotAllowed):
        grades.quarter_grades(AGENT, NOW)


def test_a_manager_sees_the_record_with_their_own_customers(valued: History) -> None:
    mine = valued.customer_ids[:40]
    only = Scope(portfolio_ids=frozenset({"prt_mine"}))
    with (
        customer_scope.answered_by(lambda _actor, _now: only),
        visible_customers.answered_by(lambda _scope: Q(id__in=mine)),
    ):
        (grade, _later) = grades.quarter_grades(MANAGER, NOW)
        assert grades.tracking(MANAGER, NOW) is None
    run = reads.run_at(SAID)
    assert run is not None
    known = set(mine) & set(reads.valuations(run)["customer_id"])
    days = shopping_days(valued, SAID, CAME)
    assert grade.customers == len(known)
    assert grade.days == sum(len(days[name]) for name in known if name in days)
    assert grade.days < grades.quarter_grades(ANALYST, NOW)[0].days


def test_tracking_ends_at_everybodys_repeat_days_and_the_models_sum(valued: History) -> None:
    found = grades.tracking(ANALYST, NOW, as_of=LATER)
    assert found is not None
    days = shopping_days(valued, date(2023, 1, 1), LATER)
    assert found.weeks[-1].until == LATER
    assert found.weeks[-1].happened == sum(len(each) - 1 for each in days.values())
    run = reads.run_at(LATER)
    assert run is not None
    model = registry.purchase_model(run.purchase_model)
    expected = [
        model.expected_purchases_new_customer(horizon_days=float((LATER - min(each)).days))
        for each in days.values()
    ]
    assert found.weeks[-1].expected == pytest.approx(sum(expected), rel=1e-4)
    counts = [week.happened for week in found.weeks]
    assert counts == sorted(counts)


def test_rest_answers_with_the_record(valued: History) -> None:
    client = TestClient(router)
    record = client.get("/models/track-record", actor=ANALYST, now=NOW).json()
    assert [each["quarter"] for each in record] == ["2024-Q4", "2025-Q1"]
    assert len(record[0]["buying"]) == grades.TENTHS
    tracked = client.get("/models/tracking?as_of=2024-12-31", actor=ANALYST, now=NOW).json()
    assert tracked["weeks"][-1]["until"] == "2024-12-31"
