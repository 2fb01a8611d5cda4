"""What is due goes out once; what no longer holds does not; money and places follow."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from django.db import IntegrityError
from pytest_django import Settings

from patronage.access.company import load_company
from patronage.access.errors import NotAllowed
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.access.transactions import atomic
from patronage.customize.models import Budget, Contact, Decision, Holdout, Offer
from patronage.govern.models import Membership, Portfolio
from patronage.identify.actions import record_consent
from patronage.identify.models import Customer, Identifier
from patronage.interact.errors import BudgetOutOfStep, DeliveryInFuture
from patronage.interact.jobs import DeliveryCounts, deliver
from patronage.interact.models import Attempt

from .world import AT, CHANNELS, COMPANY, LONG_AGO, RESERVED, World, add_contacts, consent, rule

pytestmark = pytest.mark.django_db


def lines(settings: Settings) -> list[dict[str, Any]]:
    """Every line that any channel was given, in order."""
    files = sorted(Path(settings.OUTBOX_ROOT).glob("*/*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def run(now: datetime, **options: Any) -> DeliveryCounts:
    return deliver(actor=SYSTEM, now=now, **options)


def test_every_contact_due_goes_out_as_one_line_of_its_channel(
    world: World, now: datetime, settings: Settings
) -> None:
    counts = run(now)
    assert (counts.sent, counts.cancelled, counts.postponed, counts.in_doubt) == (20, {}, 0, 0)
    sent = lines(settings)
    assert sorted(line["contact"] for line in sent) == sorted(
        Contact.objects.values_list("id", flat=True)
    )
    files = sorted(Path(settings.OUTBOX_ROOT).glob("*/*.jsonl"))
    assert [f"{file.parent.name}/{file.name}" for file in files] == [
        "email/2026-01-15.jsonl",
        "mail/2026-01-15.jsonl",
    ]
    first = sent[0]
    assert first["customer"] in world.customer_ids
    assert first["identifiers"] == [{"kind": "household_id", "value": first["customer"][-8:]}]
    assert first["terms"] == {"face_value_minor": 100, "wording": "Try apples"}
    assert (first["channel"], first["offer"]) == ("email", "Half off apples")
    assert first["due_at"] == "2026-01-01T05:00:00+00:00"


def test_a_second_run_sends_nothing(world: World, now: datetime, settings: Settings) -> None:
    run(now)
    assert run(now + timedelta(hours=1)).sent == 0
    assert len(lines(settings)) == 20
    assert Attempt.objects.filter(outcome="sent").count() == 20
    assert AuditEntry.objects.filter(action="deliver contacts").count() == 1


def test_what_was_reserved_is_spent_once_sent(world: World, now: datetime) -> None:
    run(now)
    budget = Budget.objects.get(pk=world.budget.pk)
    assert (budget.reserved_minor, budget.spent_minor) == (0, 20 * RESERVED)


def test_contacts_go_out_in_lots_and_each_once(
    world: World, now: datetime, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patronage.interact.leases.AT_ONCE", 3)
    steps: list[float] = []
    assert run(now, progress=lambda share, step: steps.append(share)).sent == 20
    assert len({line["contact"] for line in lines(settings)}) == len(lines(settings)) == 20
    assert steps == sorted(steps)
    assert steps[-1] == 1.0


def test_what_is_not_due_yet_waits(world: World, now: datetime) -> None:
    Contact.objects.filter(channel="mail").update(due_at=now + timedelta(seconds=1))
    assert run(now).sent == 10
    assert Contact.objects.filter(state="queued").count() == 10


def test_personal_identifiers_never_reach_a_file(
    world: World, now: datetime, settings: Settings
) -> None:
    Identifier.objects.update(personal=True)
    run(now)
    assert all(line["identifiers"] == [] for line in lines(settings))


Change = Callable[[World, str, datetime], object]


def withdrawn(world: World, customer_id: str, now: datetime) -> None:
    for channel in CHANNELS:
        consent(customer_id, channel, "withdrawn", now - timedelta(days=1)).save()


def never_agreed(world: World, customer_id: str, now: datetime) -> None:
    Contact.objects.filter(customer=customer_id).update(channel="phone")


def blocked(world: World, customer_id: str, now: datetime) -> None:
    """The customer moved to a manager who blocks the offer."""
    _move(world, customer_id, now, effect="block")


def unruled(world: World, customer_id: str, now: datetime) -> None:
    _move(world, customer_id, now, effect="")


def other_channel(world: World, customer_id: str, now: datetime) -> None:
    channel = Contact.objects.get(customer=customer_id).channel
    others = [each for each in CHANNELS if each != channel]
    _move(world, customer_id, now, effect="adapt", adaptation={"channels": others})


def other_price(world: World, customer_id: str, now: datetime) -> None:
    _move(world, customer_id, now, effect="adapt", adaptation={"face_value_minor": 50})


def put_off(world: World, customer_id: str, now: datetime) -> None:
    _move(world, customer_id, now, effect="adapt", adaptation={"not_before": "2026-01-16"})


def erased(world: World, customer_id: str, now: datetime) -> None:
    Customer.objects.filter(pk=customer_id).update(erased_at=now)


def month_over(world: World, customer_id: str, now: datetime) -> None:
    Contact.objects.filter(customer=customer_id).update(cap_month="2025-12")


def fewer_places(world: World, customer_id: str, now: datetime) -> None:
    Contact.objects.filter(customer=customer_id).update(cap_place=3)


def undecided(world: World, customer_id: str, now: datetime) -> None:
    Decision.objects.filter(customer=customer_id).update(outcome="withheld")


def _move(
    world: World,
    customer_id: str,
    now: datetime,
    *,
    effect: str,
    adaptation: dict[str, object] | None = None,
) -> None:
    other = Portfolio.objects.create(
        name="Other", default_ruling="block", position=1, created_at=LONG_AGO
    )
    Membership.objects.create(
        customer_id=customer_id,
        portfolio=other,
        starts_at=now - timedelta(days=1),
        cause="hand_over",
        reason="tests",
        actor_id="system",
        recorded_at=now,
    )
    if effect:
        rule(world.offer, other, effect, LONG_AGO, adaptation)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (withdrawn, "withdrew consent"),
        (never_agreed, "never agreed"),
        (blocked, "blocked the offer"),
        (unruled, "nobody has ruled"),
        (other_channel, "took the channel out"),
        (other_price, "ruled other terms"),
        (put_off, "put the offer off until 2026-01-16"),
        (erased, "was erased"),
        (month_over, "the month of its contact-policy place is over"),
        (fewer_places, "fewer places"),
        (undecided, "no decision chose"),
    ],
)
def test_what_no_longer_holds_is_cancelled_with_its_reason_and_gives_its_money_back(
    world: World, now: datetime, settings: Settings, change: Change, reason: str
) -> None:
    customer_id = world.customer_ids[7]
    change(world, customer_id, now)
    counts = run(now)
    assert counts.sent == 19
    (found,) = counts.cancelled
    assert reason in found
    contact = Contact.objects.get(customer=customer_id)
    assert (contact.state, contact.state_reason) == ("cancelled", found)
    assert customer_id not in {line["customer"] for line in lines(settings)}
    budget = Budget.objects.get(pk=world.budget.pk)
    assert (budget.reserved_minor, budget.spent_minor) == (0, 19 * RESERVED)


@pytest.mark.parametrize("change", [withdrawn, blocked, month_over])
def test_without_the_second_look_these_contacts_would_go_out(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    """The broken twin: trusts what was true when the decision was made."""
    monkeypatch.setattr("patronage.interact.second_look._reason", lambda _: pl.lit(None, pl.String))
    change(world, world.customer_ids[7], now)
    assert run(now).sent == 20


def test_an_adaptation_that_the_contact_already_follows_lets_it_go_out(
    world: World, now: datetime
) -> None:
    later = now - timedelta(days=1)
    rule(world.offer, world.portfolio, "adapt", later, {"face_value_minor": 100})
    assert run(now).sent == 20


def test_an_offer_that_has_ended_is_not_sent(world: World, now: datetime) -> None:
    Offer.objects.update(valid_until=now)
    assert run(now).cancelled == {"the offer has ended": 20}


def test_a_channel_the_company_has_given_up_is_not_sent_to(world: World, now: datetime) -> None:
    without = COMPANY[: COMPANY.rindex("[[channels]]")]
    load_company(actor=SYSTEM, now=now, text=without, reason="no e-mail any more")
    counts = run(now)
    assert counts.sent == 10
    assert counts.cancelled == {"the company has given the channel up": 10}


def test_nobody_in_a_holdout_is_contacted_whatever_the_decision_says(
    world: World, now: datetime, settings: Settings
) -> None:
    Holdout.objects.create(name="everybody", salt="x", share=1.0, starts_at=now)
    counts = run(now)
    assert counts.sent == 0
    assert list(counts.cancelled.values()) == [20]
    assert lines(settings) == []


def second_at_the_same_place(world: World, customer_id: str) -> None:
    """Write another contact for the place that the customer's contact has."""
    contact = Contact.objects.get(customer=customer_id)
    contact.pk, contact.state = "con_second", "queued"
    contact.decision = Decision.objects.create(
        customer_id=customer_id,
        portfolio=world.portfolio,
        at=AT,
        outcome="offered",
        treatment=world.treatments["mail"],
        propensity=1.0,
        held_out=False,
    )
    with atomic():
        contact.save(force_insert=True)


