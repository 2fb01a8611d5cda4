"""The enterprise sets what no lever and no rule can pass, and lifts it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.errors import NotFound
from patronage.access.roles import SYSTEM, Actor, Right
from patronage.access.transactions import atomic, take_turns
from patronage.govern.actions.conditions import stated
from patronage.govern.boundaries import NewBoundary, checked
from patronage.govern.errors import BoundaryRefused
from patronage.govern.models import Boundary
from patronage.vocabulary.periods import as_utc

_INSTANT: Final = timedelta(microseconds=1)


def set_boundary(
    *,
    actor: Actor,
    now: datetime,
    new: NewBoundary,
    reason: str,
    valid_from: datetime | None = None,
) -> Boundary:
    """Set a boundary from now or a later instant on, in place of the one of the same name.

    Raises:
        NotAllowed: the actor may not set boundaries.
        NoReason: no reason is given.
        BoundaryRefused: it cannot be used; the message says where and why.
    """
    actor.require(Right.SET_BOUNDARY)
    why, starts = stated(reason), _starts(valid_from, now)
    row = checked(new, actor)
    row.reason, row.valid_from = why, starts
    return _keep(actor, now, row, "set boundary")


def lift_boundary(*, actor: Actor, now: datetime, boundary_id: str, reason: str) -> Boundary:
    """Let nothing of the boundary's name hold any more, from now on; it stays on record.

    One that is announced is lifted the instant after it begins.

    Raises:
        NotAllowed: the actor may not set boundaries.
        NotFound: there is no such boundary.
        BoundaryRefused: it was lifted already.
    """
    actor.require(Right.SET_BOUNDARY)
    why = stated(reason)
    found = Boundary.objects.filter(pk=boundary_id).first()
    if found is None:
        raise NotFound(noun="boundary", id=boundary_id)
    newest = Boundary.objects.filter(name=found.name).latest("valid_from")
    if newest.lifted:
        raise BoundaryRefused(_("%(name)r was lifted already.") % {"name": found.name})
    row = checked(NewBoundary(
        name=newest.name, kind=newest.kind, source=newest.source, when=newest.when,
        category=newest.category, product=newest.product, limit=newest.limit, unit=newest.unit,
        per=newest.per, role=newest.role,
    ), SYSTEM)  # fmt: skip  # whoever set it could ask what it asks
    row.lifted, row.reason = True, why
    row.valid_from = max(now, newest.valid_from + _INSTANT)
    return _keep(actor, now, row, "lift boundary")


def _starts(valid_from: datetime | None, now: datetime) -> datetime:
    starts = now if valid_from is None else as_utc(valid_from)
    if starts < now:
        raise BoundaryRefused(_("A boundary holds from now on or later; what was done stays done."))
    return starts


def _keep(actor: Actor, now: datetime, row: Boundary, action: str) -> Boundary:
    with atomic():
        # together with pulls: none is judged by what no longer holds when it is written
        take_turns("levers")
        before = Boundary.objects.filter(name=row.name).order_by("-valid_from").first()
        if before is not None and before.valid_from >= row.valid_from:
            raise BoundaryRefused(
                _("%(name)r is set from %(valid_from)s UTC on already. Choose a later instant.")
                % {"name": row.name, "valid_from": f"{before.valid_from:%Y-%m-%d %H:%M}"}
            )
        row.actor_id, row.recorded_at = actor.id, now
        row.save(force_insert=True)
        audit.record(
            actor=actor,
            now=now,
            action=action,
            subject_kind="boundary",
            subject_id=row.id,
            right=Right.SET_BOUNDARY,
            reason=row.reason,
            before={} if before is None else _words(before),
            change=_words(row),
        )
    return row


def _words(row: Boundary) -> dict[str, object]:
    names = (
        "name",
        "kind",
        "when",
        "category",
        "product",
        "limit",
        "unit",
        "per",
        "role",
        "source",
    )
    words: dict[str, object] = {name: getattr(row, name) for name in names}
    return words | {"valid_from": row.valid_from.isoformat(), "lifted": row.lifted}
