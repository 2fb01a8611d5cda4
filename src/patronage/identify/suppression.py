"""Who may never be sent marketing, because an erased person was reached in the same way?

Erasing keeps a keyed digest of each e-mail address, phone number and other personal identifier.
Whoever is recorded later with one of them is asked here before every plan, decision and sending.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from patronage.access.models import VaultEntry
from patronage.identify.merged import ends_of, parts_of
from patronage.identify.models import Identifier, Suppression

_AT_ONCE: Final = 10_000
#: values of the vault that describe and do not reach: a namesake is somebody else
_DESCRIBE: Final = ("name", "first_name", "last_name", "given_name", "family_name", "address",
                    "street", "city", "postcode")  # fmt: skip


def suppress(customer_ids: Sequence[str], now: datetime) -> int:
    """Keep the digests of how these customers can be reached; return how many are new."""
    named = Identifier.objects.filter(customer__in=customer_ids, personal=True)
    reached = VaultEntry.objects.filter(subject_id__in=customer_ids).exclude(digest="")
    digests = {*named.values_list("kind", "value")}
    digests |= {*reached.exclude(name__in=_DESCRIBE).values_list("name", "digest")}
    before = Suppression.objects.count()
    Suppression.objects.bulk_create(
        (Suppression(kind=k, digest=d, recorded_at=now) for k, d in sorted(digests)),
        ignore_conflicts=True,
    )
    return Suppression.objects.count() - before


def suppressed(customer_ids: Sequence[str] | None = None) -> set[str]:
    """Give those of the customers (None: of everybody) who may never be sent marketing."""
    kinds = list(Suppression.objects.order_by("kind").values_list("kind", flat=True).distinct())
    if not kinds:
        return set()
    found: set[str] = set()
    asked = None if customer_ids is None else parts_of(customer_ids)
    for some in _lots(asked):
        held = VaultEntry.objects.filter(digest__in=Suppression.objects.values("digest"))
        if some is not None:
            held = held.filter(subject_id__in=some)
        found.update(held.values_list("subject_id", flat=True))
        for kind in kinds:
            digests = Suppression.objects.filter(kind=kind).values("digest")
            named = Identifier.objects.filter(kind=kind, personal=True, value__in=digests)
            if some is not None:
                named = named.filter(customer__in=some)
            found.update(named.values_list("customer_id", flat=True))
    return found | set(ends_of(found).values())


def _lots(customer_ids: Sequence[str] | None) -> list[Sequence[str] | None]:
    if customer_ids is None:
        return [None]
    return [customer_ids[at : at + _AT_ONCE] for at in range(0, len(customer_ids), _AT_ONCE)]
