"""An offer that a manager did not allow reaches no customer by any door. Each door is tried."""

from __future__ import annotations

import ast
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

import patronage
from patronage.access.keys import create_key
from patronage.access.roles import SYSTEM, Role
from patronage.customize import reads, serving
from patronage.customize.actions import (
    decide_now,
    fall_to_default,
    propose_offers,
    resubmit_offer,
    rule,
)
from patronage.customize.errors import OfferRefused
from patronage.customize.jobs import decide
from patronage.customize.models import Contact, Decision, Offer, Ruling
from patronage.customize.scoped import in_test
from patronage.govern.models import Standing
from patronage.interact.jobs import deliver

from ..stages.customize.world import AS_OF, BEGINNING, END, World, build, proposal
from ..stages.differentiate.history import NOW

pytestmark = pytest.mark.django_db

SOON = NOW + timedelta(minutes=5)


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    settings.OUTBOX_ROOT = tmp_path / "outbox"
    return build()


def say(world: World, effect: str = "block", **changes: Any) -> Ruling:
    """Ana's word on apples in her portfolio."""
    asked: dict[str, Any] = {
        "actor": world.ana,
        "now": NOW,
        "offer_id": world.offers["APPLES"].id,
        "portfolio_id": world.portfolios["Top"].id,
        "effect": effect,
        "reason_code": "fits" if effect == "allow" else "quality",
        "valid_from": BEGINNING,
    }
    return rule(**(asked | changes))


def members(world: World) -> list[str]:
    rows = Standing.objects.filter(portfolio=world.portfolios["Top"])
    return sorted(rows.values_list("customer_id", flat=True))


def reached(world: World, *offers: Offer) -> int:
    """Ana's customers to whom apples are on their way, or were said."""
    wanted = [each.id for each in offers or (world.offers["APPLES"],)]
    live = Contact.objects.filter(treatment__offer__in=wanted, customer__in=members(world))
    return live.exclude(state="cancelled").count()


def ask_everybody(world: World, now: datetime = SOON) -> None:
    for who in members(world):
        decide_now(actor=world.service, now=now, customer_id=who)


# ------------------------------------------------------------------------------ at night, and now


def by_night(world: World) -> int:
    decide(actor=SYSTEM, now=SOON, as_of=AS_OF)
    return reached(world)


def by_rest(world: World) -> int:
    """Ask over HTTP, with every channel and context that a caller may try."""
    # what each customer's answer is worth, without places taken
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    Contact.objects.all().delete()
    _, key = create_key(actor=SYSTEM, now=NOW, label="till", role=Role.SERVICE)
    client = Client(headers={"authorization": f"Bearer {key}"})
    for who in members(world):
        body = {"customer": who, "placements": 4, "limit": 4, "context": {"channel": "app"}}
        answer = client.post("/api/v1/decisions", body, content_type="application/json")
        assert answer.status_code == 200, answer.content
    return reached(world)


@pytest.mark.parametrize("door", [by_night, by_rest])
def test_neither_the_night_nor_a_request_lets_it_through(world: World, door: Any) -> None:
    say(world)
    assert door(world) == 0


@pytest.mark.parametrize("door", [by_night, by_rest])
def test_a_gate_that_permits_everything_would_be_noticed(
    world: World, door: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin."""
    say(world)
    monkeypatch.setattr("patronage.customize.policy.permits", lambda *_: True)
    assert door(world) > 0


# --------------------------------------------------------------------------------- in the outbox


@pytest.fixture
def queued(world: World) -> World:
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    assert reached(world) > 0
    return world


def sent(world: World) -> int:
    """Hand over what is due, in the month in which places were taken."""
    deliver(actor=SYSTEM, now=SOON, at=END + timedelta(hours=1))
    got = Contact.objects.filter(treatment__offer=world.offers["APPLES"], state="sent")
    return got.filter(customer__in=members(world)).count()


def test_what_nobody_ruled_on_is_sent(queued: World) -> None:
    assert sent(queued) > 0


@pytest.mark.parametrize(
    "scope", [{}, {"when": "orders_90d >= 0 OR orders_90d IS NULL"}, {"test_share": 0.05}]
)
def test_a_contact_that_waits_is_stopped_by_a_ruling_made_since(
    queued: World, scope: dict[str, Any]
) -> None:
    ruling = say(queued, **scope)
    before = Contact.objects.filter(treatment__offer=queued.offers["APPLES"], state="queued")
    waiting = set(before.filter(customer__in=members(queued)).values_list("customer", flat=True))
    tested = int(in_test(ruling, sorted(waiting)).sum()) if ruling.test_share else 0
    assert sent(queued) == tested
    assert len(waiting) > tested


def test_a_contact_to_one_customer_is_stopped_by_a_ruling_on_them(queued: World) -> None:
    mine = Contact.objects.filter(treatment__offer=queued.offers["APPLES"])
    who = mine.filter(customer__in=members(queued)).order_by("id")[0].customer_id
    say(queued, customer_id=who)
    assert sent(queued) > 0
    (contact,) = Contact.objects.filter(customer_id=who, treatment__offer=queued.offers["APPLES"])
    assert (contact.state, contact.state_reason) == (
        "cancelled",
        "the manager blocked the offer (quality)",
    )


def test_a_second_look_that_looks_at_portfolios_only_would_be_noticed(
    queued: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin."""
    say(queued, when="orders_90d >= 0 OR orders_90d IS NULL")
    monkeypatch.setattr("patronage.interact.second_look.words_on", lambda *_: {})
    assert sent(queued) > 0


def test_when_a_permission_ends_what_still_waits_is_stopped(world: World) -> None:
    say(world)
    say(world, "allow", when="true", valid_until=SOON + timedelta(days=1))
    decide(actor=SYSTEM, now=SOON, as_of=AS_OF)
    waiting = Contact.objects.filter(
        treatment__offer=world.offers["APPLES"], customer__in=members(world)
    )
    assert waiting.filter(state="queued").exists()
    deliver(actor=SYSTEM, now=SOON + timedelta(days=2))
    assert set(waiting.values_list("state", "state_reason")) == {
        ("cancelled", "the manager blocked the offer (quality)")
    }


# ---------------------------------------------------------------------------------- by its owner


def again(world: World, **changes: Any) -> Offer:
    row = proposal("APPLES", ref="apples again", **({"face_value_minor": 99} | changes))
    return resubmit_offer(actor=world.olga, now=NOW, offer_id=world.offers["APPLES"].id, row=row)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"when": "orders_90d >= 0 OR orders_90d IS NULL"},
        {"effect": "adapt", "adaptation": {"channels": ["mail"]}},
    ],
)
def test_resubmitted_it_waits_for_a_word_and_no_default_lets_it_through(
    world: World, said: dict[str, Any]
) -> None:
    say(world, **said)
    new = again(world)
    decide(actor=SYSTEM, now=SOON, as_of=AS_OF)
    ask_everybody(world)
    assert reached(world, new) == 0
    late = NOW + timedelta(days=20)
    assert fall_to_default(actor=SYSTEM, now=late) > 0
    ask_everybody(world, late)
    assert reached(world, new) == 0
    third = resubmit_offer(
        actor=world.olga,
        now=late,
        offer_id=new.id,
        row=proposal("APPLES", ref="apples once more", face_value_minor=98),
    )
    ask_everybody(world, late)
    assert reached(world, third) == 0


