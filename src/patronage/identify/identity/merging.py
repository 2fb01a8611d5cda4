"""Make two customers one, and take it back: one transaction each, exactly reversible.

No row of history moves. A merge row says who is whom; what is derived from history is derived
anew, and the stricter word on consent stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import OuterRef, Subquery

from patronage.access import audit
from patronage.access.errors import NotFound, Refused
from patronage.access.ports import (
    CustomersMerged,
    CustomersUnmerged,
    customers_merged,
    customers_unmerged,
)
from patronage.access.roles import Actor, Right
from patronage.access.texts import checked
from patronage.access.transactions import atomic, take_turns
from patronage.identify import merged, profiles
from patronage.identify.identity import agreed
from patronage.identify.in_sight import require_customer
from patronage.identify.models import THERE, Customer, Merge
from patronage.vocabulary.ids import IdPrefix, new_ids

ADOPTED: Final = "adopted"
NAMED: Final = "named"
STEWARD: Final = "steward"
LIKELY: Final = "likely"
_LONGEST: Final = 400


class MergeRefused(Refused):
    """The two cannot become one, or cannot be parted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two customers who are to become one."""

    kept_id: str
    absorbed_id: str
    #: what speaks for it, by name; nothing personal
    evidence: Mapping[str, Any]


def merge_customers(
    *,
    actor: Actor,
    now: datetime,
    kept_id: str,
    absorbed_id: str,
    reason: str,
    evidence: Mapping[str, Any] | None = None,
) -> Merge:
    """Make one customer of two; what is known of either is known of the kept one from here on.

    Raises:
        NotAllowed: the actor may not merge customers.
        NotFound: one of them is absent, erased, absorbed already or out of sight.
        MergeRefused: they are one already, or no reason is given.
    """
    actor.require(Right.MERGE)
    with atomic():
        take_turns("identity")
        for each in (kept_id, absorbed_id):
            require_customer(actor, each, now)
        pair = Pair(kept_id=kept_id, absorbed_id=absorbed_id, evidence=evidence or {})
        (made,) = merge_all(
            actor=actor, now=now, pairs=[pair], cause=STEWARD, reason=reason, right=Right.MERGE
        )
    return made


def merge_all(
    *,
    actor: Actor,
    now: datetime,
    pairs: Sequence[Pair],
    cause: str,
    reason: str,
    right: Right,
) -> list[Merge]:
    """Merge many pairs in the caller's transaction and turn, in a few statements.

    A customer who was absorbed by an earlier pair is who they became.

    Raises:
        MergeRefused: a customer is not there, the two are one already, or no reason is given.
    """
    why = _reason(reason)
    named = {each for pair in pairs for each in (pair.kept_id, pair.absorbed_id)}
    there = set(Customer.objects.filter(THERE, pk__in=named).values_list("pk", flat=True))
    if missing := sorted(named - there):
        raise MergeRefused(
            f"{missing[0]} is erased, absorbed by another or unknown. Look the customer up anew."
        )
    ids, number = new_ids(IdPrefix.MERGE, len(pairs)), merged.newest_number() or 0
    became: dict[str, str] = {}
    made: list[Merge] = []
    for key, pair in zip(ids, pairs, strict=True):
        kept, absorbed = (_now(each, became) for each in (pair.kept_id, pair.absorbed_id))
        if kept == absorbed:
            raise MergeRefused(f"{pair.kept_id} and {pair.absorbed_id} are one already.")
        became[absorbed] = kept
        number += 1
        made.append(
            Merge(
                id=key,
                number=number,
                kept_id=kept,
                absorbed_id=absorbed,
                cause=cause,
                reason=why,
                evidence=dict(pair.evidence),
                at=now,
                actor_id=actor.id,
            )
        )
    Merge.objects.bulk_create(made)
    absorbed_ids = [each.absorbed_id for each in made]
    into = Merge.objects.filter(absorbed=OuterRef("pk"), undone_number__isnull=True)
    Customer.objects.filter(pk__in=absorbed_ids).update(
        merged_into=Subquery(into.values("kept")[:1])
    )
    profiles.derive_anew(absorbed_ids)
    agreed.tighten(actor=actor, now=now, merges=made)
    customers_merged.announce(
        CustomersMerged(
            pairs=_pairs(made), adopted=cause == ADOPTED, reason=why, actor=actor, now=now
        )
    )
    _record("merge customers", made, actor, now, why, right, before={})
    return made


def unmerge_customers(*, actor: Actor, now: datetime, merge_id: str, reason: str) -> Merge:
    """Part two customers again: totals, memberships and consents stand as without the merge.

    What came in since under the kept customer's own names stays theirs.

    Raises:
        NotAllowed: the actor may not merge customers.
        NotFound: there is no such merge, or its customer is out of the actor's sight.
        MergeRefused: it is undone already, or no reason is given.
    """
    actor.require(Right.MERGE)
    why = _reason(reason)
    with atomic():
        take_turns("identity")
        found = Merge.objects.filter(pk=merge_id).first()
        if found is None:
            raise NotFound(noun="merge", id=merge_id)
        ends = merged.ends_of([found.kept_id])
        require_customer(actor, ends.get(found.kept_id, found.kept_id), now)
        if found.undone_at is not None:
            raise MergeRefused("This merge is undone already.")
        if now <= found.at:
            raise MergeRefused("The two became one at this very instant. Try again in a moment.")
        found.undone_number = (merged.newest_number() or 0) + 1
        found.undone_at, found.undone_by, found.undone_reason = now, actor.id, why
        found.save(update_fields=["undone_number", "undone_at", "undone_by", "undone_reason"])
        Customer.objects.filter(pk=found.absorbed_id).update(merged_into=None)
        profiles.derive_anew([found.absorbed_id, found.kept_id])
        agreed.loosen(actor=actor, now=now, merge=found)
        customers_unmerged.announce(
            CustomersUnmerged(pairs=_pairs([found]), reason=why, actor=actor, now=now)
        )
        _record("unmerge customers", [found], actor, now, why, Right.MERGE, before={"undone": ""})
    return found


def _now(customer_id: str, became: Mapping[str, str]) -> str:
    while customer_id in became:
        customer_id = became[customer_id]
    return customer_id


def _reason(text: str) -> str:
    why = checked(" ".join(text.split()), what="reason", longest=_LONGEST)
    if not why:
        raise MergeRefused("Say why, in a few words: whoever looks at it later will ask.")
    return why


def _pairs(merges: Sequence[Merge]) -> list[tuple[str, str, str]]:
    return [(each.id, each.kept_id, each.absorbed_id) for each in merges]


def _record(
    action: str,
    merges: Sequence[Merge],
    actor: Actor,
    now: datetime,
    why: str,
    right: Right,
    *,
    before: dict[str, Any],
) -> None:
    one = merges[0]
    audit.record(
        actor=actor,
        now=now,
        action=action,
        subject_kind="customer",
        subject_id=one.kept_id if len(merges) == 1 else f"{len(merges)} merges",
        right=right,
        reason=why,
        before=before,
        change={"cause": one.cause, "merges": [list(each) for each in _pairs(merges)]},
    )
