"""A contact that waits when the fence goes up is not sent; a person's call is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import polars as pl
import pytest

from patronage.access.roles import SYSTEM
from patronage.customize.models import Contact
from patronage.govern.models import Standing
from patronage.interact import second_look
from patronage.interact.jobs import DeliveryCounts, deliver

from .world import World

pytestmark = pytest.mark.django_db

INSIDE = "the customer is within the fence: no mass contact"


def run(now: datetime) -> DeliveryCounts:
    return deliver(actor=SYSTEM, now=now)


def test_what_waits_when_the_fence_goes_up_is_cancelled(world: World, now: datetime) -> None:
    fenced = sorted(world.customer_ids)[:3]
    mine = Contact.objects.filter(customer__in=fenced).count()
    assert Standing.objects.filter(pk__in=fenced).update(fenced=True) == 3
    counts = run(now)
    assert counts.cancelled == {INSIDE: mine}
    assert counts.sent == Contact.objects.count() - mine
    assert set(Contact.objects.filter(customer__in=fenced).values_list("state", flat=True)) == {
        "cancelled"
    }


def test_a_second_look_without_the_fence_sends_them(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin."""
    Standing.objects.update(fenced=True)
    monkeypatch.setattr(
        second_look,
        "_within_the_fence",
        lambda contacts, situation: pl.Series([False] * len(contacts), dtype=pl.Boolean),
    )
    assert run(now).cancelled == {}


def test_a_person_still_reaches_them(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    Standing.objects.update(fenced=True)
    look = second_look._within_the_fence

    def by_phone(contacts: pl.DataFrame, situation: second_look.Situation) -> pl.Series:
        channels = tuple(
            replace(each, kind="personal" if each.name == "mail" else "pushed")
            for each in situation.company.channels
        )
        company = replace(situation.company, channels=channels)
        return look(contacts, replace(situation, company=company))

    monkeypatch.setattr(second_look, "_within_the_fence", by_phone)
    run(now)
    by_channel = dict(Contact.objects.values_list("channel", "state").distinct())
    assert by_channel == {"mail": "sent", "email": "cancelled"}
