"""Read-outs as REST resources."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from ninja import Path, Query, Router, Schema, Status
from pydantic import Field

from patronage.access.requests import CallerRequest
from patronage.learn import jobs, reads
from patronage.learn.models import ReadOut

router = Router(tags=["learn"])
#: PostgreSQL takes no NUL in a text.
Id = Annotated[str, Field(pattern=r"^[^\x00]*$", max_length=40)]


class ReadOutRow(Schema):
    """Held out against treated for the decisions as of a date; `figures` is empty of figures
    while the outcomes are pending. Money is in minor units of `figures.currency`."""

    id: str
    decision_run_id: str
    as_of: date
    state: Literal["pending", "read"]
    replayed: bool
    verdict: str
    window_starts_at: datetime
    window_ends_at: datetime
    read_at: datetime
    figures: dict[str, Any]


class ReadOutRows(Schema):
    """Some read-outs, newest first; pass `next` as `before` for the ones that follow."""

    read_outs: list[ReadOutRow]
    next: date | None


class ReadOutQuestion(Schema):
    """Which read-outs to give."""

    before: date | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class NewReadOut(Schema):
    """Decisions to read out: those as of a date."""

    as_of: date


@router.get("/read-outs", response=ReadOutRows, summary="List read-outs")
def list_read_outs(request: CallerRequest, question: Query[ReadOutQuestion]) -> dict[str, Any]:
    page = reads.read_outs(request.actor, **question.dict())
    return {"read_outs": [_row(each) for each in page.read_outs], "next": page.next}


@router.get("/read-outs/{id}", response=ReadOutRow, summary="Show a read-out")
def show_read_out(request: CallerRequest, id: Path[Id]) -> dict[str, Any]:
    return _row(reads.read_out(request.actor, id))


@router.post("/read-outs", response={201: ReadOutRow}, summary="Read decisions out")
def create_read_out(request: CallerRequest, new: NewReadOut) -> Status[dict[str, Any]]:
    found = jobs.read_out(actor=request.actor, now=request.now, as_of=new.as_of)
    return Status(201, _row(found))


def _row(read_out: ReadOut) -> dict[str, Any]:
    return {
        "id": read_out.id,
        "decision_run_id": read_out.run_id,
        "as_of": read_out.run.as_of,
        "state": read_out.state,
        "replayed": read_out.replayed,
        "verdict": read_out.figures["verdict"],
        "window_starts_at": read_out.window_starts_at,
        "window_ends_at": read_out.window_ends_at,
        "read_at": read_out.read_at,
        "figures": read_out.figures,
    }
