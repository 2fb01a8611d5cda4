"""Who works here, in which roles, and which keys other systems call with."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    MinimumLengthValidator,
)
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import QuerySet

from patronage.access import audit
from patronage.access.actor import digest_of_key
from patronage.access.errors import NotFound, Refused
from patronage.access.models import ApiKey, RoleGrant, User
from patronage.access.roles import Actor, Right, Role
from patronage.access.transactions import atomic, take_turns

SHORTEST_PASSWORD = 8
_KEY_BYTES = 32


class LastAdministrator(Refused):
    """Nobody would be left to grant roles."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is the last administrator. Make another person administrator first."
        )


def create_user(
    *,
    actor: Actor,
    now: datetime,
    email: str,
    name: str,
    password: str,
    roles: Iterable[Role],
    reason: str,
) -> User:
    """Add a person with their first roles.

    Raises:
        Refused: the address is taken or none, the name is empty, or the password too easy.
    """
    actor.require(Right.ADMINISTER)
    email = _checked_email(email)
    user = User(email=email, name=_checked_name(name), created_at=now)
    _set_checked_password(user, password)
    with atomic():
        take_turns("people")
        if User.objects.filter(email=email).exists():
            raise Refused(f"There is already a person with the address {email}. Use another one.")
        user.save(force_insert=True)
        _record(actor, now, "create person", user, reason, {"name": user.name})
        for role in dict.fromkeys(roles):
            _open_grant(actor, now, user, role, reason)
    return user


def set_password(*, actor: Actor, now: datetime, user_id: str, password: str) -> User:
    """Give a person another password: their own, or anybody's for an administrator."""
    if actor.id != user_id:
        actor.require(Right.ADMINISTER)
    with atomic():
        user = _person(user_id)
        _set_checked_password(user, password)
        user.save(update_fields=["password"])
        _record(actor, now, "set password", user, "", {})
    return user


def grant_role(*, actor: Actor, now: datetime, user_id: str, role: Role, reason: str) -> RoleGrant:
    """Give a person a role from `now` on; a role held already stays as it is."""
    actor.require(Right.ADMINISTER)
    with atomic():
        take_turns("people")
        user = _person(user_id)
        held = _open(role).filter(user=user).first()
        return held or _open_grant(actor, now, user, role, reason)


def revoke_role(*, actor: Actor, now: datetime, user_id: str, role: Role, reason: str) -> RoleGrant:
    """End a role at `now`; the next request no longer has it.

    Raises:
        Refused: the person does not hold the role.
        LastAdministrator: nobody else could administer.
    """
    actor.require(Right.ADMINISTER)
    with atomic():
        take_turns("people")
        user = _person(user_id)
        grant = _open(role).filter(user=user).first()
        if grant is None:
            raise Refused(f"{user.name} does not hold the role {role.value}.")
        if role is Role.ADMINISTRATOR:
            _keep_an_administrator(user)
        grant.ends_at = now
        grant.save(update_fields=["ends_at"])
        _record(actor, now, "revoke role", user, reason, {"role": role.value})
    return grant


def close_account(*, actor: Actor, now: datetime, user_id: str, reason: str) -> User:
    """Let a person who left neither log in nor act; what they did stays in their name."""
    actor.require(Right.ADMINISTER)
    with atomic():
        take_turns("people")
        user = _person(user_id)
        if _open(Role.ADMINISTRATOR).filter(user=user).exists():
            _keep_an_administrator(user)
        user.is_active = False
        user.save(update_fields=["is_active"])
        _record(actor, now, "close account", user, reason, {})
    return user


def create_key(
    *, actor: Actor, now: datetime, label: str, role: Role, user: User | None = None
) -> tuple[ApiKey, str]:
    """Make a key; the second part of the answer is the key itself, shown this once only.

    An administrator makes keys for systems and for anybody; a person makes keys that act as
    themselves, in a role they hold.
    """
    if user is None or user.id != actor.id or role not in actor.roles:
        actor.require(Right.ADMINISTER)
    label = _checked_name(label)
    raw = "pat_" + secrets.token_urlsafe(_KEY_BYTES)
    with atomic():
        key = ApiKey.objects.create(
            digest=digest_of_key(raw),
            label=label,
            role=role.value,
            user=user,
            created_at=now,
            created_by=actor.id,
        )
        audit.record(
            actor=actor,
            now=now,
            action="create key",
            subject_kind="key",
            subject_id=key.id,
            right=Right.ADMINISTER,
            change={"label": label, "role": role.value, "person": user.id if user else None},
        )
    return key, raw


def revoke_key(*, actor: Actor, now: datetime, key_id: str, reason: str) -> ApiKey:
    """End a key at `now`: the next call with it is refused. Revoking it again changes nothing."""
    with atomic():
        key = ApiKey.objects.select_for_update().filter(pk=key_id).first()
        if key is None or (key.user_id != actor.id and not actor.may(Right.ADMINISTER)):
            actor.require(Right.ADMINISTER)
            raise NotFound(noun="key", id=key_id)
        if key.revoked_at is None:
            key.revoked_at = now
            key.save(update_fields=["revoked_at"])
            audit.record(
                actor=actor,
                now=now,
                action="revoke key",
                subject_kind="key",
                subject_id=key.id,
                right=Right.ADMINISTER,
                reason=reason,
            )
    return key


def _open_grant(actor: Actor, now: datetime, user: User, role: Role, reason: str) -> RoleGrant:
    grant = RoleGrant.objects.create(
        user=user, role=role.value, starts_at=now, granted_by=actor.id, reason=reason
    )
    _record(actor, now, "grant role", user, reason, {"role": role.value})
    return grant


def _open(role: Role) -> QuerySet[RoleGrant]:
    return RoleGrant.objects.filter(role=role.value, ends_at__isnull=True)


def _keep_an_administrator(leaving: User) -> None:
    others = _open(Role.ADMINISTRATOR).filter(user__is_active=True).exclude(user=leaving)
    if not others.exists():
        raise LastAdministrator(leaving.name)


def _person(user_id: str) -> User:
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise NotFound(noun="person", id=user_id)
    return user


def _record(
    actor: Actor,
    now: datetime,
    action: str,
    user: User,
    reason: str,
    change: dict[str, str],
    right: Right | None = Right.ADMINISTER,
) -> None:
    audit.record(
        actor=actor,
        now=now,
        action=action,
        subject_kind="person",
        subject_id=user.id,
        right=right,
        reason=reason,
        change=change,
    )


def _checked_email(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise Refused(f"{email!r} is not an e-mail address, such as ana@example.com.") from error
    return email


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 200 or not name.isprintable():
        raise Refused(f"A name has 1 to 200 printable characters; found {name[:40]!r}.")
    return name


def _set_checked_password(user: User, password: str) -> None:
    try:
        MinimumLengthValidator(SHORTEST_PASSWORD).validate(password, user)
        CommonPasswordValidator().validate(password, user)
    except ValidationError as error:
        raise Refused(" ".join(error.messages)) from error
    user.set_password(password)
