"""What may be seen of contacts on their way, of those in doubt, and of conversations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from patronage.access.roles import Actor, Right
from patronage.customize.models import Contact
from patronage.identify.in_sight import customers_in_sight, require_customer
from patronage.interact import leases
from patronage.interact.errors import UnknownState
from patronage.interact.models import Interaction

STATES: Final = ("queued", "sending", "sent", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPage:
    """Some contacts, by id."""

    contacts: Sequence[Contact]
    #: pass it as `after` for the contacts that follow; None at the end
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InDoubt:
    """A contact of which nobody said how it ended; it names no customer."""

    contact_id: str
    channel: str
    due_at: datetime
    #: when its lease ran out
    since: datetime


def contacts(
    actor: Actor,
    now: datetime,
    *,
    state: str = "",
    channel: str = "",
    customer_id: str = "",
    after: str = "",
    limit: int = 50,
) -> ContactPage:
    """Give contacts of customers in scope, in an order that stays the same while paging.

    Raises:
        UnknownState: the state is none that contacts have.
    """
    actor.require(Right.SEE_CUSTOMERS)
    if state and state not in STATES:
        raise UnknownState(state=state, known=STATES)
    seen = customers_in_sight(actor, now)
    wanted = Contact.objects.filter(customer__in=seen, pk__gt=after)
    for name, value in (("state", state), ("channel", channel), ("customer_id", customer_id)):
        if value:
            wanted = wanted.filter(**{name: value})
    related = wanted.select_related("customer", "treatment__offer").order_by("pk")
    found = list(related[: limit + 1])
    more = len(found) > limit
    return ContactPage(contacts=found[:limit], next=found[limit - 1].id if more else None)


def in_doubt(actor: Actor, now: datetime, *, limit: int = 100) -> list[InDoubt]:
    """Give contacts whose sender never said how they ended, oldest first.

    The next run asks their channel; what stays here after it must be settled by a person.
    """
    actor.require(Right.DELIVER)
    rows = Contact.objects.filter(leases.in_doubt(now)).order_by("lease_until", "pk")
    return [
        InDoubt(contact_id=contact_id, channel=channel, due_at=due_at, since=since)
        for contact_id, channel, due_at, since in rows.values_list(
            "pk", "channel", "due_at", "lease_until"
        )[:limit]
        if since is not None
    ]


def interactions(
    actor: Actor, customer_id: str, now: datetime, *, limit: int = 20
) -> list[Interaction]:
    """Give conversations with a customer, newest first.

    Raises:
        NotFound: absent, erased or outside the actor's scope.
    """
    actor.require(Right.SEE_CUSTOMERS)
    require_customer(actor, customer_id, now)
    rows = Interaction.objects.filter(customer_id=customer_id, at__lte=now)
    return list(rows.select_related("need").order_by("-at", "-pk")[:limit])
