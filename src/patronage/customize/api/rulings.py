"""The gate and what managers rule there as REST resources."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from django.http import HttpResponse
from ninja import Query, Schema
from pydantic import AwareDatetime, Field

from patronage.access.requests import CallerRequest
from patronage.customize import actions, reads
from patronage.customize.api.answers import Id, Strict, answer, router
from patronage.customize.models import Ruling
from patronage.customize.reads import RulingView


class RulingIn(Strict):
    """A manager's word on an offer; `preview` only says what it would cost."""

    offer_id: Id
    portfolio_id: Id
    effect: str
    reason_code: str = "fits"
    reason: str = ""
    adaptation: dict[str, Any] = Field(default_factory=dict)
    #: predicate: the segment of the portfolio that it is on; empty: all of it
    when: str = Field("", max_length=4000)
    #: the one customer that it is on
    customer_id: Id | None = None
    #: exclusive; then what held before holds again
    valid_until: AwareDatetime | None = None
    #: of a block: the share for whom it is lifted, to learn what it costs
    test_share: float = 0.0
    preview: bool = False


class TakenBack(Strict):
    """Why a ruling ends."""

    reason: str = Field(min_length=1, max_length=400)


class MessageIn(Strict):
    """What owner or manager write about a ruling."""

    text: str = Field(min_length=1, max_length=1000)


class GateQuestion(Schema):
    """Which offers at the gate to give."""

    state: Literal["waiting", "ruled"] | None = None


@router.get("/gate", summary="List the offers at my gate")
def gate(request: CallerRequest, question: Query[GateQuestion]) -> HttpResponse:
    rows = reads.gate(request.actor, request.now, state=question.state)
    return answer({"gate": [asdict(each) for each in rows]})


@router.get("/offers/{offer_id}/rulings", summary="List every ruling on an offer")
def rulings(request: CallerRequest, offer_id: str) -> HttpResponse:
    found = reads.offer_rulings(request.actor, offer_id, request.now)
    return answer({"rulings": [_view(each) for each in found]})


@router.post("/rulings", summary="Rule on an offer, or see what a ruling would cost")
def rule(request: CallerRequest, body: RulingIn) -> HttpResponse:
    asked = body.dict(exclude={"preview"})
    if body.preview:
        for name in ("reason_code", "reason", "valid_until"):
            del asked[name]
        preview = actions.preview_ruling(actor=request.actor, now=request.now, **asked)
        return answer(asdict(preview))
    ruling = actions.rule(actor=request.actor, now=request.now, **asked)
    return answer(ruling_content(ruling), status=201)


@router.post("/rulings/{ruling_id}/end", summary="Take a ruling back")
def take_back(request: CallerRequest, ruling_id: str, body: TakenBack) -> HttpResponse:
    ended = actions.take_back_ruling(
        actor=request.actor, now=request.now, ruling_id=ruling_id, reason=body.reason
    )
    return answer(ruling_content(ended), status=201)


@router.post("/rulings/{ruling_id}/messages", summary="Write to the other side of a ruling")
def answer_ruling(request: CallerRequest, ruling_id: str, body: MessageIn) -> HttpResponse:
    made = actions.answer_ruling(
        actor=request.actor, now=request.now, ruling_id=ruling_id, text=body.text
    )
    return answer({"ruling_id": ruling_id, "at": made.at, "text": made.text}, status=201)


_RULING = (
    "id",
    "offer_id",
    "portfolio_id",
    "customer_id",
    "when",
    "effect",
    "adaptation",
    "by_default",
    "reason_code",
    "reason",
    "test_share",
    "forgone_minor",
    "gross_forgone_minor",
    "valid_from",
    "valid_until",
    "recorded_at",
    "actor_name",
)


def ruling_content(ruling: Ruling) -> dict[str, Any]:
    """A ruling as resources give it."""
    return {name: getattr(ruling, name) for name in _RULING}


def _view(view: RulingView) -> dict[str, Any]:
    return ruling_content(view.ruling) | {
        "customer_id": view.customer_id,
        "state": view.state,
        "ended_at": view.ended_at,
        "ended_because": view.ended_because,
        "messages": [
            {name: getattr(each, name) for name in ("at", "text", "by_owner", "actor_name")}
            for each in view.messages
        ],
        "learned": None if view.learned is None else asdict(view.learned),
    }