def test_a_resubmission_that_forgets_the_word_before_would_be_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin."""
    say(world)
    monkeypatch.setattr("patronage.customize.actions.offers.held_back", lambda *_: set())
    new = again(world)
    decide(actor=SYSTEM, now=SOON, as_of=AS_OF)
    assert reached(world, new) > 0


def test_the_owner_cannot_pass_the_gate_over_the_interface(world: World) -> None:
    say(world)
    apples, top = world.offers["APPLES"].id, world.portfolios["Top"].id
    _, key = create_key(actor=SYSTEM, now=NOW, label="olga", role=Role.OFFER_OWNER)
    client = Client(headers={"authorization": f"Bearer {key}"})

    def post(path: str, **body: Any) -> int:
        answer = client.post(f"/api/v1/{path}", body, content_type="application/json")
        return answer.status_code

    ruled = {"offer_id": apples, "portfolio_id": top, "effect": "allow"}
    assert post("rulings", **ruled) == 403
    assert post(f"rulings/{Ruling.objects.get(by_default=False).id}/end", reason="mine") == 403
    assert post("decisions", customer=members(world)[0]) == 403
    assert post("decision-runs", as_of=AS_OF.isoformat()) == 403
    assert post("deliveries") == 403
    with pytest.raises(OfferRefused, match="other content"):
        propose_offers(actor=world.olga, now=SOON, rows=[proposal("APPLES", face_value_minor=50)])
    assert reached(world) == 0


def test_the_owners_counts_are_those_of_the_decision_log(world: World) -> None:
    say(world, when="orders_90d >= 4", test_share=0.05)
    decide(actor=SYSTEM, now=SOON, as_of=AS_OF)
    (mine,) = reads.my_offers(world.olga, SOON)
    for place in mine.portfolios:
        here = Decision.objects.filter(portfolio_id=place.portfolio_id, treatment__offer=mine.offer)
        counts = {each.reason: each.customers for each in place.reasons}
        assert place.offered == here.filter(outcome="offered").count() == counts.get("chosen", 0)
        assert place.withheld == here.filter(outcome="withheld").count()
        members_here = Decision.objects.filter(portfolio_id=place.portfolio_id)
        assert sum(counts.values()) == members_here.count()


# ------------------------------------------------------------------------- in another process


def test_a_policy_kept_by_another_process_is_not_used_after_a_ruling(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What each process keeps in memory, taken in turn: the other one ruled meanwhile."""
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    Contact.objects.all().delete()
    theirs: dict[str, Any] = {}
    monkeypatch.setattr(serving, "_KEPT", theirs)
    serving.serve(NOW)
    monkeypatch.setattr(serving, "_KEPT", {})
    say(world, now=NOW)
    monkeypatch.setattr(serving, "_KEPT", theirs)
    ask_everybody(world)
    assert reached(world) == 0


def test_a_process_that_does_not_look_again_would_be_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin."""
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    Contact.objects.all().delete()
    kept = serving.serve(NOW).epoch
    monkeypatch.setattr(serving, "_epoch", lambda: kept)
    say(world)
    ask_everybody(world)
    assert reached(world) > 0


# ------------------------------------------------------------------------------ and no other door


def writers_of_contacts() -> set[str]:
    """The modules in which rows of the outbox are made."""
    root = Path(next(iter(patronage.__path__)))
    found = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _makes_contacts(node):
                found.add(path.relative_to(root).as_posix())
    return found


def _makes_contacts(call: ast.Call) -> bool:
    text = ast.unparse(call.func)
    made = {"Contact", "Contact.objects.create", "Contact.objects.bulk_create"}
    first = ast.unparse(call.args[0]) if call.args else ""
    return text in made or (text.endswith("insert") and first == "Contact")


def test_one_place_alone_writes_contacts_so_that_no_import_and_no_test_send_does() -> None:
    assert writers_of_contacts() == {"customize/recording.py"}
