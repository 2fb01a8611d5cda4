"""Decided by the stage before, sent here, read out by the stage behind: the loop's last third."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from patronage.access.roles import SYSTEM
from patronage.customize.actions import decide_now
from patronage.customize.jobs import decide
from patronage.customize.models import Budget, Contact, Decision
from patronage.interact.actions import record_said_need
from patronage.interact.jobs import deliver
from patronage.learn.jobs import read_out

from ..customize.world import AS_OF, END, World, build
from ..differentiate.history import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def retailer(db: None) -> World:
    """Valued, assigned, with offers, and decided as of a date."""
    built = build()
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    return built


def test_every_decision_to_contact_goes_out_once_and_nobody_held_out_is_contacted(
    retailer: World,
) -> None:
    counts = deliver(actor=SYSTEM, now=NOW, at=END)
    offered = Decision.objects.filter(outcome="offered")
    assert counts.sent == offered.count() > 0
    assert counts.cancelled == {}
    lines = [
        json.loads(line)
        for file in Path(settings.OUTBOX_ROOT).glob("*/*.jsonl")
        for line in file.read_text().splitlines()
    ]
    assert sorted(line["customer"] for line in lines) == sorted(
        offered.values_list("customer_id", flat=True)
    )
    held_out = set(Decision.objects.filter(held_out=True).values_list("customer_id", flat=True))
    assert held_out
    assert not held_out & {line["customer"] for line in lines}
    assert sum(Budget.objects.values_list("reserved_minor", flat=True)) == 0


def test_the_read_out_of_replayed_decisions_counts_every_customer_once(retailer: World) -> None:
    deliver(actor=SYSTEM, now=NOW, at=END)
    found = read_out(actor=SYSTEM, now=NOW, as_of=AS_OF)
    assert (found.state, found.replayed) == ("read", True)
    arms = found.figures["arms"]
    assert sum(arm["customers"] for arm in arms.values()) == Decision.objects.count()
    assert arms["treated"]["sent"] == Contact.objects.filter(state="sent").count()
    assert arms["held_out"]["sent"] == 0
    assert found.figures["revenue_minor"]["customers_treated"] == arms["treated"]["customers"]


def test_what_an_agent_records_changes_the_next_decision(retailer: World) -> None:
    """Apples answer the need "fresh"; other offers are made only to those who said nothing."""
    apples = retailer.offers["APPLES"].id
    for customer_id in Decision.objects.filter(outcome="offered").values_list(
        "customer_id", flat=True
    ):
        before = decide_now(actor=retailer.service, now=NOW, customer_id=customer_id, channel="app")
        if before.offers and before.offers[0].offer_id != apples:
            break
    else:
        pytest.fail("everybody is offered apples anyway")
    record_said_need(
        actor=retailer.agent, now=NOW, customer_id=customer_id, need="fresh", channel="call"
    )
    later = NOW + timedelta(minutes=1)
    after = decide_now(actor=retailer.service, now=later, customer_id=customer_id, channel="app")
    reasons = {each.offer_id: each.reason for each in after.candidates}
    assert reasons[before.offers[0].offer_id] == "ineligible"
    assert reasons[apples] != "ineligible"
