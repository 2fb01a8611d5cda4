"""Keys that other systems call with."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from ninja import Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from patronage.access import keys, reads
from patronage.access.api.router import router
from patronage.access.models import ApiKey, User
from patronage.access.requests import CallerRequest
from patronage.access.roles import Role


class NewKey(Schema):
    """A key to make: for a system, or acting as the caller."""

    label: str = Field(min_length=1, max_length=200)
    role: Role
    #: whether the key acts as the caller, in their scope
    mine: bool = False


class Rotation(Schema):
    """Why a key is replaced, and how long the old one goes on."""

    reason: str = Field(min_length=1, max_length=400)
    overlap_hours: int = Field(0, ge=0, le=720)


class Reason(Schema):
    """Why."""

    reason: str = Field(min_length=1, max_length=400)


class MadeKey(Schema):
    """The key; it is shown this once only."""

    id: str
    key: str
    label: str
    role: Role


class KnownKey(Schema):
    """A key without the key itself."""

    id: str
    label: str
    role: Role
    #: the person it acts as; none for a system's own
    user_id: str | None
    created_at: datetime
    #: from then on it opens nothing; may lie ahead
    revoked_at: datetime | None
    #: the last call that was let in, to the hour
    last_used_at: datetime | None
    #: the key in whose place it came
    replaces_id: str | None


@router.get("/keys", response=list[KnownKey], summary="Name the keys that I may change")
def list_keys(request: CallerRequest) -> list[ApiKey]:
    return reads.keys(request.actor)


@router.post("/keys", response={201: MadeKey}, summary="Make an API key")
def create_key(request: CallerRequest, new: NewKey) -> Status[MadeKey]:
    user = User.objects.filter(pk=request.actor.id).first() if new.mine else None
    if new.mine and user is None:
        raise HttpError(422, _("Only a person can have a key of their own; leave `mine` out."))
    made = keys.create_key(
        actor=request.actor, now=request.now, label=new.label, role=new.role, user=user
    )
    return Status(201, _shown(*made))


@router.post("/keys/{key_id}/rotation", response={201: MadeKey}, summary="Replace a key")
def rotate_key(request: CallerRequest, key_id: str, wanted: Rotation) -> Status[MadeKey]:
    made = keys.rotate_key(
        actor=request.actor,
        now=request.now,
        key_id=key_id,
        reason=wanted.reason,
        overlap=timedelta(hours=wanted.overlap_hours),
    )
    return Status(201, _shown(*made))


@router.post("/keys/{key_id}/revocation", response=KnownKey, summary="End a key")
def revoke_key(request: CallerRequest, key_id: str, why: Reason) -> ApiKey:
    return keys.revoke_key(actor=request.actor, now=request.now, key_id=key_id, reason=why.reason)


def _shown(key: ApiKey, raw: str) -> MadeKey:
    return MadeKey(id=key.id, key=raw, label=key.label, role=Role(key.role))
