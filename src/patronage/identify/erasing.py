"""Forgetting a customer: what identify holds and removes, and who may ask for it.

The customer's row, running totals and consents stay under the random id, so that totals and
decisions keep their meaning; whatever names or describes the person goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from patronage.access import datasets, erasures
from patronage.access.errors import NotFound, Refused
from patronage.access.models import Erasure
from patronage.access.ports import CustomersErased
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.identify.in_sight import require_customer
from patronage.identify.models import Consent, Customer, Event, Fact, Identifier
from patronage.identify.suppression import suppress

#: what an erased customer is called
LABEL: Final = "Erased"
#: stands where somebody's words stood
WORDS: Final = "erased"
#: why; a text of one's own could name the person again
REASONS: Final = ("asked", "court", "retention", "mistake")
_FACTS: Final = "customer_facts"


def erase_customer(*, actor: Actor, now: datetime, customer_id: str, reason: str) -> Erasure:
    """Forget a customer everywhere, for good; return the certificate.

    Sums, statements and decisions stay as they are, under a random id that names nobody. Whoever
    is recorded later with the same address gets no marketing.

    Args:
        reason: one of `REASONS`.

    Raises:
        NotAllowed: the actor may not erase.
        NotFound: there is no such customer in the actor's scope.
        Refused: the reason is none of those known.
    """
    actor.require(Right.ERASE)
    if reason not in REASONS:
        raise Refused(f"Reason {reason!r} is not known. Use one of {', '.join(REASONS)}.")
    with atomic():
        require_customer(actor, customer_id, now)
        Customer.objects.select_for_update().get(pk=customer_id)
        require_customer(actor, customer_id, now)  # nobody erased them meanwhile
        made = erasures.forget(
            actor=actor, now=now, customer_ids=[customer_id], reason=reason, right=Right.ERASE
        )
    own = next(each for each in made if each.subject_id == customer_id)
    return certificate(actor, own.id)


def certificates(actor: Actor, *, before: datetime | None = None, limit: int = 50) -> list[Erasure]:
    """Give who was erased, newest first, earlier than `before`."""
    actor.require(Right.ERASE)
    found = Erasure.objects.order_by("-erased_at", "-id")
    if before is not None:
        found = found.filter(erased_at__lt=before)
    return list(found[:limit])


def certificate(actor: Actor, id: str) -> Erasure:
    """Give one certificate.

    Raises:
        NotFound: there is none of that id.
    """
    actor.require(Right.ERASE)
    found = Erasure.objects.filter(pk=id).first()
    if found is None:
        raise NotFound(noun="erasure", id=id)
    return found


def erase(event: CustomersErased) -> None:
    """Remove identifiers, facts and words; rewrite the history's files that describe them."""
    ids = list(event.customer_ids)
    removed = event.removed
    suppress(ids, event.now)
    removed["identify: identifiers"] += Identifier.objects.filter(customer__in=ids).delete()[0]
    removed["identify: facts"] += Fact.objects.filter(customer__in=ids).delete()[0]
    said = Consent.objects.filter(customer__in=ids).exclude(source=WORDS)
    removed["identify: words of consents"] += said.update(source=WORDS)
    told = Event.objects.filter(customer__in=ids).exclude(sealed=b"")
    removed["identify: words of events"] += told.update(sealed=b"")
    Customer.objects.filter(pk__in=ids).update(label=LABEL, erased_at=event.now)
    removed["warehouse: rows of facts"] += datasets.erase_rows(
        _FACTS, ids, cause="erasure", now=event.now
    )


def with_sealed_events(customer_ids: Sequence[str]) -> list[str]:
    """Give those of these customers whose events still stand as they came."""
    told = Event.objects.filter(customer__in=customer_ids).exclude(sealed=b"")
    return list(told.order_by().values_list("customer_id", flat=True).distinct())
