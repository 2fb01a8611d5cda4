"""What is known of an erased customer's needs and objectives in people's words, and removed."""

from __future__ import annotations

from patronage.access.ports import CustomersErased
from patronage.differentiate.models import Need, ObjectiveOverride, RankMove
from patronage.identify.erasing import WORDS


def erase(event: CustomersErased) -> None:
    """Replace what people wrote; the notes of needs are in the vault, and go with it."""
    ids = list(event.customer_ids)
    Need.objects.filter(customer__in=ids).update(has_note=False)
    closed = Need.objects.filter(customer__in=ids).exclude(closed_reason__in=("", WORDS))
    said = ObjectiveOverride.objects.filter(customer__in=ids).exclude(reason=WORDS)
    revoked = ObjectiveOverride.objects.filter(customer__in=ids)
    moves = RankMove.objects.filter(client__customer__in=ids).exclude(reason=WORDS)
    event.removed["differentiate: words"] += (
        closed.update(closed_reason=WORDS)
        + revoked.exclude(revoked_reason__in=("", WORDS)).update(revoked_reason=WORDS)
        + said.update(reason=WORDS)
        + moves.update(reason=WORDS)
    )
