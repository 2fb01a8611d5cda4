"""What a scope's customers are worth together: do the views add up, and hold nobody foreign?"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime
from itertools import accumulate

import pytest
from django.db.models import Q, Sum
from django.test import RequestFactory
from ninja.testing import TestClient

from patronage.access.errors import NotAllowed, NotFound
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.access.scope import Scope, customer_scope, visible_customers
from patronage.differentiate.api import router
from patronage.differentiate.jobs import value
from patronage.differentiate.models import LatestValuation
from patronage.differentiate.pages.value_file import value_csv
from patronage.differentiate.reads import base_audit, customer_base, in_sight, worth, worth_list
from patronage.differentiate.reads.customer_base import Chosen
from patronage.identify.models import Customer

from .history import NOW, History

ANALYST = Actor(id="usr_analyst", name="Analyst", roles=frozenset({Role.ANALYST}))
MANAGER = Actor(id="usr_manager", name="Manager", roles=frozenset({Role.MANAGER}))
AGENT = Actor(id="usr_agent", name="Agent", roles=frozenset({Role.AGENT}))
BEFORE, AS_OF = date(2024, 9, 30), date(2024, 12, 31)


@pytest.fixture
def valued(history: History) -> History:
    """Everybody valued as of two quarters' ends."""
    for as_of in (BEFORE, AS_OF):
        value(actor=SYSTEM, now=NOW, as_of=as_of)
    return history


@pytest.fixture
def mine(valued: History) -> Iterator[str]:
    """The one customer whom the manager is in charge of."""
    customer_id = LatestValuation.objects.order_by("-value_minor")[3].customer_id
    only = Scope(portfolio_ids=frozenset({"prt_mine"}))
    with (
        customer_scope.answered_by(lambda _actor, _now: only),
        visible_customers.answered_by(lambda _scope: Q(id=customer_id)),
    ):
        yield customer_id


def test_every_view_adds_up_to_what_the_store_holds(valued: History) -> None:
    summary = worth.value_summary(ANALYST, NOW)
    held = LatestValuation.objects.aggregate(
        value=Sum("value_minor"), margin=Sum("quarter_margin_minor")
    )
    assert summary.value_minor == held["value"]
    assert summary.margin_minor == held["margin"]
    assert summary.customers == LatestValuation.objects.count()
    for parts in (summary.tiers, summary.objectives, summary.needs, summary.cohorts):
        assert sum(part.customers for part in parts) == summary.customers
        assert sum(part.value_minor for part in parts) == summary.value_minor
        assert sum(part.margin_minor for part in parts) == summary.margin_minor
    bins = worth.distribution(ANALYST, NOW)
    assert sum(each.customers for each in bins) == summary.customers
    assert sum(each.value_minor for each in bins) == summary.value_minor
    assert summary.value_low_minor < summary.value_minor < summary.value_high_minor


def test_a_bin_leads_to_the_customers_in_it(valued: History) -> None:
    for each in worth.distribution(ANALYST, NOW):
        chosen = Chosen(from_minor=each.low_minor, below_minor=each.high_minor)
        assert worth_list.worth_page(ANALYST, NOW, chosen=chosen).total == each.customers
    edges = {each.low_minor for each in worth.distribution(ANALYST, NOW)}
    assert 0 in edges or None in edges


def test_the_change_is_against_the_same_customers(valued: History) -> None:
    now = worth.value_summary(ANALYST, NOW)
    then = worth.value_summary(ANALYST, NOW, as_of=BEFORE)
    assert (now.before_as_of, now.before_minor) == (BEFORE, then.value_minor)
    assert now.new_customers == now.customers - then.customers
    assert then.before_as_of is None
    assert then.before_minor is None


def test_the_whale_curve_is_that_of_the_store(valued: History) -> None:
    curve = worth.whale_curve_of(customer_base.customer_base(ANALYST, NOW))
    earned = LatestValuation.objects.order_by("-quarter_margin_minor")
    stored = dict(enumerate(accumulate(earned.values_list("quarter_margin_minor", flat=True)), 1))
    assert curve.points[0].margin_minor == 0
    assert {
        each.customers: each.margin_minor for each in curve.points[1:]
    }.items() <= stored.items()
    assert curve.peak_minor == max(stored.values())
    assert curve.peak_minor + curve.losing_minor == curve.margin_minor
    assert curve.best_minor == stored[curve.best_customers]


@pytest.mark.parametrize("sort", worth_list.SORTS)
def test_pages_list_everybody_once_in_order(valued: History, sort: worth_list.Sort) -> None:
    listed: list[worth_list.WorthRow] = []
    after: str | None = ""
    while after is not None:
        page = worth_list.worth_page(ANALYST, NOW, sort=sort, after=after, limit=37)
        listed += page.rows
        after = page.next
    assert len({row.customer_id for row in listed}) == len(listed) == page.total
    keys = {
        "value": [-row.value_minor for row in listed],
        "gain": [-(row.change_minor or 0) for row in listed],
        "loss": [row.change_minor or 0 for row in listed],
        "margin": [-row.margin_minor for row in listed],
        "risk": [-row.at_risk_minor for row in listed],
        "room": [row.value_minor - (row.potential_minor or 0) for row in listed],
    }[sort]
    assert keys == sorted(keys)
    if sort in ("gain", "loss"):
        assert all((row.change_minor or 0) * (1 if sort == "gain" else -1) > 0 for row in listed)


