"""Customers are found, read and followed within scope; consents are rows that never change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from patronage.access.errors import NotAllowed, NotFound, Refused
from patronage.access.models import AuditEntry
from patronage.access.ports import ConsentWithdrawn, consent_withdrawn
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.access.scope import Scope, customer_scope, visible_customers
from patronage.identify import actions, fields, reads
from patronage.identify.errors import IdentifierTaken
from patronage.identify.models import Consent, Customer
from patronage.identify.timeline import TimelineEntry, TimelineSources
from patronage.vocabulary.periods import BusinessCalendar

from .files import FilesIn

AGENT = Actor(id="usr_a", name="Amy", roles=frozenset({Role.AGENT}))
MANAGER = Actor(id="usr_m", name="Max", roles=frozenset({Role.MANAGER}))


@pytest.fixture
def seven(files: FilesIn) -> Customer:
    """A customer with two days of orders, one of them with a return."""
    files.sales(
        "7,r1,milk,2025-03-01T10:00:00Z,2,3.98",
        "7,r2,tea,2025-03-02T03:00:00Z,1,2.50",  # still 1 March in New York
        "7,r3,tea,2025-03-09T10:00:00Z,-1,-2.50",
        "8,r4,tea,2025-03-09T10:00:00Z,1,2.50",
    )
    return Customer.objects.get(label="Card 7")


def _consent(customer: Customer, now: datetime, state: str, valid_from: datetime) -> Consent:
    return actions.record_consent(
        actor=AGENT,
        now=now,
        customer_id=customer.id,
        purpose="marketing",
        channel="mail",
        state=state,
        source="telephone",
        valid_from=valid_from,
    )


def test_the_last_word_on_a_consent_stands_and_a_withdrawal_is_announced(
    seven: Customer, now: datetime
) -> None:
    heard: list[ConsentWithdrawn] = []
    given, withdrawn = now - timedelta(days=9), now - timedelta(days=2)
    with consent_withdrawn.handled_by(heard.append):
        consent = _consent(seven, now, "given", given)
        assert heard == []
        _consent(seven, now, "withdrawn", withdrawn)
    assert [event.customer_id for event in heard] == [seven.id]
    assert reads.standing_consents(given - timedelta(days=1)).num_rows == 0
    assert reads.standing_consents(now).num_rows == 0
    [row] = reads.standing_consents(now - timedelta(days=3), channel="mail").to_pylist()
    assert row == {"customer_id": seven.id, "channel": "mail", "consent_id": consent.id}


def test_a_declared_assumption_never_overrides_what_a_customer_said(
    seven: Customer, now: datetime
) -> None:
    _consent(seven, now, "withdrawn", now - timedelta(days=2))
    declared = {
        "actor": SYSTEM,
        "now": now,
        "purpose": "marketing",
        "channels": ["mail", "app"],
        "source": "contract of the loyalty card",
        "valid_from": now - timedelta(days=400),
    }
    assert actions.declare_consents(**declared) == 3  # type: ignore[arg-type]  # one row is said
    assert actions.declare_consents(**declared) == 0  # type: ignore[arg-type]  # nothing is left
    standing = reads.standing_consents(now).to_pylist()
    mine = {row["channel"]: row["consent_id"] for row in standing if row["customer_id"] == seven.id}
    assert set(mine) == {"app"}
    assumed = Consent.objects.get(id=mine["app"])
    assert assumed.source == "assumption: contract of the loyalty card"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"purpose": "fun"}, "'fun' is not known"),
        ({"state": "maybe"}, "'maybe' is not known"),
        ({"channel": " "}, "no channel's name"),
        ({"source": ""}, "where the consent comes from"),
        ({"valid_from": datetime(2126, 1, 1, tzinfo=UTC)}, "cannot begin in the future"),
    ],
)
def test_a_consent_that_means_nothing_is_refused(
    seven: Customer, now: datetime, change: dict[str, object], reason: str
) -> None:
    words: dict[str, object] = {
        "customer_id": seven.id,
        "purpose": "marketing",
        "channel": "mail",
        "state": "given",
        "source": "form",
        "valid_from": now,
    }
    with pytest.raises(Refused, match=reason):
        actions.record_consent(actor=AGENT, now=now, **(words | change))  # type: ignore[arg-type]  # wrong on purpose
    assert not Consent.objects.exists()


def test_the_timeline_tells_a_day_of_orders_at_a_time_newest_first(
    seven: Customer, now: datetime
) -> None:
    _consent(seven, now, "given", datetime(2025, 3, 5, tzinfo=UTC))
    entries = reads.timeline(AGENT, seven.id, now).entries
    assert [(entry.kind, entry.title, entry.amount_minor) for entry in entries] == [
        ("orders", "1 order", -250),
        ("consent", "Consent to marketing by mail given", None),
        ("orders", "2 orders", 648),
    ]
    assert entries[0].details["returned_minor"] == 250


def test_pages_of_a_timeline_hold_every_entry_once(seven: Customer, now: datetime) -> None:
    for day in range(1, 8):
        _consent(seven, now + timedelta(seconds=day), "given", datetime(2025, 3, 9, 10, tzinfo=UTC))
    whole = reads.timeline(AGENT, seven.id, now, limit=100)
    assert whole.next is None
    for limit in range(1, 11):
        found: list[TimelineEntry] = []
        before = None
        while True:
            page = reads.timeline(AGENT, seven.id, now, before=before, limit=limit)
            found += page.entries
            before = page.next
            if before is None:
                break
        assert sorted(e.subject_id + e.title for e in found) == sorted(
            e.subject_id + e.title for e in whole.entries
        )


def test_a_later_stage_adds_what_it_knows() -> None:
    sources = TimelineSources()
    at = datetime(2025, 1, 1, tzinfo=UTC)

    def promises(customer_id: str, before: datetime, limit: int) -> list[TimelineEntry]:
        return [TimelineEntry(at=at, kind="promise", title=f"Call {customer_id}")]

    sources.register(promises)
    sources.register(promises)
    [entry] = sources.page(["cus_1"], at + timedelta(days=1), 10).entries
    assert entry.title == "Call cus_1"


def test_search_finds_by_label_and_by_what_a_source_calls_the_customer(
    seven: Customer, now: datetime
) -> None:
    assert reads.search(AGENT, "card 7", now) == [seven]
    assert reads.search(AGENT, "7", now)[0] == seven
    assert reads.search(AGENT, seven.id, now) == [seven]
    assert reads.search(AGENT, "  ", now) == []
    assert reads.search(AGENT, "%", now) == []
    assert len(reads.search(AGENT, "card", now, limit=1)) == 1


def test_foreign_and_absent_look_the_same(seven: Customer, now: datetime) -> None:
    from django.db.models import Q

    with (
        customer_scope.answered_by(lambda actor, at: Scope(portfolio_ids=frozenset({"prt_x"}))),
        visible_customers.answered_by(lambda scope: Q(label="Card 8")),
    ):
        for wanted in (seven.id, "cus_absent"):
            with pytest.raises(NotFound, match=f"no customer '{wanted}' that you can see"):
                reads.customer(MANAGER, wanted, now)
            with pytest.raises(NotFound):
                reads.timeline(MANAGER, wanted, now)
            with pytest.raises(NotFound):
                actions.record_consent(
                    actor=MANAGER,
                    now=now,
                    customer_id=wanted,
                    purpose="marketing",
                    channel="mail",
                    state="given",
                    source="form",
                    valid_from=now,
                )
        assert [found.label for found in reads.search(MANAGER, "card", now)] == ["Card 8"]
    owner = Actor(id="usr_o", name="Ola", roles=frozenset({Role.OFFER_OWNER}))
    with pytest.raises(NotAllowed):
        reads.search(owner, "card", now)


def test_creating_a_customer_under_a_known_identifier_creates_none(
    seven: Customer, now: datetime
) -> None:
    rows = pa.table(
        {
            "source_kind": ["card", "card"],
            "source_value": ["99", "7"],
            "kind": ["person", "person"],
            "label": ["Card 99", "Card 7"],
            "entry": ["acquired", "acquired"],
            "entered_at": pa.array([now, now], pa.timestamp("us", "UTC")),
        }
    )
    before = Customer.objects.count(), AuditEntry.objects.count()
    with pytest.raises(IdentifierTaken):
        actions.create_customers(actor=SYSTEM, now=now, rows=rows)
    assert (Customer.objects.count(), AuditEntry.objects.count()) == before


def test_rules_may_ask_what_does_not_change_after_entry(seven: Customer) -> None:
    calendar = BusinessCalendar("America/New_York")
    record = fields.record_of(seven, calendar)
    assert set(record) == set(fields.FIELDS)
    [row] = fields.frame(calendar).filter(customer_id=seven.id).to_dicts()
    assert row == {"customer_id": seven.id, **record}
