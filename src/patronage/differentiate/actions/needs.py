"""What someone may record of needs: that a customer expressed one, and how it ended."""

from __future__ import annotations

from datetime import datetime

from patronage.access import vault
from patronage.access.audit import record
from patronage.access.company import current
from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.differentiate.errors import (
    NeedClosed,
    UnknownNeed,
)
from patronage.differentiate.models import (
    Need,
)
from patronage.identify.in_sight import customers_in_sight, require_customer


def record_need(
    *,
    actor: Actor,
    now: datetime,
    customer_id: str,
    name: str,
    channel: str,
    note: str = "",
) -> Need:
    """Record a need that a customer expressed; the note, word for word, goes to the vault.

    Args:
        name: a need of the company's taxonomy.
        channel: where it was said, such as "call".
        note: what was said; may be personal, so that it is kept encrypted only.

    Raises:
        NotFound: there is no such customer in the actor's scope.
        UnknownNeed: the need is not in the taxonomy.
    """
    actor.require(Right.RECORD_NEED)
    known = [need.name for need in current().company.needs]
    if name not in known:
        raise UnknownNeed(name=name, known=known)
    with atomic():
        require_customer(actor, customer_id, now)
        need = Need.objects.create(
            customer_id=customer_id,
            name=name,
            channel=channel,
            said_at=now,
            has_note=bool(note),
            recorded_by=actor.id,
            recorded_at=now,
        )
        if note:
            vault.put(customer_id, note_name(need.id), note, now)
        record(
            actor=actor,
            now=now,
            action="record need",
            subject_kind="customer",
            subject_id=customer_id,
            right=Right.RECORD_NEED,
            before={},
            change={"need": need.id, "name": name, "channel": channel, "has_note": bool(note)},
        )
    return need


def close_need(*, actor: Actor, now: datetime, need_id: str, status: str, reason: str) -> Need:
    """Close an open need as "fulfilled" or "dropped".

    Raises:
        NotFound: there is no such need of a customer in the actor's scope.
        NeedClosed: somebody closed it before.
    """
    actor.require(Right.RECORD_NEED)
    if status not in ("fulfilled", "dropped"):
        raise ValueError(f"a need is closed as fulfilled or dropped, found {status!r}")
    with atomic():
        need = Need.objects.select_for_update().filter(id=need_id).first()
        seen = customers_in_sight(actor, now)
        if need is None or not seen.filter(pk=need.customer_id).exists():
            raise NotFound(noun="need", id=need_id)
        if need.status != "open":
            raise NeedClosed(need_id=need_id, status=need.status)
        need.status, need.closed_at, need.closed_reason = status, now, reason
        need.save(update_fields=["status", "closed_at", "closed_reason"])
        record(
            actor=actor,
            now=now,
            action="close need",
            subject_kind="customer",
            subject_id=need.customer_id,
            right=Right.RECORD_NEED,
            reason=reason,
            before={"status": "open"},
            change={"need": need.id, "status": status},
        )
    return need


def note_name(need_id: str) -> str:
    """Name of the vault's value that holds what was said about a need."""
    return f"note:{need_id}"
