"""What waits for an erased customer is stopped; what was handed over names them no more."""

from __future__ import annotations

from patronage.access.ports import CustomersErased
from patronage.access.transactions import after_commit
from patronage.identify.erasing import WORDS
from patronage.interact.file_channel import forget
from patronage.interact.models import Attempt
from patronage.interact.settling import release_queued


def erase(event: CustomersErased) -> None:
    """Cancel queued contacts, replace what channels answered, rewrite the outbox's files."""
    ids = list(event.customer_ids)
    for each in ids:
        event.removed["interact: contacts that waited"] += release_queued(
            each, None, "the customer was erased", event.now
        )
    tries = Attempt.objects.filter(contact__customer__in=ids).exclude(detail__in=("", WORDS))
    event.removed["interact: answers of channels"] += tries.update(detail=WORDS)
    after_commit(lambda: forget(frozenset(ids)))
