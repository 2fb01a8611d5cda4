"""The fitted models, and how right what they said turned out to be."""

from __future__ import annotations

from datetime import date

from ninja import ModelSchema, Query, Schema

from patronage.access.errors import NotFound
from patronage.access.requests import CallerRequest
from patronage.differentiate import reads
from patronage.differentiate.api.router import router
from patronage.differentiate.models import ModelVersion
from patronage.differentiate.reads.grades import (
    QuarterGrade,
    Tracking,
    quarter_grades,
    tracking,
)


class ModelRow(ModelSchema):
    """One fit; `converged` false means that it is never used."""

    class Meta:
        model = ModelVersion
        # hundreds of nodes of trees, which nobody reads
        exclude = ("learners",)


class RecordQuestion(Schema):
    """What was known at the end of which date; everything without one."""

    as_of: date | None = None


@router.get("/models", response=list[ModelRow], summary="List the fitted models")
def models(request: CallerRequest) -> list[ModelVersion]:
    return reads.model_versions(request.actor)


@router.get(
    "/models/track-record",
    response=list[QuarterGrade],
    summary="What each valuation said of the quarter after it, beside what came",
)
def track_record(request: CallerRequest, question: Query[RecordQuestion]) -> list[QuarterGrade]:
    return quarter_grades(request.actor, request.now, as_of=question.as_of)


@router.get(
    "/models/tracking",
    response=Tracking,
    summary="Expected and actual repeat shopping days of all customers, week by week",
)
def model_tracking(request: CallerRequest, question: Query[RecordQuestion]) -> Tracking:
    found = tracking(request.actor, request.now, as_of=question.as_of)
    if found is None:
        raise NotFound(
            noun="tracking of every customer as of", id=str(question.as_of or "any date")
        )
    return found
