"""Channels that refuse, fail or break off: nothing is lost, doubled or tried for ever."""

from __future__ import annotations

import errno
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from patronage.access.roles import SYSTEM
from patronage.customize.models import Budget
from patronage.interact import file_channel, settling
from patronage.interact.channels import Batch, Handed
from patronage.interact.leases import LEASE
from patronage.interact.models import Attempt
from patronage.interact.reads import in_doubt

from .test_deliver import lines, run
from .world import CHANNELS, World

pytestmark = pytest.mark.django_db


class Moody:
    """A channel that answers as it is told."""

    def __init__(self, name: str, outcome: Any) -> None:
        self.name = name
        self._outcome = outcome
        self.seen: list[str] = []

    def hand_over(self, batch: Batch) -> list[Handed]:
        self.seen += [each.contact_id for each in batch.messages]
        return [
            Handed(contact_id=each.contact_id, outcome=self._outcome, detail="no such box")
            for each in batch.messages
        ]

    def take_over(self, takeover: Any) -> dict[str, Any]:
        return dict.fromkeys(takeover.contact_ids, self._outcome)


def test_what_a_channel_refuses_is_cancelled(world: World, now: datetime) -> None:
    channels = {name: Moody(name, "refused") for name in CHANNELS}
    counts = run(now, channels=channels)
    assert counts.cancelled == {"the channel refused it: no such box": 20}
    assert Budget.objects.get(pk=world.budget.pk).reserved_minor == 0


def test_what_fails_is_tried_again_and_given_up_in_the_end(world: World, now: datetime) -> None:
    channels = {name: Moody(name, "failed") for name in CHANNELS}
    for attempt in range(1, settling.MOST_ATTEMPTS):
        assert run(now + timedelta(hours=attempt), channels=channels).postponed == 20
    counts = run(now + timedelta(hours=10), channels=channels)
    assert counts.postponed == 0
    assert counts.cancelled == {"failed 5 times: no such box": 20}
    assert Attempt.objects.filter(outcome="failed").count() == 20 * settling.MOST_ATTEMPTS


def test_after_a_full_disk_every_contact_goes_out_once(
    world: World, now: datetime, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up in the middle of a batch: what was written is found, the rest is sent."""
    plain = file_channel._write_all

    def full(descriptor: int, content: bytes) -> None:
        plain(descriptor, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(file_channel, "_write_all", full)
    with pytest.raises(OSError, match="No space left"):
        run(now)
    assert in_doubt(SYSTEM, now) == []
    assert len(in_doubt(SYSTEM, now + LEASE)) == 20
    monkeypatch.setattr(file_channel, "_write_all", plain)
    assert run(now + timedelta(minutes=1)).sent == 0
    assert run(now + LEASE).sent == 20
    sent = [line["contact"] for line in lines(settings)]
    assert len(set(sent)) == len(sent) == 20
    found = Attempt.objects.filter(detail__startswith="found among").count()
    assert 0 < found < 20
