"""Needs are recorded once and closed once; nobody sees what is not in their scope."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from django.db.models import Q

from patronage.access import vault
from patronage.access.errors import NotAllowed, NotFound
from patronage.access.models import AuditEntry
from patronage.access.people import create_user
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.access.scope import Scope, customer_scope, visible_customers
from patronage.differentiate import actions, reads
from patronage.differentiate.errors import NeedClosed, UnknownNeed
from patronage.differentiate.jobs import value
from patronage.differentiate.models import LatestValuation, Need
from patronage.differentiate.reads import worth
from patronage.differentiate.reads.customer_base import customer_base
from patronage.differentiate.valuation.history import need_column
from patronage.differentiate.valuation.segments import observed_needs
from patronage.vocabulary.company import NeedRule

from ..cli.conftest import Verb, verb
from .history import NOW, History

__all__ = ["verb"]

AGENT = Actor(id="usr_agent", name="Agent", roles=frozenset({Role.AGENT}))
ANALYST = Actor(id="usr_analyst", name="Analyst", roles=frozenset({Role.ANALYST}))
OWNER = Actor(id="usr_owner", name="Owner", roles=frozenset({Role.OFFER_OWNER}))
MANAGER = Actor(id="usr_manager", name="Manager", roles=frozenset({Role.MANAGER}))


def record(customer_id: str, name: str = "fresh", note: str = "", now: datetime = NOW) -> Need:
    return actions.record_need(
        actor=AGENT, now=now, customer_id=customer_id, name=name, channel="call", note=note
    )


def test_what_was_said_is_in_the_vault_and_nowhere_else(history: History) -> None:
    customer_id = history.customer_ids[0]
    need = record(customer_id, note="My daughter Ana turns five")

    assert need.has_note
    assert vault.get(customer_id, actions.note_name(need.id)) == "My daughter Ana turns five"
    assert "Ana" not in str(list(Need.objects.values()))
    assert "Ana" not in str(list(AuditEntry.objects.values()))


def test_the_need_said_last_and_still_open_is_the_one_rules_see(history: History) -> None:
    customer_id = history.customer_ids[0]
    record(customer_id, "fresh")
    last = record(customer_id, "home", now=NOW + timedelta(hours=1))
    later = NOW + timedelta(hours=2)

    assert reads.field_values(customer_id, later)["said_need"] == "home"
    actions.close_need(actor=AGENT, now=later, need_id=last.id, status="dropped", reason="moved")
    afterwards = later + timedelta(seconds=1)
    assert reads.field_values(customer_id, afterwards)["said_need"] == "fresh"
    # As it stood before it was closed, it was open.
    assert dict(reads.said_needs(later).iter_rows()) == {customer_id: "home"}
    assert dict(reads.said_needs(afterwards).iter_rows()) == {customer_id: "fresh"}


def test_a_need_is_closed_once(history: History) -> None:
    need = record(history.customer_ids[0])
    actions.close_need(actor=AGENT, now=NOW, need_id=need.id, status="fulfilled", reason="bought")

    with pytest.raises(NeedClosed, match="fulfilled"):
        actions.close_need(actor=AGENT, now=NOW, need_id=need.id, status="dropped", reason="x")


def test_a_need_outside_the_taxonomy_is_refused(history: History) -> None:
    with pytest.raises(UnknownNeed, match="fresh, family, home"):
        record(history.customer_ids[0], "yachts")


def test_who_may_not_record_needs_cannot(history: History) -> None:
    with pytest.raises(NotAllowed):
        actions.record_need(
            actor=OWNER,
            now=NOW,
            customer_id=history.customer_ids[0],
            name="fresh",
            channel="call",
        )
    assert not Need.objects.exists()


def test_a_need_said_after_the_date_is_not_in_its_features(history: History) -> None:
    run = value(actor=SYSTEM, now=NOW, as_of=date(2024, 12, 31))
    customer_id = reads.valuations(run)["customer_id"][0]
    record(customer_id, "home", now=datetime(2024, 12, 31, 12, tzinfo=UTC))
    record(customer_id, "family", now=datetime(2025, 1, 2, tzinfo=UTC))

    said = dict(reads.features(run).select("customer_id", "said_need").iter_rows())

    assert said.pop(customer_id) == "home"
    assert set(said.values()) == {None}


def test_value_over_time_is_one_row_a_date_as_frozen_then(history: History) -> None:
    dates = [date(2024, 9, 30), date(2024, 12, 31)]
    runs = [value(actor=SYSTEM, now=NOW, as_of=as_of) for as_of in dates]
    customer_id = reads.valuations(runs[0])["customer_id"][0]

    past = reads.value_history(ANALYST, customer_id, NOW)

    assert [each.as_of for each in past] == dates
    for run, each in zip(runs, past, strict=True):
        (frozen,) = reads.valuations(run).filter(customer_id=customer_id)["value_minor"]
        assert each.value_minor == frozen


def test_pages_of_valuations_join_into_everybody(history: History) -> None:
    as_of = date(2024, 12, 31)
    run = value(actor=SYSTEM, now=NOW, as_of=as_of)
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        rows, after = reads.valuation_page(ANALYST, NOW, as_of=as_of, after=after, limit=60)
        found += [row.customer_id for row in rows]

    assert found == reads.valuations(run)["customer_id"].to_list()


def test_profit_and_loss_adds_up_and_needs_the_right_to_see_it(history: History) -> None:
    value(actor=SYSTEM, now=NOW, as_of=date(2024, 12, 31))
    best = LatestValuation.objects.order_by("-quarter_revenue_minor")[0].customer_id
    account = reads.profit_and_loss(ANALYST, best, NOW)

    assert account.quarter == "2024-Q4"
    assert account.revenue_minor == account.sales_minor + account.returns_minor
    assert account.gross_margin_minor == account.revenue_minor - account.cost_of_goods_minor
    assert account.margin_minor == account.gross_margin_minor - account.cost_to_serve_minor
    with pytest.raises(NotAllowed):
        reads.profit_and_loss(AGENT, best, NOW)


def test_a_manager_sees_nobody_outside_their_portfolios(history: History) -> None:
    as_of = date(2024, 12, 31)
    run = value(actor=SYSTEM, now=NOW, as_of=as_of)
    mine, theirs = reads.valuations(run)["customer_id"][:2]

    def portfolios(_actor: Actor, _now: datetime) -> Scope:
        return Scope(portfolio_ids=frozenset({"prt_mine"}))

    def condition(_scope: Scope) -> Q:
        return Q(id=mine)

    with customer_scope.answered_by(portfolios), visible_customers.answered_by(condition):
        rows, _ = reads.valuation_page(MANAGER, NOW, as_of=as_of)
        curve = worth.whale_curve_of(customer_base(MANAGER, NOW))
        assert [row.customer_id for row in rows] == [mine]
        assert [each.customers for each in curve.points] == [0, 1]
        assert reads.value_history(MANAGER, mine, NOW)
        for look in (reads.value_history, reads.profit_and_loss, reads.needs_of):
            with pytest.raises(NotFound):
                look(MANAGER, theirs, NOW)
        with pytest.raises(NotFound):
            actions.record_need(
                actor=MANAGER, now=NOW, customer_id=theirs, name="fresh", channel="call"
            )


def test_an_agent_is_told_by_no_face_what_a_customer_is_worth(history: History, verb: Verb) -> None:
    value(actor=SYSTEM, now=NOW, as_of=date(2024, 12, 31))
    customer_id = history.customer_ids[0]
    for name, role in (("gil", Role.AGENT), ("nina", Role.ANALYST)):
        user = create_user(
            actor=SYSTEM, now=NOW, email=f"{name}@example.com", name=name,
            password="a long enough phrase", roles=[role], reason="tests",
        )  # fmt: skip
        may = role is Role.ANALYST
        for asked in (
            ["value", "show", "--customer", customer_id],
            ["objective", "show", customer_id],
        ):
            said = verb("--as", user.email, *asked)
            assert (said.status == 0) is may, said
            assert ("see profitability" in said.err) is not may
    for look in (reads.value_history, reads.objective_of):
        with pytest.raises(NotAllowed):
            look(AGENT, customer_id, NOW)
    (figures,) = reads.figures_over_time(SYSTEM, customer_id, NOW)
    assert figures == reads.value_history(ANALYST, customer_id, NOW)[0]


def test_foreign_and_absent_look_the_same(history: History) -> None:
    with pytest.raises(NotFound, match="There is no customer 'cus_absent'"):
        reads.value_history(ANALYST, "cus_absent", NOW)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0), (0,), ()])
def test_who_spends_on_no_need_shows_none_wherever_they_stand(order: tuple[int, ...]) -> None:
    needs = tuple(NeedRule(name=each, title=each, categories=(each,)) for each in ("tea", "jam"))
    spent = {need_column(0): [0, 5, 1], need_column(1): [0, 0, 7]}
    statistics = pl.DataFrame(spent, schema=dict.fromkeys(spent, pl.Int64))[list(order)]
    expected = [(None, "tea", "jam")[each] for each in order]
    found = observed_needs(statistics, needs)
    assert found.dtype == pl.String
    assert found.to_list() == expected
