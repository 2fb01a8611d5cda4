"""Over REST: decisions once a key, rulings by managers, offers by their owners."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from patronage.access.keys import create_key
from patronage.access.models import User
from patronage.access.roles import SYSTEM, Role
from patronage.customize.jobs import decide
from patronage.customize.models import Contact, Decision, Offer, ProductTeam, Ruling

from ..differentiate.history import NOW
from .world import AS_OF, BEGINNING, World


@pytest.fixture
def decided(world: World) -> World:
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    return world


def key_of(role: Role, email: str | None = None) -> str:
    user = None if email is None else User.objects.get(email=email)
    _, raw = create_key(actor=SYSTEM, now=NOW, label="tests", role=role, user=user)
    return raw


def call(
    method: str, path: str, raw: str, body: Any = None, **headers: str
) -> tuple[int, dict[str, Any]]:
    answer = Client().generic(
        method,
        f"/api/v1{path}",
        data="" if body is None else json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {raw}", **headers},
    )
    return answer.status_code, json.loads(answer.content)


def somebody(world: World) -> str:
    offered = Decision.objects.filter(outcome="offered", portfolio=world.portfolios["Top"])
    customer_id: str = offered.order_by("-score_minor").values_list("customer_id", flat=True)[0]
    return customer_id


def test_a_service_asks_and_the_answer_can_be_explained(decided: World) -> None:
    service, analyst = key_of(Role.SERVICE), key_of(Role.ANALYST)

    status, answer = call(
        "POST", "/decisions", service, {"customer": somebody(decided), "channel": "app"}
    )

    assert (status, answer["outcome"]) == (200, "offered")
    (offer,) = answer["offers"]
    assert offer["wording"].startswith("Save on")
    status, explained = call("GET", f"/decisions/{answer['id']}", analyst)
    assert status == 200
    assert explained["replays_equal"] is True
    assert explained["contact_id"] == offer["contact_id"]
    assert explained["candidates"] == answer["candidates"]


def test_an_administrator_makes_a_product_team_and_nobody_else(decided: World) -> None:
    body = {"name": "Wine", "members": [User.objects.get(name__iexact="olga").email]}
    assert call("POST", "/product-teams", key_of(Role.SERVICE), body)[0] == 403
    status, made = call("POST", "/product-teams", key_of(Role.ADMINISTRATOR), body)
    assert (status, made["name"]) == (201, "Wine")
    team = ProductTeam.objects.get(id=made["id"])
    assert [member.name.lower() for member in team.members.all()] == ["olga"]


def test_the_same_key_again_gives_the_same_answer_and_one_contact(decided: World) -> None:
    service, body = key_of(Role.SERVICE), {"customer": somebody(decided)}
    before = Contact.objects.count()

    answers = [
        call("POST", "/decisions", service, body, **{"Idempotency-Key": "one"}) for _ in range(3)
    ]

    assert answers[0] == answers[1] == answers[2]
    assert Contact.objects.count() == before + 1
    status, _ = call(
        "POST", "/decisions", service, body | {"limit": 2}, **{"Idempotency-Key": "one"}
    )
    assert status == 422


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"customer": ""},
        {"customer": "cus_x", "limit": 0},
        {"customer": "cus_x", "limit": "many"},
        {"customer": "cus_x", "placements": 1.5},
        {"customer": "cus_x", "mood": "good"},
        {"customer": "cus_x", "context": {"page": 1}},
        {"customer": "cus_x", "context": []},
        [],
        None,
    ],
)
def test_a_body_that_does_not_fit_is_refused(decided: World, body: Any) -> None:
    status, problem = call("POST", "/decisions", key_of(Role.SERVICE), body)

    assert 400 <= status < 500
    assert problem["title"]


def test_an_unknown_customer_is_not_here(decided: World) -> None:
    status, _ = call("POST", "/decisions", key_of(Role.SERVICE), {"customer": "cus_nobody"})

    assert status == 404


def test_a_manager_previews_and_rules_and_the_owner_reads_why(decided: World) -> None:
    ana = key_of(Role.MANAGER, "ana@example.com")
    olga = key_of(Role.OFFER_OWNER, "olga@example.com")
    ruling = {
        "offer_id": decided.offers["APPLES"].id,
        "portfolio_id": decided.portfolios["Top"].id,
        "effect": "block",
        "reason_code": "quality",
        "reason": "Bruised this month",
    }
    status, preview = call("POST", "/rulings", ana, ruling | {"preview": True})
    assert (status, Ruling.objects.filter(by_default=False).count()) == (200, 0)

    status, made = call("POST", "/rulings", ana, ruling)

    assert status == 201
    assert made["forgone_minor"] == preview["forgone_minor"] > 0
    status, listed = call("GET", "/offers", olga)
    (mine,) = listed["offers"]
    (top,) = [each for each in mine["portfolios"] if each["portfolio"] == "Top"]
    assert (top["ruling"]["effect"], top["ruling"]["reason"]) == ("block", "Bruised this month")
    status, gate = call("GET", "/gate?state=ruled", ana)
    assert [row["effect"] for row in gate["gate"]] == ["block"]


def test_an_owner_cannot_get_round_the_gate(decided: World) -> None:
    olga = key_of(Role.OFFER_OWNER, "olga@example.com")
    offer = decided.offers["APPLES"]
    ruling = {
        "offer_id": offer.id,
        "portfolio_id": decided.portfolios["Top"].id,
        "effect": "allow",
    }
    before = Contact.objects.count()

    assert call("POST", "/rulings", olga, ruling)[0] == 403
    assert call("POST", "/decisions", olga, {"customer": somebody(decided)})[0] == 403
    assert call("POST", "/decision-runs", olga, {"as_of": AS_OF.isoformat()})[0] == 403

    assert Contact.objects.count() == before
    assert not Ruling.objects.filter(by_default=False).exists()


def test_an_owner_proposes_over_rest(decided: World) -> None:
    olga = key_of(Role.OFFER_OWNER, "olga@example.com")
    offer = {
        "ref": "pears",
        "team": "Fresh",
        "name": "Save on pears",
        "category": "APPLES",
        "department": "PRODUCE",
        "face_value_minor": 50,
        "redemption_cost_minor": 5,
        "valid_from": (NOW - timedelta(days=1)).isoformat(),
        "eligibility": "tier = 'top'",
        "treatments": [{"channel": "app", "wording": "Pears for less"}],
    }

    status, made = call("POST", "/offers", olga, [offer])

    assert status == 201
    assert made["offers"][0]["eligibility"] == "tier = 'top'"
    status, problem = call("POST", "/offers", olga, [offer | {"eligibility": "1 +", "ref": "bad"}])
    assert status == 422
    assert "bad" in problem["detail"]


def test_a_service_reads_the_options_of_an_offer_and_prices_those_taken(world: World) -> None:
    card, wrap = (
        {"name": "Card", "price_minor": 100},
        {"name": "Wrap", "price_minor": 250, "needs": ["Card"]},
    )
    owner = key_of(Role.OFFER_OWNER, User.objects.get(name__iexact="olga").email)
    before = list(Offer.objects.values_list("id", flat=True))
    offer = {
        "ref": "apples with options",
        "team": "Fresh",
        "name": "Save on apples",
        "category": "APPLES",
        "department": "PRODUCE",
        "face_value_minor": 100,
        "redemption_cost_minor": 0,
        "valid_from": BEGINNING.isoformat(),
        "treatments": [{"channel": "app", "wording": "Apples"}],
    }
    assert call("POST", "/offers", owner, [offer | {"options": [wrap]}])[0] == 422
    status, made = call("POST", "/offers", owner, [offer | {"options": [card, wrap]}])
    assert (status, [each["name"] for each in made["offers"][0]["options"]]) == (
        201,
        ["Card", "Wrap"],
    )
    Offer.objects.filter(id__in=before).update(valid_until=NOW)
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    ours = Contact.objects.filter(treatment__offer__ref="apples with options")
    who = ours.order_by("-decision__score_minor")[0].customer_id
    Contact.objects.all().delete()
    service = key_of(Role.SERVICE)
    status, answer = call("POST", "/decisions", service, {"customer": who, "channel": "app"})
    (offered,) = answer["offers"]
    assert [each["name"] for each in offered["options"]] == ["Card", "Wrap"]
    path = f"/decisions/{answer['id']}/option-choices"
    status, priced = call("POST", path, service, {"options": ["Wrap", "Card"]})
    assert (status, priced["price_minor"], priced["currency"]) == (200, 350, "USD")
    status, refused = call("POST", path, service, {"options": ["Wrap"]})
    assert (status, "needs 'Card'" in refused["detail"]) == (422, True)
