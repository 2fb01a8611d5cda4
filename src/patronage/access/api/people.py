"""Who I am, who works here, and what each role may do."""

from __future__ import annotations

import secrets
from datetime import datetime

from ninja import Query, Schema, Status
from pydantic import Field

from patronage.access import people, reads, second_factor
from patronage.access.actor import open_roles
from patronage.access.api.keys import Reason
from patronage.access.api.router import router
from patronage.access.models import RoleGrant, User
from patronage.access.requests import CallerRequest
from patronage.access.roles import POLICY, Reach, Right, Role


class Me(Schema):
    """The caller: who, in which roles, with which rights."""

    id: str
    name: str
    roles: list[Role]
    rights: list[Right]


class RoleRow(Schema):
    """What a role may do, and to whose things."""

    role: Role
    customers: Reach
    offers: Reach
    rights: list[Right]


class PersonRow(Schema):
    """Somebody who works or worked here."""

    id: str
    name: str
    email: str
    is_active: bool
    roles: list[Role]
    has_second_factor: bool
    created_at: datetime


class PersonQuestion(Schema):
    """Whom to name."""

    #: a part of the name or of the e-mail address
    search: str = Field("", max_length=200)
    is_active: bool | None = None


class NewPerson(Schema):
    """A person to add; without a password one is made for the first log-in."""

    email: str = Field(max_length=254)
    name: str = Field(max_length=200)
    roles: list[Role] = Field(max_length=len(Role))
    reason: str = Field(min_length=1, max_length=400)
    password: str | None = Field(None, max_length=200)


class Added(Schema):
    """The person, and the password where one was made; it is shown this once only."""

    person: PersonRow
    password: str | None


class RoleChange(Schema):
    """A role to grant or revoke."""

    role: Role
    reason: str = Field(min_length=1, max_length=400)


class NewPassword(Schema):
    """A password; without one it is made."""

    password: str | None = Field(None, max_length=200)


class MadePassword(Schema):
    """The password where one was made; it is shown this once only."""

    password: str | None


class Grant(Schema):
    """A role that somebody holds or held."""

    role: Role
    starts_at: datetime
    ends_at: datetime | None
    granted_by: str
    reason: str


@router.get("/me", response=Me, summary="Say who I am")
def me(request: CallerRequest) -> Me:
    actor = request.actor
    return Me(
        id=actor.id,
        name=actor.name,
        roles=sorted(actor.roles),
        rights=[right for right in Right if actor.may(right)],
    )


@router.get("/roles", response=list[RoleRow], summary="Say what each role may do")
def roles(request: CallerRequest) -> list[RoleRow]:
    del request
    return [
        RoleRow(
            role=role,
            customers=may.customers,
            offers=may.offers,
            rights=[right for right in Right if right in may.rights],
        )
        for role, may in POLICY.items()
    ]


@router.get("/people", response=list[PersonRow], summary="Name who works here")
def list_people(request: CallerRequest, question: Query[PersonQuestion]) -> list[PersonRow]:
    found = reads.people(request.actor, search=question.search, is_active=question.is_active)
    return [_row(user, request.now) for user in found]


@router.post("/people", response={201: Added}, summary="Add a person")
def add_person(request: CallerRequest, new: NewPerson) -> Status[Added]:
    password = new.password or temporary_password()
    user = people.create_user(
        actor=request.actor,
        now=request.now,
        email=new.email,
        name=new.name,
        password=password,
        roles=new.roles,
        reason=new.reason,
        must_change_password=True,
    )
    shown = None if new.password else password
    return Status(201, Added(person=_row(user, request.now), password=shown))


@router.get("/people/{user_id}", response=PersonRow, summary="One person")
def one_person(request: CallerRequest, user_id: str) -> PersonRow:
    return _row(reads.person(request.actor, user_id), request.now)


@router.get("/people/{user_id}/roles", response=list[Grant], summary="Roles held, then and now")
def roles_of_person(request: CallerRequest, user_id: str) -> list[RoleGrant]:
    return reads.grants(request.actor, user_id)


@router.post("/people/{user_id}/roles", response=PersonRow, summary="Grant a role")
def grant_role(request: CallerRequest, user_id: str, wanted: RoleChange) -> PersonRow:
    return _row(
        people.grant_role(
            actor=request.actor, now=request.now, user_id=user_id, **wanted.dict()
        ).user,
        request.now,
    )


@router.post("/people/{user_id}/roles/revocation", response=PersonRow, summary="Revoke a role")
def revoke_role(request: CallerRequest, user_id: str, wanted: RoleChange) -> PersonRow:
    return _row(
        people.revoke_role(
            actor=request.actor, now=request.now, user_id=user_id, **wanted.dict()
        ).user,
        request.now,
    )


@router.post("/people/{user_id}/closure", response=PersonRow, summary="Close an account")
def close_account(request: CallerRequest, user_id: str, why: Reason) -> PersonRow:
    user = people.close_account(
        actor=request.actor, now=request.now, user_id=user_id, reason=why.reason
    )
    return _row(user, request.now)


@router.post("/people/{user_id}/reopening", response=PersonRow, summary="Reopen an account")
def reopen_account(request: CallerRequest, user_id: str, why: Reason) -> PersonRow:
    user = people.reopen_account(
        actor=request.actor, now=request.now, user_id=user_id, reason=why.reason
    )
    return _row(user, request.now)


@router.post("/people/{user_id}/password", response=MadePassword, summary="Set a password")
def set_password(request: CallerRequest, user_id: str, wanted: NewPassword) -> MadePassword:
    password = wanted.password or temporary_password()
    people.set_password(actor=request.actor, now=request.now, user_id=user_id, password=password)
    return MadePassword(password=None if wanted.password else password)


@router.post(
    "/people/{user_id}/second-factor/removal", response=PersonRow, summary="Ask for no code"
)
def remove_second_factor(request: CallerRequest, user_id: str, why: Reason) -> PersonRow:
    second_factor.remove(actor=request.actor, now=request.now, user_id=user_id, reason=why.reason)
    return _row(reads.person(request.actor, user_id), request.now)


def temporary_password() -> str:
    """Make a password for one log-in."""
    return secrets.token_urlsafe(12)


def _row(user: User, now: datetime) -> PersonRow:
    return PersonRow(
        id=user.id,
        name=user.name,
        email=user.email,
        is_active=user.is_active,
        roles=sorted(open_roles(user, now)),
        has_second_factor=second_factor.is_asked_for(user),
        created_at=user.created_at,
    )
