"""What this stage adds to a customer's timeline: what was said, and what went out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from patronage.access.company import current
from patronage.customize.models import Contact
from patronage.identify.timeline import TimelineEntry
from patronage.interact.models import Interaction


def conversations(customer_id: str, before: datetime, limit: int) -> list[TimelineEntry]:
    """What the customer said, newest first, ties with the last included."""
    rows = Interaction.objects.filter(customer_id=customer_id, at__lt=before)
    titles = {need.name: need.title for need in current().company.needs}
    return [
        TimelineEntry(
            at=each.at,
            kind="interaction",
            title=_said(each, titles),
            subject_id=each.id,
            details={"channel": each.channel, "agent": each.agent_name},
        )
        for each in _newest(rows.select_related("need"), "at", limit)
    ]


def sent_contacts(customer_id: str, before: datetime, limit: int) -> list[TimelineEntry]:
    """What went out to the customer, newest first, ties with the last included."""
    rows = Contact.objects.filter(customer_id=customer_id, state="sent", state_at__lt=before)
    return [
        TimelineEntry(
            at=each.state_at,
            kind="contact",
            title=f"{each.treatment.offer.name} by {each.channel}",
            subject_id=each.decision_id,
            details={"channel": each.channel, "contact": each.id, **each.terms},
        )
        for each in _newest(rows.select_related("treatment__offer"), "state_at", limit)
    ]


def _said(interaction: Interaction, titles: dict[str, str]) -> str:
    if interaction.need is None:
        return f"Conversation by {interaction.channel}"
    name = interaction.need.name
    return f"Said by {interaction.channel}: {titles.get(name, name)}"


def _newest(rows: QuerySet[Any], at: str, limit: int) -> list[Any]:
    ordered = rows.order_by(f"-{at}", "-pk")
    found = list(ordered[:limit])
    if found and len(found) == limit:
        shown = [each.pk for each in found]
        found += ordered.filter(**{at: getattr(found[-1], at)}).exclude(pk__in=shown)
    return found
