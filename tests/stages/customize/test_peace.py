"""A ruling that leaves a customer in peace keeps the offer away, at night and in the moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from patronage.access.errors import NotFound
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.customize.actions import decide_now
from patronage.customize.models import Decision
from patronage.customize.replay import replay
from patronage.govern.actions import make_claim, rule_on_conflict
from patronage.govern.peace import peace_at
from patronage.govern.reads import claimable_offers

from ..differentiate.history import NOW
from .test_rules import decided
from .test_speeds import disagreements
from .world import BEGINNING, World

EVA = Actor(id="usr_eva", name="Eva", roles=frozenset({Role.EXECUTIVE}))
DAY = timedelta(days=1)


def ruled(
    customer_id: str, offer_id: str, *, at: datetime = BEGINNING, quiet: bool = True, **more: Any
) -> None:
    """A launch against a complaint, and the word on it."""
    asked: dict[str, Any] = {"actor": SYSTEM, "now": at, "customer_id": customer_id}
    launch = make_claim(kind="contact", grounds="launch", offer_id=offer_id, **asked)
    complaint = make_claim(kind="quiet", grounds="complaint", **asked)
    assert complaint.conflict is not None
    rule_on_conflict(
        actor=EVA,
        now=at,
        conflict_id=complaint.conflict.id,
        claim_id=complaint.id if quiet else launch.id,
        reason_code="customer_wish" if quiet else "other",
        reason="said so",
        **more,
    )


def offered(decisions: list[Decision]) -> dict[str, str]:
    """Customer → the offer chosen for them."""
    return {
        each.customer_id: each.treatment.offer_id
        for each in decisions
        if each.treatment is not None
    }


def test_the_offer_reaches_that_customer_by_no_door_and_others_as_before(world: World) -> None:
    before = offered(decided(world))
    customer_id, offer_id = next(iter(sorted(before.items())))
    ruled(customer_id, offer_id)
    after = decided(world, fill_up=True)
    assert offered(after).get(customer_id) != offer_id
    others = {key: value for key, value in offered(after).items() if key != customer_id}
    assert others == {key: value for key, value in before.items() if key != customer_id}
    assert disagreements(after) == 0
    assert all(replay(each).equal for each in after if each.customer_id == customer_id)
    moment = decide_now(actor=SYSTEM, now=NOW, customer_id=customer_id)
    name = next(each.name for each in world.offers.values() if each.id == offer_id)
    assert {e.reason for e in moment.candidates if e.offer.startswith(name)} == {"boundary"}


def test_a_choice_that_forgets_the_ruling_would_be_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin."""
    customer_id, offer_id = next(iter(sorted(offered(decided(world)).items())))
    ruled(customer_id, offer_id)
    monkeypatch.setattr("patronage.customize.policy.peace_at", lambda _at: {})
    assert offered(decided(world, fill_up=True))[customer_id] == offer_id


def test_peace_lasts_until_its_day_or_the_next_word(world: World) -> None:
    customer_id, offer_id = world.customers[0], world.offers["APPLES"].id
    ruled(customer_id, offer_id, until=BEGINNING + 9 * DAY)
    kept = {customer_id: frozenset({offer_id})}
    assert peace_at(BEGINNING - DAY) == {}
    assert peace_at(BEGINNING) == peace_at(BEGINNING + 8 * DAY) == kept
    assert peace_at(BEGINNING + 9 * DAY) == {}
    ruled(customer_id, offer_id, at=BEGINNING + 20 * DAY)
    assert peace_at(NOW) == kept
    ruled(customer_id, offer_id, at=BEGINNING + 30 * DAY, quiet=False)
    assert peace_at(BEGINNING + 25 * DAY) == kept
    assert peace_at(NOW) == {}


def test_in_the_moment_it_holds_from_its_instant_to_its_last(world: World) -> None:
    customer_id, offer_id = next(iter(sorted(offered(decided(world)).items())))
    name = next(each.name for each in world.offers.values() if each.id == offer_id)
    minute = timedelta(minutes=1)

    def reasons(at: datetime) -> set[str]:
        made = decide_now(actor=SYSTEM, now=at, customer_id=customer_id)
        return {each.reason for each in made.candidates if each.offer.startswith(name)}

    assert "boundary" not in reasons(NOW)
    ruled(customer_id, offer_id, at=NOW + minute, until=NOW + 9 * minute)
    assert reasons(NOW + minute) == reasons(NOW + 8 * minute) == {"boundary"}
    assert "boundary" not in reasons(NOW + 9 * minute)


def test_a_launch_is_claimed_for_an_offer_that_one_sees(world: World) -> None:
    customer_id = world.customers[0]
    asked: dict[str, Any] = {"now": NOW, "customer_id": customer_id, "kind": "contact"}
    with pytest.raises(NotFound, match="no offer"):
        make_claim(actor=SYSTEM, grounds="launch", offer_id="ofr_none", **asked)
    with pytest.raises(NotFound, match="no offer"):
        make_claim(actor=world.agent, grounds="launch", offer_id=world.offers["APPLES"].id, **asked)
    assert len(claimable_offers(world.ana, NOW)) == len(world.offers)
    assert claimable_offers(world.agent, NOW) == []
