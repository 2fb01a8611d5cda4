"""What someone may record of a conversation with a customer."""

from __future__ import annotations

from datetime import datetime

from patronage.access import audit
from patronage.access.ports import ConsentWithdrawn
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.differentiate.actions import record_need
from patronage.interact.models import Interaction
from patronage.interact.settling import release_queued


def record_said_need(
    *,
    actor: Actor,
    now: datetime,
    customer_id: str,
    need: str,
    channel: str,
    note: str = "",
) -> Interaction:
    """Record what a customer said they need; the next decision about them reckons with it.

    Args:
        need: name of a need of the company's taxonomy.
        channel: where it was said, such as "call"; 1 to 20 characters.
        note: the customer's own words; kept encrypted in the vault only.

    Raises:
        NotAllowed: the actor may not record needs.
        NotFound: there is no such customer in the actor's scope.
        UnknownNeed: the need is not in the taxonomy.
    """
    actor.require(Right.RECORD_NEED)
    with atomic():
        recorded = record_need(
            actor=actor, now=now, customer_id=customer_id, name=need, channel=channel, note=note
        )
        interaction = Interaction.objects.create(
            customer_id=customer_id,
            channel=channel,
            at=now,
            agent_id=actor.id,
            agent_name=actor.name,
            need=recorded,
        )
        audit.record(
            actor=actor,
            now=now,
            action="record interaction",
            subject_kind="customer",
            subject_id=customer_id,
            change={"interaction": interaction.id, "channel": channel, "need": recorded.id},
        )
    return interaction


def stop_contacts(event: ConsentWithdrawn) -> None:
    """Cancel what waits for a customer who withdrew consent, in the same transaction."""
    if event.purpose != "marketing":
        return
    reason = "the customer withdrew consent to this channel"
    cancelled = release_queued(event.customer_id, event.channel, reason, event.now)
    if cancelled:
        audit.record(
            actor=event.actor,
            now=event.now,
            action="cancel contacts",
            subject_kind="customer",
            subject_id=event.customer_id,
            reason=reason,
            change={"contacts": cancelled, "channel": event.channel},
        )
