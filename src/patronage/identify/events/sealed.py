"""What did an event say in full? Opened for those who may read it; never stored so."""

from __future__ import annotations

from typing import Final

from patronage.access import vault
from patronage.identify.models import Event, QuarantinedEvent

#: the place of an event's own words in the vault's terms
SEALED_AS: Final = "event"


def original_of(event: Event) -> bytes | None:
    """Give an event as it came; None where its customer was erased."""
    return vault.open_many([(event.customer_id, SEALED_AS, bytes(event.sealed))])[0]


def original_of_quarantined(event: QuarantinedEvent) -> bytes | None:
    """Give a quarantined event as it came; None where it was erased."""
    return vault.open_many([(event.id, SEALED_AS, bytes(event.sealed))])[0]
