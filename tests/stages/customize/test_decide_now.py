"""One customer is decided in the moment, with the batch's figures and prices, and held to it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from patronage.access.errors import NotAllowed, NotFound
from patronage.access.roles import SYSTEM
from patronage.customize.actions import DecisionAnswer, decide_now
from patronage.customize.errors import NotDecided, UnknownChannel
from patronage.customize.holdout import held_out
from patronage.customize.jobs import decide
from patronage.customize.models import Contact, Decision, Holdout
from patronage.customize.replay import replay
from patronage.differentiate.actions import record_need

from ..differentiate.history import NOW
from .world import AS_OF, World


@pytest.fixture
def decided(world: World) -> World:
    """Decided once, so that figures and prices are there."""
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    return world


def customers(world: World, *, out: bool) -> list[str]:
    """Those with an offer worth making, who are or are not held out."""
    arm = held_out(Holdout.objects.get(), world.customers)
    mine = {each for each, is_out in zip(world.customers, arm, strict=True) if is_out == out}
    chosen = Decision.objects.exclude(outcome="nothing").filter(customer_id__in=mine)
    return sorted(chosen.values_list("customer_id", flat=True))


def ask(world: World, customer_id: str, **asked: object) -> DecisionAnswer:
    return decide_now(actor=world.service, now=NOW, customer_id=customer_id, **asked)  # type: ignore[arg-type]  # a test's own words


def test_an_offer_is_made_and_counts_as_said(decided: World) -> None:
    customer = customers(decided, out=False)[0]

    answer = ask(decided, customer, channel="app")

    (offer,) = answer.offers
    contact = Contact.objects.get(id=offer.contact_id)
    assert answer.outcome == "offered"
    assert (contact.state, contact.channel, contact.cap_month) == ("sent", "app", "2026-01")
    assert contact.decision_id == answer.id
    assert contact.budget.spent_minor == contact.reserved_minor > 0
    assert {each.channel for each in answer.candidates} == {"app"}
    assert [each.reason for each in answer.candidates].count("chosen") == 1


def test_the_held_out_are_answered_with_nothing_to_say(decided: World) -> None:
    customer = customers(decided, out=True)[0]

    answer = ask(decided, customer)

    assert (answer.outcome, answer.offers) == ("withheld", ())
    assert not Contact.objects.filter(customer_id=customer).exists()


def test_a_need_that_was_said_changes_the_next_decision(decided: World) -> None:
    for customer in customers(decided, out=False):
        before = ask(decided, customer, channel="app")
        if before.offers and before.offers[0].offer_id != decided.offers["APPLES"].id:
            break
    record_need(actor=decided.agent, now=NOW, customer_id=customer, name="fresh", channel="call")

    after = decide_now(
        actor=decided.service, now=NOW + timedelta(minutes=1), customer_id=customer, channel="app"
    )

    reasons = {each.offer_id: each.reason for each in after.candidates}
    assert reasons[before.offers[0].offer_id] == "ineligible"
    assert reasons[decided.offers["APPLES"].id] in ("chosen", "not_worth_it")


def test_after_the_last_place_of_the_month_nothing_is_said(decided: World) -> None:
    customer = customers(decided, out=False)[0]

    outcomes = [ask(decided, customer).outcome for _ in range(4)]

    assert outcomes == ["offered", "offered", "nothing", "nothing"]
    places = Contact.objects.filter(customer_id=customer, cap_month="2026-01")
    assert sorted(places.values_list("cap_place", flat=True)) == [1, 2]


def test_several_placements_hold_different_offers_and_a_place_each(decided: World) -> None:
    for customer in customers(decided, out=False):
        answer = ask(decided, customer, placements=3, limit=3)
        if len(answer.offers) == 2:
            break

    first, second = answer.offers
    assert first.offer_id != second.offer_id
    assert first.score_minor is not None
    assert second.score_minor is not None
    assert first.score_minor >= second.score_minor > 0
    assert len(set(answer.decision_ids)) == 2
    for decision in Decision.objects.filter(id__in=answer.decision_ids):
        assert replay(decision).differences == ()


def test_a_decision_in_the_moment_replays_from_its_row(decided: World) -> None:
    for customer in decided.customers[:15]:
        decision = Decision.objects.get(id=ask(decided, customer).id)
        assert replay(decision).differences == ()


def test_a_tampered_log_does_not_replay(decided: World) -> None:
    decision = Decision.objects.get(id=ask(decided, customers(decided, out=False)[0]).id)
    for candidate in decision.candidates:
        candidate["margin"] *= 2

    assert replay(decision).differences


def test_unknown_and_foreign_customers_look_the_same(decided: World) -> None:
    foreign = Decision.objects.exclude(portfolio=decided.portfolios["Top"]).first()
    assert foreign is not None
    said = []
    for customer in ("cus_nobody", foreign.customer_id):
        with pytest.raises(NotFound) as refusal:
            decide_now(actor=decided.ana, now=NOW, customer_id=customer)
        said.append(str(refusal.value).replace(customer, "…"))
    assert said[0] == said[1]


def test_an_offer_owner_cannot_have_decisions_made(decided: World) -> None:
    with pytest.raises(NotAllowed):
        decide_now(actor=decided.olga, now=NOW, customer_id=decided.customers[0])


@pytest.mark.parametrize(
    "asked",
    [
        {"placements": 0},
        {"limit": 10_000},
        {"limit": True},
        {"context": {"mood": "good"}},
        {"context": {"page": 7}},
        {"context": {"page": ""}},
        {"channel": "app", "context": {"channel": "mail"}},
    ],
)
def test_what_cannot_be_understood_is_refused(decided: World, asked: dict[str, object]) -> None:
    with pytest.raises(NotDecided):
        ask(decided, decided.customers[0], **asked)


def test_an_unknown_channel_is_named_with_the_known_ones(decided: World) -> None:
    with pytest.raises(UnknownChannel, match="mail, email, app"):
        ask(decided, decided.customers[0], channel="pigeon")