def test_a_place_is_free_again_once_its_contact_is_cancelled(world: World, now: datetime) -> None:
    customer_id = world.customer_ids[0]
    with pytest.raises(IntegrityError):
        second_at_the_same_place(world, customer_id)
    withdrawn(world, customer_id, now)
    run(now)
    second_at_the_same_place(world, customer_id)
    assert Contact.objects.filter(customer=customer_id).count() == 2


def test_withdrawing_consent_cancels_what_waits_at_once(
    world: World, now: datetime, settings: Settings
) -> None:
    contact = Contact.objects.filter(channel="mail").first()
    assert contact is not None
    record_consent(
        actor=SYSTEM,
        now=now,
        customer_id=contact.customer_id,
        purpose="marketing",
        channel="mail",
        state="withdrawn",
        source="said so on the phone",
        valid_from=now,
    )
    contact.refresh_from_db()
    assert contact.state == "cancelled"
    assert Budget.objects.get(pk=world.budget.pk).reserved_minor == 19 * RESERVED
    assert run(now).sent == 19


def test_withdrawing_another_channel_or_purpose_stops_nothing(world: World, now: datetime) -> None:
    contact = Contact.objects.filter(channel="mail").first()
    assert contact is not None
    for purpose, channel in (("marketing", "email"), ("profiling", "mail")):
        record_consent(
            actor=SYSTEM,
            now=now,
            customer_id=contact.customer_id,
            purpose=purpose,
            channel=channel,
            state="withdrawn",
            source="said so",
            valid_from=now,
        )
    assert run(now).sent == 20


