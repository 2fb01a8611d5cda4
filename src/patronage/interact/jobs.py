"""Hands over what is due: leased, looked at again, sent once, and written down."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from django.conf import settings

from patronage.access import audit
from patronage.access.company import current
from patronage.access.progress import Progress, silent
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.customize.models import Contact
from patronage.identify.models import Identifier
from patronage.interact import settling
from patronage.interact.channels import Batch, Channel, Handed, Message
from patronage.interact.errors import DeliveryInFuture
from patronage.interact.file_channel import FileChannel
from patronage.interact.leases import Lease, in_doubt, take_some
from patronage.interact.second_look import Situation, looked_at
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCounts:
    """What became of the contacts that were due."""

    #: handed over, those found to have been handed over by a sender that is gone included
    sent: int
    #: no longer permitted, refused by the channel or failed too often, by reason
    cancelled: dict[str, int]
    #: their customer was being changed, or the channel failed: the next run takes them
    postponed: int
    #: nobody can say whether they went out
    in_doubt: int


def deliver(
    *,
    actor: Actor,
    now: datetime,
    progress: Progress = silent,
    at: datetime | None = None,
    channels: Mapping[str, Channel] | None = None,
) -> DeliveryCounts:
    """Hand over every contact that is due, once each, whatever was interrupted before.

    Args:
        now: the clock's instant; leases are measured by it.
        at: business instant of the hand-over, at which consents, rulings and places are looked at
            again; earlier than `now` only when a past period is replayed.
        channels: by name; the company's channels as files when left out.

    Raises:
        NotAllowed: the actor may not deliver.
        DeliveryInFuture: `at` has not come yet.
    """
    actor.require(Right.DELIVER)
    instant = at or now
    if instant > now:
        raise DeliveryInFuture(at=instant, now=now)
    company = current().company
    known = file_channels(company) if channels is None else channels
    situation = Situation(at=instant, company=company)
    due = Contact.objects.filter(state="queued", due_at__lte=instant).count()
    ended: Counter[str] = Counter()
    last, done = "", 0
    while lease := take_some(at=instant, now=now, after=last, channels=known):
        ended += _send(lease, situation, known, now)
        last, done = lease.contact_ids[-1], done + len(lease.contact_ids)
        progress(min(done / max(due, done), 1.0), f"{done} contacts handed over")
    counts = DeliveryCounts(
        sent=ended.pop("sent", 0),
        postponed=ended.pop("postponed", 0),
        cancelled=dict(sorted(ended.items())),
        in_doubt=Contact.objects.filter(in_doubt(now)).count(),
    )
    if done:
        _note(actor, now, counts)
    return counts


def file_channels(company: Company) -> dict[str, Channel]:
    """The company's channels, each as a folder of files."""
    root, calendar = Path(settings.OUTBOX_ROOT), BusinessCalendar(company.time_zone)
    return {
        channel.name: FileChannel(name=channel.name, root=root, calendar=calendar)
        for channel in company.channels
    }


def _send(
    lease: Lease, situation: Situation, channels: Mapping[str, Channel], now: datetime
) -> Counter[str]:
    """Send one lease in one transaction, so that what was looked at holds until it is written."""
    with atomic():
        free = settling.lock(lease)
        postponed = settling.give_back(lease, set(lease.contact_ids) - set(free), now)
        contacts = looked_at(free, situation)
        unknown = [each for each in free if lease.found.get(each) == "unknown"]
        settling.keep_in_doubt(unknown, now)
        before = [_found_sent(each) for each in free if lease.found.get(each) == "sent"]
        settled = [*unknown, *(each.contact_id for each in before)]
        open_ones = contacts.filter(~pl.col("contact_id").is_in(settled))
        fit = open_ones.filter(pl.col("reason").is_null())
        handed = [*before, *_hand_over(fit, lease, situation, channels)]
        settling.note_attempts(contacts, handed, situation.at)
        failed = {each.contact_id: each.detail for each in handed if each.outcome == "failed"}
        given_up = settling.try_again(sorted(failed), failed)
        refused = {each.contact_id: _refused(each) for each in handed if each.outcome == "refused"}
        reasons = _reasons(open_ones) | refused | given_up
        sent = [each.contact_id for each in handed if each.outcome == "sent"]
        settling.mark_sent(contacts, sent, situation.at)
        settling.cancel(contacts, reasons, situation.at)
    ended = Counter(reasons.values())
    ended["sent"], ended["postponed"] = len(sent), postponed + len(failed) - len(given_up)
    return ended


def _found_sent(contact_id: str) -> Handed:
    detail = "found among what a sender that is gone had handed over"
    return Handed(contact_id=contact_id, outcome="sent", detail=detail)


def _hand_over(
    fit: pl.DataFrame, lease: Lease, situation: Situation, channels: Mapping[str, Channel]
) -> list[Handed]:
    identifiers = _identifiers(fit["customer_id"].to_list())
    handed: list[Handed] = []
    for name in sorted(fit["channel"].unique()):
        rows = fit.filter(pl.col("channel") == name)
        messages = [_message(row, identifiers) for row in rows.iter_rows(named=True)]
        batch = Batch(token=lease.token, at=situation.at, messages=messages)
        handed += channels[name].hand_over(batch)
    return handed


def _identifiers(customer_ids: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """What may leave the house: names under which sources know the customer, no personal ones."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    rows = Identifier.objects.filter(customer_id__in=customer_ids, personal=False)
    for customer_id, kind, value in rows.order_by("kind", "value").values_list(
        "customer_id", "kind", "value"
    ):
        found[customer_id].append((kind, value))
    return found


def _message(row: dict[str, Any], identifiers: Mapping[str, list[tuple[str, str]]]) -> Message:
    return Message(
        contact_id=row["contact_id"],
        customer_id=row["customer_id"],
        identifiers=identifiers.get(row["customer_id"], []),
        treatment_id=row["treatment_id"],
        offer=row["offer"],
        wording=row["words"] or row["proposed_words"],
        terms=json.loads(row["terms"]),
        due_at=row["due_at"],
    )


def _reasons(contacts: pl.DataFrame) -> dict[str, str]:
    stopped = contacts.filter(pl.col("reason").is_not_null())
    return dict(stopped.select("contact_id", "reason").iter_rows())


def _refused(handed: Handed) -> str:
    return f"the channel refused it: {handed.detail}" if handed.detail else "the channel refused it"


def _note(actor: Actor, now: datetime, counts: DeliveryCounts) -> None:
    audit.record(
        actor=actor,
        now=now,
        action="deliver contacts",
        subject_kind="contact",
        subject_id=f"{counts.sent} contacts",
        right=Right.DELIVER,
        before={},
        change={
            "sent": counts.sent,
            "cancelled": counts.cancelled,
            "postponed": counts.postponed,
            "in_doubt": counts.in_doubt,
        },
    )
