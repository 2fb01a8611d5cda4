"""What people here wrote about an erased customer, and how lists call them: removed."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Model

from patronage.access.ports import CustomersErased
from patronage.govern.models import (
    AccountMember,
    Claim,
    ConflictRuling,
    FenceChange,
    LeverRuling,
    LeverUse,
    Membership,
    ServiceTierOverride,
    Standing,
)
from patronage.identify.erasing import LABEL, WORDS

#: table, how its rows name the customer, and what people wrote there
_WRITTEN: Final[tuple[tuple[type[Model], str, tuple[str, ...]], ...]] = (
    (AccountMember, "customer", ("reason",)),
    (Claim, "customer", ("words", "end_reason")),
    (ConflictRuling, "conflict__customer", ("reason",)),
    (FenceChange, "customer", ("reason",)),
    (LeverRuling, "use__customer", ("reason",)),
    (LeverUse, "customer", ("reason",)),
    (Membership, "customer", ("reason",)),
    (ServiceTierOverride, "customer", ("reason", "end_reason")),
)


def erase(event: CustomersErased) -> None:
    """Replace every text that a person wrote; who was in charge when stays."""
    ids = list(event.customer_ids)
    for model, path, names in _WRITTEN:
        rows: Any = model._default_manager.filter(**{f"{path}__in": ids})
        for name in names:
            written = rows.exclude(**{f"{name}__in": ("", WORDS)})
            event.removed["govern: words"] += written.update(**{name: WORDS})
    Claim.objects.filter(customer__in=ids).update(evidence=[])
    Standing.objects.filter(customer__in=ids).update(label=LABEL)
