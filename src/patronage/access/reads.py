"""What a screen or the API may see of the audit log, people and keys."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Prefetch, Q, QuerySet, TextField
from django.db.models.functions import Cast

from patronage.access.errors import NotFound
from patronage.access.models import ApiKey, AuditEntry, RoleGrant, User
from patronage.access.roles import Actor, Right, Role

EXPORT_COLUMNS = (
    "number",
    "at",
    "actor_id",
    "actor_name",
    "action",
    "subject_kind",
    "subject_id",
    "right",
    "role",
    "reason",
    "before",
    "change",
    "digest",
)
#: actions that say something about the log itself
CHECKED = "verify audit log"
EXPORTED = "export checkpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuestion:
    """Which rows of the audit log are wanted; empty means any."""

    #: a part of the name, or the id, of who acted
    who: str = ""
    #: what was done, such as "grant role"
    action: str = ""
    subject_kind: str = ""
    subject_id: str = ""
    #: an id that the row is about or that its change names
    about: str = ""
    #: the first instant
    since: datetime | None = None
    #: the first instant that is too late
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Some rows of the audit log, newest first."""

    #: the rows
    entries: Sequence[AuditEntry]
    #: pass it as `before` for the rows that follow; None at the end
    next: int | None


def audit_page(
    actor: Actor,
    question: AuditQuestion | None = None,
    *,
    before: int | None = None,
    limit: int = 50,
) -> AuditPage:
    """Give the newest rows that answer the question, recorded before row id `before`."""
    entries = _answers(actor, question or AuditQuestion())
    if before is not None:
        entries = entries.filter(id__lt=before)
    found = list(entries[: limit + 1])
    shown = found[:limit]
    return AuditPage(entries=shown, next=shown[-1].pk if len(found) > limit else None)


def audit_rows(actor: Actor, question: AuditQuestion) -> Iterator[tuple[str, ...]]:
    """Give all rows that answer the question, newest first, as texts in `EXPORT_COLUMNS`."""
    entries = _answers(actor, question)
    return (_texts(entry) for entry in entries.iterator(2000))


def audit_actions(actor: Actor) -> list[str]:
    """Give every kind of action that was recorded, by name."""
    actor.require(Right.SEE_AUDIT)
    return list(AuditEntry.objects.order_by("action").values_list("action", flat=True).distinct())


def newest(actor: Actor, action: str) -> AuditEntry | None:
    """Give the last row of an action; None before the first."""
    actor.require(Right.SEE_AUDIT)
    return AuditEntry.objects.filter(action=action).order_by("-id").first()


def people(actor: Actor, *, search: str = "", is_active: bool | None = None) -> list[User]:
    """Give everybody who works or worked here, by name; their open grants as `open_grants`."""
    actor.require(Right.ADMINISTER)
    found = User.objects.order_by("name", "id").select_related("second_factor")
    if search:
        found = found.filter(Q(name__icontains=search) | Q(email__icontains=search))
    if is_active is not None:
        found = found.filter(is_active=is_active)
    still = RoleGrant.objects.filter(ends_at__isnull=True).order_by("role")
    return list(found.prefetch_related(Prefetch("grants", still, to_attr="open_grants")))


def person(actor: Actor, user_id: str) -> User:
    """Give one person; everybody may look at themselves.

    Raises:
        NotFound: there is no such person.
    """
    if actor.id != user_id:
        actor.require(Right.ADMINISTER)
    found = User.objects.select_related("second_factor").filter(pk=user_id).first()
    if found is None:
        raise NotFound(noun="person", id=user_id)
    return found


def grants(actor: Actor, user_id: str) -> list[RoleGrant]:
    """Give every role a person holds or held, the latest first."""
    user = person(actor, user_id)
    return list(user.grants.order_by("-starts_at", "-id"))


def keys(actor: Actor, *, user_id: str = "") -> list[ApiKey]:
    """Give the keys an actor may revoke, newest first: all for an administrator, else their own."""
    found = ApiKey.objects.select_related("user").order_by("-created_at", "id")
    if not actor.may(Right.ADMINISTER):
        found = found.filter(user_id=actor.id)
    return list(found.filter(user_id=user_id) if user_id else found)


def roles_to_make_keys_in(actor: Actor) -> list[Role]:
    """Give the roles in which an actor may make a key: all for an administrator, else their own."""
    return list(Role) if actor.may(Right.ADMINISTER) else sorted(actor.roles)


def _answers(actor: Actor, question: AuditQuestion) -> QuerySet[AuditEntry]:
    actor.require(Right.SEE_AUDIT)
    entries: QuerySet[AuditEntry] = AuditEntry.objects.order_by("-id")
    for name in ("action", "subject_kind", "subject_id"):
        if value := getattr(question, name):
            entries = entries.filter(**{name: value})
    if question.who:
        entries = entries.filter(Q(actor_id=question.who) | Q(actor_name__icontains=question.who))
    if question.about:
        # within JSON an id stands in quotation marks, so that none is found inside another
        quoted = f'"{question.about}"'
        said = {"now": Cast("change", TextField()), "then": Cast("before", TextField())}
        names_it = Q(now__contains=quoted) | Q(then__contains=quoted)
        entries = entries.alias(**said).filter(Q(subject_id=question.about) | names_it)
    if question.since is not None:
        entries = entries.filter(at__gte=question.since)
    if question.until is not None:
        entries = entries.filter(at__lt=question.until)
    return entries


def _texts(entry: AuditEntry) -> tuple[str, ...]:
    return tuple(_text(getattr(entry, name)) for name in EXPORT_COLUMNS)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True, ensure_ascii=False, cls=DjangoJSONEncoder)
    return "" if value is None else str(value)
