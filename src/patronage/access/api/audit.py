"""The audit log: who did what, and that nobody changed the log since."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from ninja import Query, Schema, Status
from pydantic import AwareDatetime, Field

from patronage.access import audit, reads
from patronage.access.api.router import router
from patronage.access.requests import CallerRequest


class AuditRow(Schema):
    """Who did what to what, when, why, under which right; `number` is missing until sealed."""

    id: int
    at: datetime
    actor_id: str
    actor_name: str
    action: str
    subject_kind: str
    subject_id: str
    #: the right it was done under; empty where none is needed
    right: str
    #: the role that held the right
    role: str
    reason: str
    #: what it was, by the names in `change`
    before: dict[str, Any]
    #: what it is now, or what was done
    change: dict[str, Any]
    number: int | None
    digest: str


class AuditRows(Schema):
    """Some rows, newest first; pass `next` as `before` for the ones that follow."""

    entries: list[AuditRow]
    next: int | None


class Asked(Schema):
    """Which rows to give."""

    #: a part of the name, or the id, of who acted
    who: str = Field("", max_length=200)
    action: str = Field("", max_length=80)
    subject_kind: str = Field("", max_length=40)
    subject_id: str = Field("", max_length=60)
    #: an id that the row is about or that its change names
    about: str = Field("", max_length=60)
    since: AwareDatetime | None = None
    #: rows before this instant
    until: AwareDatetime | None = None
    before: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    limit: int = Field(50, ge=1, le=200)


class Point(Schema):
    """The end of the chain at some moment."""

    number: Annotated[int, Field(ge=0, lt=2**63)]
    digest: str = Field(max_length=64)


class Kept(Schema):
    """Exported checkpoints to compare the log with."""

    checkpoints: list[Point] = Field(max_length=100, description="none, to check the chain alone")


class Found(Schema):
    """One place where the log is not what was sealed."""

    number: int
    what: str


class Verification(Schema):
    """What a check of the whole log found."""

    intact: bool
    sealed: int
    waiting: int
    problems: list[Found]
    further_problems: int


@router.get("/audit", response=AuditRows, summary="Read the audit log")
def audit_log(request: CallerRequest, asked: Query[Asked]) -> reads.AuditPage:
    wanted = asked.dict()
    before, limit = wanted.pop("before"), wanted.pop("limit")
    question = reads.AuditQuestion(**wanted)
    return reads.audit_page(request.actor, question, before=before, limit=limit)


@router.post("/audit/verifications", response=Verification, summary="Verify the audit log")
def verify_audit_log(request: CallerRequest, kept: Kept) -> audit.AuditReport:
    return audit.check(
        actor=request.actor,
        now=request.now,
        checkpoints=[audit.Checkpoint(**point.dict()) for point in kept.checkpoints],
    )


@router.post("/audit/checkpoints", response={201: Point}, summary="Export the end of the chain")
def export_checkpoint(request: CallerRequest) -> Status[audit.Checkpoint]:
    return Status(201, audit.export_checkpoint(actor=request.actor, now=request.now))
