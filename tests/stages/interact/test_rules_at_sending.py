"""A rule published after the decision still stops what has not gone out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from patronage.access.roles import SYSTEM, Actor, Role
from patronage.customize.models import Contact
from patronage.govern.actions import (
    NewRule,
    draft_policy,
    make_claim,
    publish_policy,
    rule_on_conflict,
    set_boundary,
)
from patronage.govern.boundaries import NewBoundary
from patronage.govern.models import Membership
from patronage.interact.jobs import deliver

from .world import AT, LONG_AGO, World, rule

pytestmark = pytest.mark.django_db


def publish(world: World, now: datetime, *rules: NewRule) -> None:
    portfolio_id = Membership.objects.values_list("portfolio_id", flat=True)[0]
    made = draft_policy(actor=SYSTEM, now=now, portfolio_id=portfolio_id, rules=rules, note="tests")
    publish_policy(
        actor=SYSTEM, now=now, version_id=made.version.id, reason="tests", valid_from=LONG_AGO
    )


def test_a_rule_published_since_stops_what_it_blocks_and_nothing_else(
    world: World, now: datetime
) -> None:
    publish(world, now, NewRule(name="no mail", effect="block", offers="channel = 'mail'"))
    counts = deliver(actor=SYSTEM, now=now)
    assert list(counts.cancelled) == ["the manager blocked the offer (rules)"]
    assert not Contact.objects.filter(channel="mail", state="sent").exists()
    assert counts.sent == Contact.objects.filter(channel="email").count() > 0


def test_who_is_no_longer_eligible_gets_nothing(world: World, now: datetime) -> None:
    publish(
        world, now, NewRule(name="households", effect="not_eligible", when="entered_on IS NOT NULL")
    )
    counts = deliver(actor=SYSTEM, now=now)
    assert (counts.sent, list(counts.cancelled)) == (
        0,
        ["a rule of the portfolio says the customer is not eligible"],
    )


def test_a_smaller_saving_since_is_other_terms_and_what_is_unknown_stops_nothing(
    world: World, now: datetime
) -> None:
    publish(
        world,
        now,
        NewRule(name="calls", effect="block", when="call_reason = 'complaint'"),
        NewRule(
            name="half",
            effect="adapt",
            offers="channel = 'mail'",
            adaptation={"face_value_percent": 50},
        ),
    )
    counts = deliver(actor=SYSTEM, now=now)
    assert list(counts.cancelled) == ["the manager ruled other terms since"]
    assert counts.sent == Contact.objects.filter(channel="email").count()


def test_a_second_look_without_rules_would_be_noticed(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin."""
    publish(world, now, NewRule(name="no mail", effect="block", offers="channel = 'mail'"))
    monkeypatch.setattr("patronage.interact.second_look.words_on", lambda *_: {})
    deliver(actor=SYSTEM, now=now)
    assert Contact.objects.filter(channel="mail", state="sent").exists()


def forbid(now: datetime, category: str = "") -> None:
    new = NewBoundary(name="Recall", kind="availability", source="law", category=category)
    set_boundary(actor=SYSTEM, now=now, new=new, reason="tests")


def test_a_boundary_set_since_stops_what_it_forbids(world: World, now: datetime) -> None:
    forbid(now)
    counts = deliver(actor=SYSTEM, now=now)
    assert (counts.sent, list(counts.cancelled)) == (0, ["the enterprise forbids it: Recall"])


def test_a_boundary_about_others_stops_nothing(world: World, now: datetime) -> None:
    forbid(now, category="NOTHING THAT IS OFFERED")
    forbid_others = NewBoundary(
        name="Others", kind="protected", source="law", when="entered_on IS NULL"
    )
    set_boundary(actor=SYSTEM, now=now, new=forbid_others, reason="tests")
    counts = deliver(actor=SYSTEM, now=now)
    assert counts.sent > 0
    assert not counts.cancelled


def test_a_second_look_without_boundaries_would_be_noticed(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin."""
    forbid(now)
    monkeypatch.setattr("patronage.interact.second_look.forbidden_on", lambda *_: {})
    assert deliver(actor=SYSTEM, now=now).sent > 0


@pytest.mark.parametrize(("kept", "goes_out"), [(["Card", "Wrap"], True), (["Card"], False)])
def test_a_message_that_names_an_option_struck_since_does_not_go_out(
    world: World, now: datetime, kept: list[str], goes_out: bool
) -> None:
    options: list[dict[str, Any]] = [
        {"name": name, "price_minor": 100, "needs": [], "excludes": []} for name in ("Card", "Wrap")
    ]
    world.offer.options = options
    world.offer.save()
    for contact in Contact.objects.all():
        contact.terms |= {"options": options}
        contact.save()
    rule(world.offer, world.portfolio, "adapt", AT, {"options": kept})
    counts = deliver(actor=SYSTEM, now=now)
    assert (counts.sent > 0) is goes_out
    assert list(counts.cancelled) == ([] if goes_out else ["the manager ruled other terms since"])


def leave_in_peace(world: World, customer_id: str, now: datetime) -> None:
    asked: dict[str, Any] = {"actor": SYSTEM, "now": now, "customer_id": customer_id}
    make_claim(kind="contact", grounds="launch", offer_id=world.offer.id, **asked)
    complaint = make_claim(kind="quiet", grounds="complaint", **asked)
    rule_on_conflict(
        actor=Actor(id="usr_eva", name="Eva", roles=frozenset({Role.EXECUTIVE})),
        now=now,
        conflict_id=complaint.conflict_id or "",
        claim_id=complaint.id,
        reason_code="customer_wish",
    )


def test_a_ruling_since_that_leaves_a_customer_in_peace_stops_their_contact(
    world: World, now: datetime
) -> None:
    customer_id = world.customer_ids[0]
    leave_in_peace(world, customer_id, now)
    deliver(actor=SYSTEM, now=now)
    (contact,) = Contact.objects.filter(customer=customer_id)
    assert contact.state == "cancelled"
    assert Contact.objects.filter(state="sent").exists()


def test_a_second_look_without_peace_would_be_noticed(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin."""
    customer_id = world.customer_ids[0]
    leave_in_peace(world, customer_id, now)
    monkeypatch.setattr("patronage.customize.sending.peace_at", lambda _at: {})
    deliver(actor=SYSTEM, now=now)
    assert Contact.objects.get(customer=customer_id).state == "sent"