def test_a_past_period_is_replayed_at_its_own_instant(world: World, now: datetime) -> None:
    """A year later the places are over, unless the instant replayed is the one decided for."""
    later = now + timedelta(days=400)
    assert run(later, at=AT).sent == 20
    assert set(Contact.objects.values_list("state_at", flat=True)) == {AT}
    with pytest.raises(DeliveryInFuture, match="Leave the instant out"):
        run(now, at=later)


def test_a_budget_that_holds_less_than_its_contacts_stops_everything(
    world: World, now: datetime
) -> None:
    Budget.objects.filter(pk=world.budget.pk).update(reserved_minor=RESERVED)
    with pytest.raises(BudgetOutOfStep, match="Compare its reservations"):
        run(now)
    assert not Contact.objects.filter(state="sent").exists()


def test_only_those_with_the_right_may_deliver(world: World, now: datetime) -> None:
    owner = Actor(id="usr_o", name="Olu", roles=frozenset({Role.OFFER_OWNER}))
    with pytest.raises(NotAllowed):
        deliver(actor=owner, now=now)
    assert Contact.objects.filter(state="queued").count() == 20


def test_a_second_place_of_the_month_goes_out_too(world: World, now: datetime) -> None:
    add_contacts(world, world.customer_ids, place=2)
    assert run(now).sent == 40