def test_a_manager_is_told_of_their_own_customers_only(mine: str) -> None:
    page = worth_list.worth_page(MANAGER, NOW)
    summary = worth.value_summary(MANAGER, NOW)
    assert [row.customer_id for row in page.rows] == [mine]
    assert summary.customers == 1
    assert summary.value_minor == LatestValuation.objects.get(customer_id=mine).value_minor
    assert worth.value_summary(MANAGER, NOW, chosen=Chosen(portfolio_id="prt_mine")) == summary
    for portfolio in ("prt_theirs", "prt_absent"):
        with pytest.raises(NotFound, match=portfolio):
            worth.value_summary(MANAGER, NOW, chosen=Chosen(portfolio_id=portfolio))
    with pytest.raises(NotAllowed):
        worth.value_summary(AGENT, NOW)


def test_a_base_read_without_scope_would_be_noticed(
    mine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_sight, "visible", lambda found, _actor, _now: found)
    assert worth.value_summary(MANAGER, NOW).customers > 1


def test_an_earlier_date_shows_its_own_figures_of_todays_customers(mine: str) -> None:
    then = worth_list.worth_page(MANAGER, NOW, as_of=BEFORE)
    assert [row.customer_id for row in then.rows] == [mine]
    with pytest.raises(NotFound, match="2019-03-31"):
        worth.value_summary(ANALYST, NOW, as_of=date(2019, 3, 31))


def test_who_was_there_from_the_start_is_in_no_quarters_cohort(valued: History) -> None:
    first = valued.customer_ids[0]
    Customer.objects.filter(id=first).update(entry="panel")
    customer_base._read.cache_clear()
    start = Chosen(cohort=customer_base.FROM_THE_START)
    assert [r.customer_id for r in worth_list.worth_page(ANALYST, NOW, chosen=start).rows] == [
        first
    ]


def test_rest_answers_what_the_reads_do(valued: History) -> None:
    client = TestClient(router)
    got = client.get("/value?tier=top", actor=ANALYST, now=NOW).json()
    summary = worth.value_summary(ANALYST, NOW, chosen=Chosen(tier="top"))
    assert got["value_minor"] == summary.value_minor
    assert [each["name"] for each in got["objectives"]] == [e.name for e in summary.objectives]
    listed = client.get("/value/customers?sort=risk&limit=3", actor=ANALYST, now=NOW).json()
    assert listed["rows"] == [
        asdict(row) for row in worth_list.worth_page(ANALYST, NOW, sort="risk", limit=3).rows
    ]
    bins = client.get("/value/distribution", actor=ANALYST, now=NOW).json()
    assert sum(each["customers"] for each in bins) == LatestValuation.objects.count()
    curve = client.get("/value/whale-curve", actor=ANALYST, now=NOW).json()
    assert curve["margin_minor"] == worth.value_summary(ANALYST, NOW).margin_minor


def test_rest_answers_the_five_views(valued: History) -> None:
    client = TestClient(router)

    def got(path: str) -> dict[str, object]:
        answer: dict[str, object] = client.get(
            f"/value/audit/{path}", actor=ANALYST, now=NOW
        ).json()
        return answer

    within = base_audit.within_period(ANALYST, NOW)
    assert got("within-period")["totals"] == asdict(within.totals)
    assert got("between-periods")["second"] == within.quarter
    whole = base_audit.whole_base(ANALYST, NOW)
    assert got("whole-base")["quarters"] == list(whole.quarters)
    compared = base_audit.cohorts_compared(ANALYST, NOW)
    assert len(got("cohorts")["cohorts"]) == len(compared.cohorts)  # type: ignore[arg-type]
    assert got("one-cohort")["currency"] == "USD"


def test_the_file_holds_the_list_and_no_formula(valued: History) -> None:
    worst = worth_list.worth_page(ANALYST, NOW, sort="risk", limit=1).rows[0].customer_id
    Customer.objects.filter(id=worst).update(label="=cmd()")
    rows = list(csv.DictReader(io.StringIO(_file("/value/customers.csv?sort=risk", NOW))))
    page = worth_list.worth_page(ANALYST, NOW, sort="risk", limit=1000)
    assert [row["customer_id"] for row in rows] == [row.customer_id for row in page.rows]
    assert [int(row["value_minor"]) for row in rows] == [row.value_minor for row in page.rows]
    assert rows[0]["label"] == "'=cmd()"


def _file(path: str, now: datetime) -> str:
    request = RequestFactory().get(path)
    request.actor, request.now, request.as_of = ANALYST, now, None  # type: ignore[attr-defined]
    answer = value_csv(request)  # type: ignore[arg-type]
    return b"".join(answer.streaming_content).decode()  # type: ignore[arg-type]
