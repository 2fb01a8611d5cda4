"""What a customer says is kept, seen and reckoned with; contacts in doubt wait for a person."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from patronage.access import vault
from patronage.access.errors import NotAllowed, NotFound, Refused
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.customize.models import Budget, Contact
from patronage.differentiate.models import Need
from patronage.govern.models import Membership, Portfolio, Standing
from patronage.identify import reads as identify_reads
from patronage.interact import reads
from patronage.interact.actions import record_said_need, settle_in_doubt
from patronage.interact.errors import UnknownState
from patronage.interact.jobs import deliver
from patronage.interact.leases import LEASE
from patronage.interact.models import Interaction

from .test_failing_channels import Moody
from .web import Web
from .world import AT, CHANNELS, LONG_AGO, RESERVED, World

pytestmark = pytest.mark.django_db


def say(world: World, now: datetime, customer_id: str, **changes: Any) -> Interaction:
    said = {"need": "fresh", "channel": "call", "note": "We eat vegetables now"} | changes
    return record_said_need(actor=world.agent, now=now, customer_id=customer_id, **said)


def test_what_was_said_becomes_a_need_with_its_words_in_the_vault_alone(
    world: World, now: datetime
) -> None:
    customer_id = world.customer_ids[0]
    interaction = say(world, now, customer_id)
    need = Need.objects.get(pk=interaction.need_id)
    assert (need.name, need.status, need.has_note) == ("fresh", "open", True)
    assert vault.get(customer_id, f"note:{need.id}") == "We eat vegetables now"
    assert (interaction.agent_id, interaction.agent_name) == ("usr_agent", "Gil Agent")
    entry = AuditEntry.objects.get(action="record interaction")
    assert entry.subject_id == customer_id
    assert "vegetables" not in json.dumps(entry.change)


def test_the_timeline_shows_what_was_said_and_what_went_out(world: World, now: datetime) -> None:
    customer_id = world.customer_ids[0]
    deliver(actor=SYSTEM, now=now)
    later = now + timedelta(minutes=5)
    say(world, later, customer_id)
    page = identify_reads.timeline(world.agent, customer_id, later)
    titles = [(each.kind, each.title) for each in page.entries[:2]]
    assert titles == [
        ("interaction", "Said by call: Cooks fresh"),
        ("contact", "Half off apples by mail"),
    ]


def test_conversations_of_one_instant_stay_on_one_page(world: World, now: datetime) -> None:
    customer_id = world.customer_ids[0]
    for _ in range(3):
        say(world, now, customer_id)
    page = identify_reads.timeline(world.agent, customer_id, now, limit=1)
    assert [each.kind for each in page.entries] == ["interaction"] * 3


def test_nothing_is_kept_of_a_need_nobody_knows_or_a_customer_out_of_sight(
    world: World, now: datetime
) -> None:
    with pytest.raises(Refused):
        say(world, now, world.customer_ids[0], need="yachts")
    with pytest.raises(NotFound):
        say(world, now, "cus_nobody")
    owner = Actor(id="usr_o", name="Olu", roles=frozenset({Role.OFFER_OWNER}))
    with pytest.raises(NotAllowed):
        record_said_need(
            actor=owner, now=now, customer_id=world.customer_ids[0], need="fresh", channel="call"
        )
    assert not Interaction.objects.exists()
    assert not Need.objects.exists()


def test_a_manager_sees_contacts_of_their_own_customers_only(world: World, now: datetime) -> None:
    other = Portfolio.objects.create(
        name="Other", default_ruling="block", position=1, created_at=LONG_AGO
    )
    moved = world.customer_ids[3]
    Membership.objects.create(
        customer_id=moved,
        portfolio=other,
        starts_at=AT,
        cause="hand_over",
        reason="tests",
        actor_id="system",
        recorded_at=AT,
    )
    Standing.objects.filter(pk=moved).update(portfolio=other)
    assert len(reads.contacts(world.agent, now).contacts) == 20
    mine = reads.contacts(world.managing, now).contacts
    assert len(mine) == 19
    assert moved not in {each.customer_id for each in mine}
    assert reads.contacts(world.managing, now, customer_id=moved).contacts == []
    with pytest.raises(NotFound):
        reads.interactions(world.managing, moved, now)


def test_contacts_are_paged_and_narrowed(world: World, now: datetime) -> None:
    first = reads.contacts(world.agent, now, limit=15)
    assert first.next is not None
    second = reads.contacts(world.agent, now, limit=15, after=first.next)
    ids = [each.id for page in (first, second) for each in page.contacts]
    assert len(set(ids)) == 20
    assert second.next is None
    assert len(reads.contacts(world.agent, now, channel="mail").contacts) == 10
    assert reads.contacts(world.agent, now, state="sent").contacts == []
    with pytest.raises(UnknownState, match="queued, sending, sent, cancelled"):
        reads.contacts(world.agent, now, state="lost")


@pytest.fixture
def doubtful(world: World, now: datetime) -> list[str]:
    """Contacts whose sender died, in a channel that cannot say whether they went out."""
    Contact.objects.update(state="sending", lease_token="gone", lease_until=now - LEASE)
    channels = {name: Moody(name, "unknown") for name in CHANNELS}
    counts = deliver(actor=SYSTEM, now=now, channels=channels)
    assert (counts.sent, counts.in_doubt) == (0, 20)
    assert all(channel.seen == [] for channel in channels.values())
    return [each.contact_id for each in reads.in_doubt(SYSTEM, now)]


def test_what_a_channel_cannot_tell_is_listed_and_never_sent_again(
    world: World, now: datetime, doubtful: list[str]
) -> None:
    assert len(doubtful) == 20
    channels = {name: Moody(name, "unknown") for name in CHANNELS}
    again = deliver(actor=SYSTEM, now=now + timedelta(days=1), channels=channels)
    assert (again.sent, again.in_doubt) == (0, 20)
    assert Budget.objects.get(pk=world.budget.pk).reserved_minor == 20 * RESERVED


def test_a_person_settles_what_is_in_doubt(
    world: World, now: datetime, doubtful: list[str]
) -> None:
    settle = partial(settle_in_doubt, actor=SYSTEM, now=now, reason="asked the printer")
    assert settle(contact_id=doubtful[0], went_out=True).state == "sent"
    assert settle(contact_id=doubtful[1], went_out=False).state == "cancelled"
    budget = Budget.objects.get(pk=world.budget.pk)
    assert (budget.reserved_minor, budget.spent_minor) == (18 * RESERVED, RESERVED)
    with pytest.raises(NotFound):
        settle(contact_id=doubtful[0], went_out=False)
    with pytest.raises(Refused):
        settle_in_doubt(contact_id=doubtful[2], went_out=False, actor=SYSTEM, now=now, reason=" ")
    with pytest.raises(NotAllowed):
        settle_in_doubt(
            contact_id=doubtful[2], went_out=False, actor=world.agent, now=now, reason="x"
        )


def test_what_its_channel_was_not_asked_about_cannot_be_settled(
    world: World, now: datetime
) -> None:
    """Its sender may still be at it."""
    Contact.objects.update(state="sending", lease_token="x", lease_until=now + LEASE)
    contact_id = Contact.objects.values_list("id", flat=True)[0]
    with pytest.raises(NotFound):
        settle_in_doubt(
            actor=SYSTEM, now=now, contact_id=contact_id, went_out=False, reason="guess"
        )


@pytest.fixture
def at_now(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patronage.site.clock.now", lambda: now)


@pytest.mark.usefixtures("at_now")
def test_an_agent_records_what_was_said_over_the_api(world: World, now: datetime) -> None:
    agent, customer_id = Web(Role.AGENT, now), world.customer_ids[0]
    path = f"customers/{customer_id}/interactions"
    answer = agent.post(path, need="fresh", channel="call", note="more greens")
    assert answer.status_code == 201, answer.content
    assert answer.json()["customer_id"] == customer_id
    assert [each["id"] for each in agent.get(path).json()] == [answer.json()["id"]]
    assert agent.post(path, need="fresh").status_code == 422
    assert agent.post("customers/cus_x/interactions", need="fresh", channel="c").status_code == 404
    assert agent.post("deliveries").status_code == 403


@pytest.mark.usefixtures("at_now")
def test_what_an_agent_sends_twice_is_recorded_once(world: World, now: datetime) -> None:
    agent = Web(Role.AGENT, now)
    first, other = (f"customers/{each}/interactions" for each in world.customer_ids[:2])
    answers = [agent.post(first, key="k1", need="fresh", channel="call") for _ in range(3)]
    assert {(each.status_code, each.content) for each in answers} == {(201, answers[0].content)}
    assert Interaction.objects.count() == Need.objects.count() == 1
    # the same words about somebody else are another request, which needs a key of its own
    assert agent.post(other, key="k1", need="fresh", channel="call").status_code in (409, 422)
    assert agent.post(other, key="k2", need="fresh", channel="call").status_code == 201


@pytest.mark.usefixtures("at_now")
@pytest.mark.parametrize(
    "path", ["contacts?after=%00", "contacts?channel=%00", "customers/%00/interactions"]
)
def test_text_that_no_store_keeps_is_refused(world: World, now: datetime, path: str) -> None:
    assert Web(Role.AGENT, now).get(path).status_code == 422


@pytest.mark.usefixtures("at_now")
def test_an_administrator_delivers_over_the_api_and_names_no_customer(
    world: World, now: datetime
) -> None:
    administrator = Web(Role.ADMINISTRATOR, now)
    answer = administrator.post("deliveries")
    assert answer.status_code == 201, answer.content
    assert answer.json() == {"sent": 20, "cancelled": {}, "postponed": 0, "in_doubt": 0}
    assert administrator.get("contacts/in-doubt").json() == []
    assert administrator.get("contacts").status_code == 403
    rows = Web(Role.AGENT, now).get("contacts?state=sent&limit=5").json()
    assert len(rows["contacts"]) == 5
    assert rows["next"] == rows["contacts"][-1]["id"]
