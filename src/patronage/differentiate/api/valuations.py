"""Valuations as of a date: list them, or value everybody."""

from __future__ import annotations

from datetime import date
from typing import Any

from ninja import ModelSchema, Query, Schema, Status
from pydantic import Field

from patronage.access.requests import CallerRequest
from patronage.differentiate import jobs, reads
from patronage.differentiate.api.router import router
from patronage.differentiate.models import ValuationRun


class ValuationRows(Schema):
    """Some rows by customer id; pass `next` as `after` for the ones that follow."""

    valuations: list[reads.CustomerValuation]
    next: str | None


class ValuationQuestion(Schema):
    """Which valuations to give; those of the newest date without `as_of`."""

    as_of: date | None = None
    after: str = Field("", max_length=40)
    limit: int = Field(50, ge=1, le=1000)


class NewValuation(Schema):
    """Value every customer as of a date; the same inputs again give the run that is there."""

    as_of: date


class ValuationRunRow(ModelSchema):
    """Every customer valued as of a date; `total_minor` in minor units of `currency`."""

    purchase_model_id: str
    spend_model_id: str
    challenger_id: str | None

    class Meta:
        model = ValuationRun
        fields = (
            "id",
            "as_of",
            "customers",
            "total_minor",
            "currency",
            "horizon_days",
            "portfolio_models",
            "created_at",
        )


@router.get("/valuations", response=ValuationRows, summary="List valuations as of a date")
def valuations(request: CallerRequest, question: Query[ValuationQuestion]) -> dict[str, Any]:
    rows, following = reads.valuation_page(request.actor, request.now, **question.dict())
    return {"valuations": rows, "next": following}


@router.post(
    "/valuations", response={201: ValuationRunRow}, summary="Value every customer as of a date"
)
def value(request: CallerRequest, new: NewValuation) -> Status[ValuationRun]:
    run = jobs.value(actor=request.actor, now=request.now, as_of=new.as_of)
    return Status(201, run)
