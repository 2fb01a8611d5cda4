"""Which keys do other systems call with? Made, rotated, revoked; shown once, kept as a digest."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from functools import lru_cache

from django.db.models import Q
from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.actor import USE_KEPT_TO, digest_of_key
from patronage.access.errors import NotFound, Refused
from patronage.access.models import ApiKey, User
from patronage.access.people import checked_name
from patronage.access.roles import Actor, Right, Role
from patronage.access.transactions import atomic

_KEY_BYTES = 32
#: longest that a key still opens after it was replaced
LONGEST_OVERLAP = timedelta(days=30)


def create_key(
    *, actor: Actor, now: datetime, label: str, role: Role, user: User | None = None
) -> tuple[ApiKey, str]:
    """Make a key; the second part of the answer is the key itself, shown this once only.

    An administrator makes keys for systems and for anybody; a person makes keys that act as
    themselves, in a role they hold.
    """
    is_own = user is not None and user.id == actor.id and role in actor.roles
    if not is_own:
        actor.require(Right.ADMINISTER)
    label = checked_name(label)
    with atomic():
        key, raw = _made(actor, now, label=label, role=role, user=user)
        audit.record(
            actor=actor,
            now=now,
            action="create key",
            subject_kind="key",
            subject_id=key.id,
            right=None if is_own else Right.ADMINISTER,
            before={},
            change={"label": label, "role": role.value, "person": user.id if user else None},
        )
    return key, raw


def rotate_key(
    *, actor: Actor, now: datetime, key_id: str, reason: str, overlap: timedelta = timedelta()
) -> tuple[ApiKey, str]:
    """Make a key in the place of another, which opens nothing once the overlap is over.

    Raises:
        NotFound: there is no such key that the actor may change.
        Refused: it was revoked already, or the overlap is negative or longer than 30 days.
    """
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise Refused(
            _("A replaced key may go on for 0 to %(days)s days; found %(overlap)s.")
            % {"days": LONGEST_OVERLAP.days, "overlap": overlap}
        )
    with atomic():
        old = _own(actor, key_id)
        if old.revoked_at is not None:
            raise Refused(
                _("The key %(label)r was revoked or replaced. Make a new one.")
                % {"label": old.label}
            )
        key, raw = _made(
            actor, now, label=old.label, role=Role(old.role), user=old.user, replaces=old
        )
        old.revoked_at = now + overlap
        old.save(update_fields=["revoked_at"])
        audit.record(
            actor=actor,
            now=now,
            action="rotate key",
            subject_kind="key",
            subject_id=old.id,
            right=_right_over(actor, old),
            reason=reason,
            before={"revoked_at": None},
            change={"revoked_at": old.revoked_at, "replaced_by": key.id},
        )
    return key, raw


def revoke_key(*, actor: Actor, now: datetime, key_id: str, reason: str) -> ApiKey:
    """End a key at `now`: the next call with it is refused. Revoking it again changes nothing."""
    with atomic():
        key = _own(actor, key_id)
        if key.revoked_at is None or key.revoked_at > now:
            before = key.revoked_at
            key.revoked_at = now
            key.save(update_fields=["revoked_at"])
            audit.record(
                actor=actor,
                now=now,
                action="revoke key",
                subject_kind="key",
                subject_id=key.id,
                right=_right_over(actor, key),
                reason=reason,
                before={"revoked_at": before},
                change={"revoked_at": now},
            )
    return key


@lru_cache(maxsize=10_000)
def first_of(key_id: str) -> str:
    """Give the id of the first key in whose place this one came: rotated, a source stays itself.

    An id that is no key's is its own first.
    """
    replaces = ApiKey.objects.filter(pk=key_id).values_list("replaces_id", flat=True).first()
    return key_id if replaces is None else first_of(replaces)


def note_use(actor: Actor, now: datetime) -> None:
    """Keep that the actor's key was let in; written at most once an hour for each key."""
    if actor.key_to_note:
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - USE_KEPT_TO)
        with atomic():
            ApiKey.objects.filter(stale, pk=actor.key_to_note).update(last_used_at=now)


def _made(
    actor: Actor,
    now: datetime,
    *,
    label: str,
    role: Role,
    user: User | None,
    replaces: ApiKey | None = None,
) -> tuple[ApiKey, str]:
    raw = "pat_" + secrets.token_urlsafe(_KEY_BYTES)
    key = ApiKey.objects.create(
        digest=digest_of_key(raw),
        label=label,
        role=role.value,
        user=user,
        created_at=now,
        created_by=actor.id,
        replaces=replaces,
    )
    return key, raw


def _own(actor: Actor, key_id: str) -> ApiKey:
    """The key, if it is the actor's own or the actor is an administrator."""
    key = ApiKey.objects.select_for_update().filter(pk=key_id).first()
    if key is None or (key.user_id != actor.id and not actor.may(Right.ADMINISTER)):
        actor.require(Right.ADMINISTER)
        raise NotFound(noun="key", id=key_id)
    return key


def _right_over(actor: Actor, key: ApiKey) -> Right | None:
    return None if key.user_id == actor.id else Right.ADMINISTER
