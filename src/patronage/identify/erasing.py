"""What identify holds of an erased customer, and removes.

The customer's row, running totals and consents stay under the random id, so that totals and
decisions keep their meaning; whatever names or describes the person goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from patronage.access import datasets
from patronage.access.ports import CustomersErased
from patronage.identify.models import Consent, Customer, Event, Fact, Identifier

#: what an erased customer is called
LABEL: Final = "Erased"
#: stands where somebody's words stood
WORDS: Final = "erased"
_FACTS: Final = "customer_facts"


def erase(event: CustomersErased) -> None:
    """Remove identifiers, facts and words; rewrite the history's files that describe them."""
    ids = list(event.customer_ids)
    removed = event.removed
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
