"""Who stands in for a portfolio's manager, as REST resources."""

from __future__ import annotations

from ninja import Schema, Status
from pydantic import AwareDatetime, Field

from patronage.access.requests import CallerRequest
from patronage.govern import actions, reads
from patronage.govern.api.router import router
from patronage.govern.models import Cover


class NewCover(Schema):
    """Who stands in, from now or from an instant on; without an end, until somebody ends it."""

    portfolio_id: str = Field(max_length=40)
    deputy_id: str = Field(max_length=40)
    reason: str = Field(min_length=1, max_length=400)
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None


class NewEnd(Schema):
    """Why the cover ends before its time."""

    reason: str = Field(min_length=1, max_length=400)


class CoverMade(Schema):
    """The cover as it stands."""

    id: str
    portfolio_id: str
    deputy_id: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime | None
    reason: str
    end_reason: str


@router.get("/covers", response=list[reads.CoverRow], summary="List who stands in for whom")
def covers(request: CallerRequest) -> list[reads.CoverRow]:
    return reads.covers(request.actor, request.now)


@router.post("/covers", response={201: CoverMade}, summary="Let somebody stand in for a manager")
def arrange(request: CallerRequest, new: NewCover) -> Status[Cover]:
    made = actions.arrange_cover(actor=request.actor, now=request.now, **new.dict())
    return Status(201, made)


@router.post("/covers/{cover_id}/ends", response={201: CoverMade}, summary="End a cover early")
def end(request: CallerRequest, cover_id: str, new: NewEnd) -> Status[Cover]:
    done = actions.end_cover(
        actor=request.actor, now=request.now, cover_id=cover_id, reason=new.reason
    )
    return Status(201, done)
