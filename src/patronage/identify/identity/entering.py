"""New customers come in: their rows, their empty totals, and word to the rooms above."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from patronage.access import audit
from patronage.access.ports import CustomersCreated, customers_created
from patronage.access.roles import Actor, Right
from patronage.identify import bulk
from patronage.identify.models import Customer, Profile


def enter(
    *,
    actor: Actor,
    now: datetime,
    customer_ids: Sequence[str],
    entered_at: Sequence[datetime],
    right: Right,
    kinds: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    entries: Sequence[str] | None = None,
) -> None:
    """Make customers whose ids are drawn already, in the caller's transaction.

    Args:
        entered_at: first event of each, not later than now.
        kinds: person, household or organisation of each; None: persons.
        labels: display name of each; None: "Customer" and the end of the id.
        entries: panel or acquired; None: acquired.
    """
    count = len(customer_ids)
    if not count:
        return
    shown = labels or [f"Customer {each[-6:]}" for each in customer_ids]
    bulk.insert(
        Customer,
        {
            "id": customer_ids,
            "kind": kinds or ["person"] * count,
            "label": shown,
            "entry": entries or ["acquired"] * count,
            "entered_at": entered_at,
            "created_at": [now] * count,
        },
    )
    totals = ("orders", "order_lines", "return_lines", "spend_minor", "returned_minor")
    zeros = dict.fromkeys((*totals, "contacts", "redemptions"), [0] * count)
    bulk.insert(Profile, {"customer": customer_ids} | zeros)
    customers_created.announce(
        CustomersCreated(
            customers=list(zip(customer_ids, shown, entered_at, strict=True)), actor=actor, now=now
        )
    )
    audit.record(
        actor=actor,
        now=now,
        action="create customers",
        subject_kind="customer",
        subject_id=customer_ids[0] if count == 1 else f"{count} customers",
        right=right,
        before={},
        change={"customers": count},
    )
