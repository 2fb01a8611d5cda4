"""How were conflicts like this one ruled on, and how often was that followed?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q

from patronage.access.errors import NotAllowed
from patronage.access.roles import Actor, Right
from patronage.govern.conflicts import conflicts_in_sight
from patronage.govern.models import ConflictRuling

_MOST: Final = 50
#: rulings of one pattern that are looked at to count who followed whom
_COUNTED: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Precedent:
    """A ruling, as the next one like it sees it."""

    #: empty where the conflict is out of the reader's sight
    conflict_id: str
    #: ownership or contact
    kind: str
    #: of all its claims
    grounds: Sequence[str]
    #: of the claim that was upheld
    upheld: str
    #: that decided; "judgement" where a person decided otherwise
    criterion: str
    reason_code: str
    #: empty where the conflict is out of the reader's sight
    reason: str
    at: datetime
    #: later rulings of the same pattern, and those of them that upheld the same grounds
    later: int
    followed: int


def precedents_of(actor: Actor, now: datetime, pattern: str, *, but: str = "") -> list[Precedent]:
    """Rulings of exactly this pattern, the newest first."""
    found = ConflictRuling.objects.filter(pattern=pattern).exclude(conflict=but)
    return _seen(list(found.order_by("-at", "-id")[:_MOST]), actor, now)


def precedents(
    actor: Actor,
    now: datetime,
    *,
    kind: str = "",
    grounds: str = "",
    criterion: str = "",
    search: str = "",
) -> list[Precedent]:
    """Search rulings; by words only those on conflicts in the actor's sight.

    Args:
        kind: ownership or contact; empty: both.
        grounds: that one of the claims had; empty: any.
        criterion: that decided; empty: any.
        search: in the words of the ruling.

    Raises:
        NotAllowed: the actor neither claims nor rules.
    """
    if not (actor.may(Right.CLAIM) or actor.may(Right.RULE_CONFLICT)):
        raise NotAllowed(actor=actor.name, right=Right.CLAIM.value)
    wanted = Q()
    if kind:
        wanted &= Q(pattern__startswith=f"{kind}: ")
    if grounds:
        wanted &= Q(conflict__claims__grounds=grounds)
    if criterion:
        wanted &= Q(criterion=criterion)
    if search.strip():
        wanted &= Q(
            reason__icontains=" ".join(search.split()),
            conflict__in=conflicts_in_sight(actor, now).order_by().values("pk"),
        )
    found = ConflictRuling.objects.filter(wanted).order_by("-at", "-id").distinct()
    return _seen(list(found[:_MOST]), actor, now)


def _seen(found: list[ConflictRuling], actor: Actor, now: datetime) -> list[Precedent]:
    ids = [each.conflict_id for each in found]
    in_sight = set(
        conflicts_in_sight(actor, now).order_by().filter(pk__in=ids).values_list("pk", flat=True)
    )
    history = _history({each.pattern for each in found})
    return [_precedent(each, in_sight, history[each.pattern]) for each in found]


def _history(patterns: set[str]) -> dict[str, list[tuple[datetime, str]]]:
    """When each pattern was ruled on, and for which grounds."""
    history: dict[str, list[tuple[datetime, str]]] = {each: [] for each in patterns}
    rows = ConflictRuling.objects.filter(pattern__in=patterns).order_by("-at")[:_COUNTED]
    for pattern, at, grounds in rows.values_list("pattern", "at", "grounds"):
        history[pattern].append((at, grounds))
    return history


def _precedent(
    ruling: ConflictRuling, in_sight: set[str], history: list[tuple[datetime, str]]
) -> Precedent:
    kind, _colon, grounds = ruling.pattern.partition(": ")
    later = [upheld for at, upheld in history if at > ruling.at]
    seen = ruling.conflict_id in in_sight
    return Precedent(
        conflict_id=ruling.conflict_id if seen else "",
        kind=kind,
        grounds=grounds.split(" + "),
        upheld=ruling.grounds,
        criterion=ruling.criterion,
        reason_code=ruling.reason_code,
        reason=ruling.reason if seen else "",
        at=ruling.at,
        later=len(later),
        followed=sum(upheld == ruling.grounds for upheld in later),
    )
