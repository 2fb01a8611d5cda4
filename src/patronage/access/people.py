"""Who works here, and in which roles?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    MinimumLengthValidator,
)
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.actor import open_roles
from patronage.access.errors import NotFound, Refused
from patronage.access.models import RoleGrant, User
from patronage.access.ports import PersonLeaves, person_leaves
from patronage.access.roles import Actor, Right, Role
from patronage.access.transactions import atomic, take_turns

SHORTEST_PASSWORD = 8


class LastAdministrator(Refused):
    """Nobody would be left to grant roles."""

    def __init__(self, name: str) -> None:
        super().__init__(
            _("%(name)s is the last administrator. Make another person administrator first.")
            % {"name": name}
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
    must_change_password: bool = False,
) -> User:
    """Add a person with their first roles.

    Args:
        must_change_password: whether the password is only for the first log-in.

    Raises:
        Refused: the address is taken or none, the name is empty, or the password too easy.
    """
    actor.require(Right.ADMINISTER)
    email = _checked_email(email)
    user = User(
        email=email,
        name=checked_name(name),
        created_at=now,
        must_change_password=must_change_password,
    )
    _set_checked_password(user, password)
    with atomic():
        take_turns("people")
        if User.objects.filter(email=email).exists():
            raise Refused(
                _("There is already a person with the address %(email)s. Use another one.")
                % {"email": email}
            )
        user.save(force_insert=True)
        _record(actor, now, "create person", user, reason, after={"name": user.name})
        for role in dict.fromkeys(roles):
            _open_grant(actor, now, user, role, reason)
    return user


def set_password(*, actor: Actor, now: datetime, user_id: str, password: str) -> User:
    """Give a person another password: their own, or anybody's for an administrator.

    One that an administrator sets has to be changed at the next log-in. Sessions that began with
    the old one end.
    """
    is_own = actor.id == user_id
    if not is_own:
        actor.require(Right.ADMINISTER)
    with atomic():
        user = _person(user_id)
        _set_checked_password(user, password)
        user.must_change_password = not is_own
        user.save(update_fields=["password", "must_change_password"])
        _record(actor, now, "set password", user, right=None if is_own else Right.ADMINISTER)
    return user


def grant_role(*, actor: Actor, now: datetime, user_id: str, role: Role, reason: str) -> RoleGrant:
    """Give a person a role from `now` on; a role held already stays as it is.

    Raises:
        Refused: the account is closed.
    """
    actor.require(Right.ADMINISTER)
    with atomic():
        take_turns("people")
        user = _person(user_id)
        if not user.is_active:
            raise Refused(
                _("The account of %(name)s is closed. Reopen it first.") % {"name": user.name}
            )
        held = _open(role).filter(user=user).first()
        return held or _open_grant(actor, now, user, role, reason)


def revoke_role(*, actor: Actor, now: datetime, user_id: str, role: Role, reason: str) -> RoleGrant:
    """End a role at `now`; the next request no longer has it.

    Raises:
        Refused: the person does not hold the role, or something rests on it.
        LastAdministrator: nobody else could administer.
    """
    actor.require(Right.ADMINISTER)
    with atomic():
        take_turns("people")
        user = _person(user_id)
        grant = _open(role).filter(user=user).first()
        if grant is None:
            raise Refused(
                _("%(name)s does not hold the role %(value)s.")
                % {"name": user.name, "value": role.value}
            )
        before = open_roles(user, now)
        if user.is_active:
            _let_go(user, now, frozenset({role}))
        grant.ends_at = now
        grant.save(update_fields=["ends_at"])
        _record(
            actor,
            now,
            "revoke role",
            user,
            reason,
            before={"roles": _words(before)},
            after={"role": role.value, "roles": _words(before - {role})},
        )
    return grant


def close_account(*, actor: Actor, now: datetime, user_id: str, reason: str) -> User:
    """Let a person who left neither log in nor act; what they did stays in their name.

    Raises:
        Refused: something rests on the person; the message says what to do first.
        LastAdministrator: nobody else could administer.
    """
    actor.require(Right.ADMINISTER)
    with atomic():
        take_turns("people")
        user = _person(user_id)
        if user.is_active:
            _let_go(user, now, open_roles(user, now))
            _set_active(actor, now, user, reason, is_active=False)
    return user


def reopen_account(*, actor: Actor, now: datetime, user_id: str, reason: str) -> User:
    """Let a person whose account was closed work again, in the roles that were not revoked."""
    actor.require(Right.ADMINISTER)
    with atomic():
        take_turns("people")
        user = _person(user_id)
        if not user.is_active:
            _set_active(actor, now, user, reason, is_active=True)
    return user


def _set_active(actor: Actor, now: datetime, user: User, reason: str, *, is_active: bool) -> None:
    user.is_active = is_active
    user.save(update_fields=["is_active"])
    action = "reopen account" if is_active else "close account"
    before, after = {"active": not is_active}, {"active": is_active}
    _record(actor, now, action, user, reason, before=before, after=after)


def _let_go(user: User, now: datetime, roles: frozenset[Role]) -> None:
    """Ask everybody whom the loss of these roles concerns."""
    if Role.ADMINISTRATOR in roles:
        _keep_an_administrator(user)
    kept = open_roles(user, now) - roles
    person_leaves.announce(
        PersonLeaves(user_id=user.id, name=user.name, roles=roles, kept=kept, now=now)
    )


def _open_grant(actor: Actor, now: datetime, user: User, role: Role, reason: str) -> RoleGrant:
    before = open_roles(user, now)
    grant = RoleGrant.objects.create(
        user=user, role=role.value, starts_at=now, granted_by=actor.id, reason=reason
    )
    _record(
        actor,
        now,
        "grant role",
        user,
        reason,
        before={"roles": _words(before)},
        after={"role": role.value, "roles": _words(before | {role})},
    )
    return grant


def _words(roles: Iterable[Role]) -> list[str]:
    return sorted(role.value for role in roles)


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
    reason: str = "",
    *,
    right: Right | None = Right.ADMINISTER,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    audit.record(
        actor=actor,
        now=now,
        action=action,
        subject_kind="person",
        subject_id=user.id,
        right=right,
        reason=reason,
        before=before or {},
        change=after,
    )


def _checked_email(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise Refused(
            _("%(email)r is not an e-mail address, such as ana@example.com.") % {"email": email}
        ) from error
    return email


def checked_name(name: str) -> str:
    """Give a name without the blanks around it.

    Raises:
        Refused: it is empty, too long, or holds what cannot be printed.
    """
    name = name.strip()
    if not 1 <= len(name) <= 200 or not name.isprintable():
        raise Refused(
            _("A name has 1 to 200 printable characters; found %(name)r.") % {"name": name[:40]}
        )
    return name


def _set_checked_password(user: User, password: str) -> None:
    try:
        MinimumLengthValidator(SHORTEST_PASSWORD).validate(password, user)
        CommonPasswordValidator().validate(password, user)
    except ValidationError as error:
        raise Refused(" ".join(error.messages)) from error
    user.set_password(password)
