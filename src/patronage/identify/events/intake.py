"""What becomes of events that arrive? Each is kept once, set aside with its reason, or refused.

All deliveries of a group are judged and written together, in the caller's transaction or one of
their own: a handful of statements, however many events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from patronage.access import vault
from patronage.access.company import current
from patronage.access.keys import first_of
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.identify import bulk
from patronage.identify.events import orders, plans
from patronage.identify.events.envelope import Arrived, Rejected
from patronage.identify.events.naming import event_ids
from patronage.identify.events.plan import Fits, Plan, judged
from patronage.identify.events.sealed import SEALED_AS
from patronage.identify.events.sources import Counts, count
from patronage.identify.identity import Bundle, resolve
from patronage.identify.models import Event, QuarantinedEvent
from patronage.vocabulary.ids import IdPrefix, new_ids

ACCEPTED: Final = "accepted"
REPEATED: Final = "repeated"
QUARANTINED: Final = "quarantined"
REJECTED: Final = "rejected"
_NOBODY: Final = "none of its identifiers can be used"
_BEFORE: Final = "it was set aside when it came first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Events that one source delivers together."""

    actor: Actor
    events: Sequence[Arrived | Rejected]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one event."""

    message_id: str
    #: accepted, repeated, quarantined or rejected
    state: str
    #: why it is quarantined or rejected
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An event that fits, and whose it is."""

    event_id: str
    customer_id: str
    source_id: str
    event: Arrived
    fits: Fits


@dataclass(slots=True, kw_only=True)
class _Group:
    """The deliveries of one transaction, judged; nothing of them is written yet."""

    plan: Plan
    #: ISO 4217 code in which the company keeps its books
    currency: str
    #: events kept before, and those set aside before
    kept: set[str]
    aside: set[str]
    #: event id → who delivers it, what came, what of it is kept
    fitting: dict[str, tuple[Actor, Arrived, Fits]] = field(default_factory=dict)
    #: event id → who delivers it, what came, why it does not fit
    unfit: dict[str, tuple[Actor, Arrived, str]] = field(default_factory=dict)


def capture(*, now: datetime, deliveries: Sequence[Delivery]) -> list[list[Outcome]]:
    """Take deliveries of events; give what became of each, in their order.

    Raises:
        NotAllowed: an actor may not capture events; nothing was written.
        NoCompany: the company is not declared yet.
    """
    for each in deliveries:
        each.actor.require(Right.CAPTURE)
    with atomic():
        ids = [_ids(each.events) for each in deliveries]
        kept, aside = _known([each for some in ids for each in some if each])
        group = _Group(
            plan=plans.in_force(), currency=current().company.currency, kept=kept, aside=aside
        )
        outcomes = [
            [_judge(group, each.actor, *event) for event in zip(each.events, some, strict=True)]
            for each, some in zip(deliveries, ids, strict=True)
        ]
        nobody = _keep_fitting(group, now)
        _set_aside(group)
        outcomes = [
            _corrected(each, some, nobody) for each, some in zip(outcomes, ids, strict=True)
        ]
        _count(deliveries, outcomes, now)
    return outcomes


def _ids(events: Sequence[Arrived | Rejected]) -> list[str]:
    """Give the id of each event; empty for those that were rejected."""
    arrived = [each.message_id for each in events if isinstance(each, Arrived)]
    found = iter(event_ids(arrived))
    return [next(found) if isinstance(each, Arrived) else "" for each in events]


def _known(ids: Sequence[str]) -> tuple[set[str], set[str]]:
    """Give which of these events are kept, and which are set aside."""
    kept = Event.objects.filter(pk__in=ids).values_list("pk", flat=True)
    aside = QuarantinedEvent.objects.filter(event_id__in=ids).values_list("event_id", flat=True)
    return set(kept), set(aside)


def _judge(group: _Group, actor: Actor, event: Arrived | Rejected, event_id: str) -> Outcome:
    """Say what is to become of one event, and note it in the group."""
    message_id = event.message_id
    if isinstance(event, Rejected):
        return Outcome(message_id=message_id, state=REJECTED, reason=event.reason)
    if event_id in group.kept or event_id in group.fitting:
        return Outcome(message_id=message_id, state=REPEATED)
    if event_id in group.unfit:
        return Outcome(message_id=message_id, state=QUARANTINED, reason=group.unfit[event_id][2])
    if event_id in group.aside:
        return Outcome(message_id=message_id, state=QUARANTINED, reason=_BEFORE)
    fits = judged(group.plan, event, group.currency)
    if isinstance(fits, str):
        group.unfit[event_id] = (actor, event, fits)
        return Outcome(message_id=message_id, state=QUARANTINED, reason=fits)
    group.fitting[event_id] = (actor, event, fits)
    return Outcome(message_id=message_id, state=ACCEPTED)


