"""What was this customer offered at that time? For who reads the audit log."""

from __future__ import annotations

from datetime import datetime

from patronage.access.roles import Actor, Right
from patronage.customize.models import Decision


def decisions_about(
    actor: Actor,
    customer_id: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 20,
) -> list[Decision]:
    """Give what was decided for a customer from `since` until before `until`, newest first.

    Who reads the audit log sees every decision with its reasons, whoever's customer it was, and
    nothing else of the customer.
    """
    actor.require(Right.SEE_AUDIT)
    found = Decision.objects.filter(customer_id=customer_id)
    if since is not None:
        found = found.filter(at__gte=since)
    if until is not None:
        found = found.filter(at__lt=until)
    found = found.select_related("portfolio", "treatment__offer", "run", "contact")
    return list(found.order_by("-at", "-id")[:limit])
