"""What was derived for an erased customer alone, and what people wrote about them: removed.

Decisions and contacts stay, under an id that names nobody: they are what figures are counted from.
"""

from __future__ import annotations

from patronage.access.ports import CustomersErased
from patronage.customize.models import Affinity, Ruling, RulingEnd, RulingMessage
from patronage.identify.erasing import WORDS


def erase(event: CustomersErased) -> None:
    """Drop what offers were expected to bring, and replace the words of rulings on the customer."""
    ids = list(event.customer_ids)
    event.removed["customize: expectations"] += Affinity.objects.filter(customer__in=ids).delete()[
        0
    ]
    own = Ruling.objects.filter(customer__in=ids)
    event.removed["customize: words"] += (
        RulingMessage.objects.filter(ruling__in=own).exclude(text=WORDS).update(text=WORDS)
        + RulingEnd.objects.filter(ruling__in=own).exclude(reason=WORDS).update(reason=WORDS)
        + own.exclude(reason__in=("", WORDS)).update(reason=WORDS)
    )
