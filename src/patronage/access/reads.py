"""What a screen or the API may see of the audit log, people and keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from patronage.access.models import ApiKey, AuditEntry, User
from patronage.access.roles import Actor, Right


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Some rows of the audit log, newest first."""

    #: the rows
    entries: Sequence[AuditEntry]
    #: pass it as `before` for the rows that follow; None at the end
    next: int | None


def audit_page(
    actor: Actor,
    *,
    subject_kind: str = "",
    subject_id: str = "",
    before: int | None = None,
    limit: int = 50,
) -> AuditPage:
    """Give the newest rows, all or about one subject, recorded before row id `before`."""
    actor.require(Right.SEE_AUDIT)
    entries: QuerySet[AuditEntry] = AuditEntry.objects.order_by("-id")
    if subject_kind:
        entries = entries.filter(subject_kind=subject_kind)
    if subject_id:
        entries = entries.filter(subject_id=subject_id)
    if before is not None:
        entries = entries.filter(id__lt=before)
    found = list(entries[: limit + 1])
    shown = found[:limit]
    return AuditPage(entries=shown, next=shown[-1].pk if len(found) > limit else None)


def people(actor: Actor) -> list[User]:
    """Give everybody who works here, by name."""
    actor.require(Right.ADMINISTER)
    return list(User.objects.order_by("name", "id").prefetch_related("grants"))


def keys(actor: Actor) -> list[ApiKey]:
    """Give the keys an actor may revoke, newest first: all for an administrator, else their own."""
    found = ApiKey.objects.select_related("user").order_by("-created_at", "id")
    if not actor.may(Right.ADMINISTER):
        found = found.filter(user_id=actor.id)
    return list(found)
