"""An event that did not fit comes in after all, once the plan was mended: with one effect."""

from __future__ import annotations

from datetime import datetime

from patronage.access import audit
from patronage.access.company import current
from patronage.access.errors import NotFound, Refused
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.identify.events import plans
from patronage.identify.events.envelope import Malformed, read_again
from patronage.identify.events.errors import StillUnfit
from patronage.identify.events.intake import Kept, keep
from patronage.identify.events.plan import judged
from patronage.identify.events.sealed import original_of_quarantined
from patronage.identify.identity import Bundle, resolve
from patronage.identify.models import Event, QuarantinedEvent


def release(*, actor: Actor, now: datetime, quarantined_id: str) -> Event:
    """Take a quarantined event in by the plan in force; released before, it is the same event.

    It happened when it happened, whenever it is released.

    Raises:
        NotAllowed: the actor may not change what comes in.
        NotFound: there is no such event in quarantine.
        StillUnfit: the plan in force does not take it either, or nobody is named by it.
        Refused: its words were erased.
    """
    actor.require(Right.IMPORT)
    with atomic():
        found = QuarantinedEvent.objects.select_for_update().filter(pk=quarantined_id).first()
        if found is None:
            raise NotFound(noun="quarantined event", id=quarantined_id)
        if found.released_at is None:
            _take_in(found, actor, now)
            found.released_at, found.released_by = now, actor.id
            found.save(update_fields=["released_at", "released_by"])
            audit.record(
                actor=actor,
                now=now,
                action="release event",
                subject_kind="event",
                subject_id=found.event_id,
                right=Right.IMPORT,
                before={"reason": found.reason},
                change={"quarantined": found.id},
            )
        return Event.objects.get(pk=found.event_id)


def _take_in(found: QuarantinedEvent, actor: Actor, now: datetime) -> None:
    raw = original_of_quarantined(found)
    if raw is None:
        raise Refused(f"The words of {found.id} were erased; nothing can be released.")
    try:
        event = read_again(
            raw, type=found.type, occurred_at=found.occurred_at, received_at=found.received_at
        )
    except Malformed as error:
        raise StillUnfit(id=found.id, reason=str(error)) from error
    plan = plans.in_force()
    fits = judged(plan, event, current().company.currency)
    if isinstance(fits, str):
        raise StillUnfit(id=found.id, reason=fits)
    bundle = Bundle(names=event.names + fits.names, at=now)
    (customer_id,) = resolve(actor=actor, now=now, bundles=[bundle]).customer_ids
    if customer_id is None:
        raise StillUnfit(id=found.id, reason="none of its identifiers can be used")
    kept = Kept(
        event_id=found.event_id,
        customer_id=customer_id,
        source_id=found.source_id,
        event=event,
        fits=fits,
    )
    keep([kept], plan.number)
