"""Whom do the pages of the gate, of offers, customers and read-outs refuse, and how?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from patronage.access.models import User
from patronage.access.roles import SYSTEM
from patronage.customize.jobs import decide
from patronage.customize.models import Decision, DecisionRun, Offer, Ruling
from patronage.differentiate.models import Need
from patronage.govern.models import Standing
from patronage.interact.actions import record_said_need

from ..stages.customize.world import AS_OF, World, build
from ..stages.differentiate.history import NOW

As = Callable[[str], Client]


@pytest.fixture
def world(db: None) -> World:
    """The retailer; nothing is decided yet."""
    return build()


@pytest.fixture
def run(world: World) -> DecisionRun:
    return decide(actor=SYSTEM, now=NOW, as_of=AS_OF)


@pytest.fixture
def logged_in() -> As:
    """A client in which somebody is logged in."""

    def enter(name: str) -> Client:
        client = Client()
        client.force_login(User.objects.get(email=f"{name}@example.com"))
        return client

    return enter


def status(client: Client, address: str, **posted: Any) -> int:
    answer = client.post(address, posted) if posted else client.get(address)
    return answer.status_code


def test_nothing_of_a_foreign_customer_is_shown_or_changed(
    world: World, run: DecisionRun, logged_in: As
) -> None:
    foreign = Decision.objects.filter(run=run, portfolio=world.portfolios["Everybody else"])
    decision = foreign.first()
    assert decision is not None
    said = record_said_need(
        actor=world.agent,
        now=NOW,
        customer_id=decision.customer_id,
        need="fresh",
        channel="call",
    )
    ana, root = logged_in("ana"), f"/customers/{decision.customer_id}"
    assert status(ana, root) == 404
    assert status(ana, f"{root}/timeline") == 404
    assert status(ana, f"{root}/needs", need="fresh", channel="call") == 404
    assert status(ana, f"{root}/needs/{said.need_id}", status="dropped", reason="x") == 404
    assert status(ana, f"/decisions/{decision.id}") == 404
    assert list(Need.objects.values_list("status", flat=True)) == ["open"]
    # the broken twin: whose customer it is gets all of it
    ben = logged_in("ben")
    assert status(ben, root) == 200
    assert status(ben, f"{root}/timeline") == 200
    assert status(ben, f"/decisions/{decision.id}") == 200
    assert status(ben, f"{root}/needs/{said.need_id}", status="dropped", reason="x") == 302


@pytest.mark.parametrize("name", ["agent", "olga", "service"])
def test_only_who_answers_for_a_portfolio_rules_there(
    world: World, run: DecisionRun, logged_in: As, name: str
) -> None:
    offer, top = world.offers["SOAP"], world.portfolios["Top"]
    address = f"/gate/{offer.id}/{top.id}"
    ruling = {"effect": "block", "reason_code": "timing"}
    assert status(logged_in(name), "/gate") == 403
    assert status(logged_in(name), address, **ruling) == 403
    assert status(logged_in("ben"), address, **ruling) == 404
    assert status(logged_in("ben"), f"{address}/preview", face_value="0.10") == 404
    assert not Ruling.objects.filter(by_default=False).exists()
    assert status(logged_in("ana"), address, **ruling) == 302


def test_an_owner_changes_their_own_teams_offers_only(world: World, logged_in: As) -> None:
    foreign, own = world.offers["SOAP"], world.offers["APPLES"]
    olga = logged_in("olga")
    assert status(olga, f"/offers/{foreign.id}") == 404
    assert status(olga, f"/offers/{foreign.id}/withdrawal", reason="mine now") == 404
    assert status(olga, f"/offers/{own.id}/withdrawal", reason="") == 422
    assert not Offer.objects.filter(valid_until__isnull=False).exists()
    assert status(olga, f"/offers/{own.id}/withdrawal", reason="season is over") == 302
    assert status(logged_in("agent"), "/offers") == 403
    assert status(logged_in("agent"), "/offers/new") == 403
    assert status(logged_in("ana"), "/offers/condition", eligibility="true") == 403


_ALL = {"channels": ["app", "email", "mail"]}


@pytest.mark.parametrize(
    "posted",
    [
        {"effect": "burn", "reason_code": "timing"},
        {"effect": "block", "reason_code": "because"},
        {"effect": "block", "reason_code": ""},
        {"effect": "block", "reason_code": "other"},
        {"effect": "adapt", "reason_code": "price", **_ALL},
        {"effect": "adapt", "reason_code": "price", "face_value": "1.005", **_ALL},
        {"effect": "adapt", "reason_code": "price", "face_value": "-1", **_ALL},
        {"effect": "adapt", "reason_code": "channel", "channels": ["pigeon"]},
        {"effect": "adapt", "reason_code": "channel", "channels": []},
        {"effect": "adapt", "reason_code": "timing", "not_before": "soon", **_ALL},
        {"effect": "adapt", "reason_code": "wording", "wording": "x" * 301, **_ALL},
    ],
)
def test_a_ruling_that_cannot_be_used_is_refused_and_nothing_is_kept(
    world: World, logged_in: As, posted: dict[str, Any]
) -> None:
    address = f"/gate/{world.offers['SOAP'].id}/{world.portfolios['Top'].id}"
    assert status(logged_in("ana"), address, **posted) == 422
    assert not Ruling.objects.filter(by_default=False).exists()


def test_odd_addresses_are_answered_in_words(world: World, logged_in: As) -> None:
    standing = Standing.objects.filter(portfolio=world.portfolios["Top"]).first()
    assert standing is not None
    ana, root = logged_in("ana"), f"/customers/{standing.customer_id}"
    assert status(ana, f"{root}/timeline?before=yesterday") == 422
    assert status(ana, "/gate?after=-1&sort=nothing&state=odd") == 200
    assert status(ana, f"{root}?as_of=2031-01-01") == 200
    assert status(ana, f"{root}/needs", need="gold", channel="call") == 422
    assert status(ana, f"{root}/needs", need="fresh", channel="telepathy") == 422
    assert status(ana, f"{root}/needs", need="fresh", channel="call", note="x" * 2001) == 422
    assert status(ana, "/read-outs/rdo_none") == 404
    assert status(ana, "/read-outs?before=once") == 422
    assert status(ana, "/read-outs?before=2025-01-01") == 200
    assert status(ana, "/decisions/dec_none") == 404
    assert not Need.objects.exists()


def test_an_offer_open_to_the_end_of_time_is_refused_in_words(world: World, logged_in: As) -> None:
    answer = logged_in("olga").post(
        "/offers/new",
        {
            "name": "Save on pears",
            "ref": "pears",
            "team": "Fresh",
            "category": "PEARS",
            "department": "PRODUCE",
            "face_value": "1.00",
            "redemption_cost": "0.20",
            "valid_from": "2025-01-01",
            "valid_until": "9999-12-31",
            "wording_app": "Pears",
        },
    )
    assert answer.status_code == 422
    assert not Offer.objects.filter(ref="pears").exists()


def test_a_list_of_offers_costs_the_same_queries_however_many_there_are(
    world: World, run: DecisionRun, logged_in: As
) -> None:
    client, counts = logged_in("olga"), []
    assert status(client, "/offers") == 200  # the first look at a run counts its reasons, once
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            assert status(client, "/offers") == 200
        counts.append(len(queries))
        content = {name: getattr(world.offers["APPLES"], name) for name in _COPIED}
        for place in range(5):
            Offer.objects.create(**content, ref=f"more-{place}-{len(counts)}")
    assert counts[0] == counts[1]


_COPIED = (
    "team",
    "name",
    "category",
    "department",
    "face_value_minor",
    "redemption_cost_minor",
    "currency",
    "valid_from",
    "proposed_by",
    "proposed_at",
)