def _keep_fitting(group: _Group, now: datetime) -> set[str]:
    """Write the events that fit, with what follows from them; give those that name nobody."""
    named: dict[str, str] = {}
    by_actor: dict[Actor, list[str]] = {}
    for event_id, (actor, _, _) in group.fitting.items():
        by_actor.setdefault(actor, []).append(event_id)
    for actor, ids in by_actor.items():
        bundles = [_bundle(*group.fitting[each][1:], now) for each in ids]
        found = resolve(actor=actor, now=now, bundles=bundles, right=Right.CAPTURE).customer_ids
        named |= {each: who for each, who in zip(ids, found, strict=True) if who is not None}
    nobody = group.fitting.keys() - named.keys()
    for event_id in nobody:
        actor, event, _ = group.fitting.pop(event_id)
        group.unfit[event_id] = (actor, event, _NOBODY)
    keep(
        [
            Kept(
                event_id=event_id,
                customer_id=named[event_id],
                source_id=first_of(actor.id),
                event=event,
                fits=fits,
            )
            for event_id, (actor, event, fits) in group.fitting.items()
        ],
        group.plan.number,
    )
    return set(nobody)


def _bundle(event: Arrived, fits: Fits, now: datetime) -> Bundle:
    """The names of one event; its customer, if new, enters now: before, nobody was in charge."""
    return Bundle(names=event.names + fits.names, at=now)


def keep(kept: Sequence[Kept], plan_number: int) -> None:
    """Write events that fit and belong to customers, in the caller's transaction."""
    if not kept:
        return
    sealed = vault.seal_many([(each.customer_id, SEALED_AS, each.event.raw) for each in kept])
    encode = msgspec.json.encode
    bulk.insert(
        Event,
        {
            "id": [each.event_id for each in kept],
            "customer": [each.customer_id for each in kept],
            "source_id": [each.source_id for each in kept],
            "type": [each.event.type for each in kept],
            "name": [each.event.name for each in kept],
            "occurred_at": [each.event.occurred_at for each in kept],
            "received_at": [each.event.received_at for each in kept],
            "plan_number": [plan_number] * len(kept),
            "properties": [encode(each.fits.properties).decode() for each in kept],
            "sealed": sealed,
        },
    )
    orders.add(
        [
            orders.Told(
                event_id=each.event_id,
                customer_id=each.customer_id,
                ordered_at=each.event.occurred_at,
                lines=each.fits.lines,
            )
            for each in kept
            if each.fits.lines
        ]
    )


def _set_aside(group: _Group) -> None:
    """Keep what does not fit, each under a key of its own: nobody knows whose it is."""
    unfit = group.unfit
    if not unfit:
        return
    ids = new_ids(IdPrefix.QUARANTINE, len(unfit))
    arrived = [event for _, event, _ in unfit.values()]
    raws = [(own, SEALED_AS, event.raw) for own, event in zip(ids, arrived, strict=True)]
    bulk.insert(
        QuarantinedEvent,
        {
            "id": ids,
            "event_id": list(unfit),
            "source_id": [first_of(actor.id) for actor, _, _ in unfit.values()],
            "type": [event.type for event in arrived],
            "reason": [reason for _, _, reason in unfit.values()],
            "occurred_at": [event.occurred_at for event in arrived],
            "received_at": [event.received_at for event in arrived],
            "plan_number": [group.plan.number] * len(unfit),
            "sealed": vault.seal_many(raws),
            "released_by": [""] * len(unfit),
        },
    )


def _corrected(outcomes: list[Outcome], ids: list[str], nobody: set[str]) -> list[Outcome]:
    """Say of events whose customer could not be told that they were set aside."""
    if not nobody:
        return outcomes
    return [
        Outcome(message_id=each.message_id, state=QUARANTINED, reason=_NOBODY)
        if event_id in nobody
        else each
        for each, event_id in zip(outcomes, ids, strict=True)
    ]


def _count(
    deliveries: Sequence[Delivery], outcomes: Sequence[list[Outcome]], now: datetime
) -> None:
    counts: dict[str, Counts] = {}
    for delivery, some in zip(deliveries, outcomes, strict=True):
        counted = counts.setdefault(first_of(delivery.actor.id), Counts())
        for event, outcome in zip(delivery.events, some, strict=True):
            counted.add(outcome.state)
            if outcome.state == ACCEPTED and isinstance(event, Arrived):
                counted.lag_seconds += (event.received_at - event.occurred_at).total_seconds()
    count(counts, now)
