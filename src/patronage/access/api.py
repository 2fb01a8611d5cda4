"""The audit log, keys and the caller as REST resources."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from ninja import Query, Router, Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from patronage.access import people, reads
from patronage.access.models import User
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right, Role

router = Router(tags=["access"])


class Me(Schema):
    """The caller: who, in which roles, with which rights."""

    id: str
    name: str
    roles: list[Role]
    rights: list[Right]


class AuditRow(Schema):
    """Who did what to what, when and why; `number` is missing until the row is sealed."""

    id: int
    at: datetime
    actor_id: str
    actor_name: str
    action: str
    subject_kind: str
    subject_id: str
    reason: str
    change: dict[str, Any]
    number: int | None
    digest: str


class AuditRows(Schema):
    """Some rows, newest first; pass `next` as `before` for the ones that follow."""

    entries: list[AuditRow]
    next: int | None


class AuditQuestion(Schema):
    """Which rows to give."""

    subject_kind: str = Field("", max_length=40)
    subject_id: str = Field("", max_length=60)
    before: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    limit: int = Field(50, ge=1, le=200)


class NewKey(Schema):
    """A key to make: for a system, or acting as the caller."""

    label: str = Field(min_length=1, max_length=200)
    role: Role
    #: whether the key acts as the caller, in their scope
    mine: bool = False


class MadeKey(Schema):
    """The key; it is shown this once only."""

    id: str
    key: str
    label: str
    role: Role


@router.get("/me", response=Me, summary="Say who I am")
def me(request: CallerRequest) -> Me:
    actor = request.actor
    return Me(
        id=actor.id,
        name=actor.name,
        roles=sorted(actor.roles),
        rights=[right for right in Right if actor.may(right)],
    )


@router.get("/audit", response=AuditRows, summary="Read the audit log")
def audit_log(request: CallerRequest, question: Query[AuditQuestion]) -> reads.AuditPage:
    return reads.audit_page(request.actor, **question.dict())


@router.post("/keys", response={201: MadeKey}, summary="Make an API key")
def create_key(request: CallerRequest, new: NewKey) -> Status[MadeKey]:
    user = User.objects.filter(pk=request.actor.id).first() if new.mine else None
    if new.mine and user is None:
        raise HttpError(422, "Only a person can have a key of their own; leave `mine` out.")
    key, raw = people.create_key(
        actor=request.actor, now=request.now, label=new.label, role=new.role, user=user
    )
    return Status(201, MadeKey(id=key.id, key=raw, label=key.label, role=new.role))
