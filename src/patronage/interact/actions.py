"""What someone may record of a conversation with a customer."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from patronage.access import audit
from patronage.access.errors import NotFound, Refused
from patronage.access.ports import ConsentWithdrawn
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.customize.models import Contact
from patronage.differentiate.actions import record_need
from patronage.interact.models import Interaction
from patronage.interact.settling import release_queued, settle

_LONGEST_REASON: Final = 300


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
            right=Right.RECORD_NEED,
            before={},
            change={"interaction": interaction.id, "channel": channel, "need": recorded.id},
        )
    return interaction


def settle_in_doubt(
    *, actor: Actor, now: datetime, contact_id: str, went_out: bool, reason: str
) -> Contact:
    """End a contact of which its channel cannot say whether it went out.

    Args:
        went_out: whether it did, as a person found out; if not it is cancelled, never sent again.
        reason: how that is known, 1 to 300 characters.

    Raises:
        NotAllowed: the actor may not deliver.
        NotFound: no contact of this id waits for a person's word.
    """
    actor.require(Right.DELIVER)
    if not 1 <= len(reason.strip()) <= _LONGEST_REASON:
        raise Refused(f"Say how it is known, in 1 to {_LONGEST_REASON} characters.")
    with atomic():
        if not settle(contact_id, went_out=went_out, reason=reason, at=now):
            raise NotFound(noun="contact in doubt", id=contact_id)
        audit.record(
            actor=actor,
            now=now,
            action="settle contact in doubt",
            subject_kind="contact",
            subject_id=contact_id,
            right=Right.DELIVER,
            reason=reason,
            before={"state": "sending"},
            change={"state": "sent" if went_out else "cancelled", "went_out": went_out},
        )
    return Contact.objects.get(pk=contact_id)


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
            right=None,
            reason=reason,
            before={"state": "queued"},
            change={"state": "cancelled", "contacts": cancelled, "channel": event.channel},
        )
