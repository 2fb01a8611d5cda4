"""Loyalty outcomes, descriptive segments and selective acquisition as REST resources."""

from __future__ import annotations

from datetime import date

from ninja import Query, Schema
from pydantic import Field

from patronage.access.requests import CallerRequest
from patronage.differentiate.api.router import router
from patronage.differentiate.reads.acquisition import Acquisition, acquisition
from patronage.differentiate.reads.layers import Layers, layers
from patronage.differentiate.reads.loyalty import Loyalty, loyalty


class LoyaltyQuestion(Schema):
    """As of when, and how many of the satisfied and leaving to name."""

    as_of: date | None = None
    limit: int = Field(50, ge=1, le=1000)


class AcquisitionQuestion(Schema):
    """As of when; how many first days are read, how many after them are predicted."""

    as_of: date | None = None
    window_days: int = Field(90, ge=1, le=365)
    outcome_days: int = Field(90, ge=1, le=1095)
    limit: int = Field(50, ge=1, le=1000)


@router.get(
    "/loyalty", response=Loyalty, summary="Who stayed, who left, who is satisfied and leaving"
)
def loyalty_outcomes(request: CallerRequest, question: Query[LoyaltyQuestion]) -> Loyalty:
    return loyalty(request.actor, request.now, as_of=question.as_of, limit=question.limit)


@router.get(
    "/segments", response=Layers, summary="Describe customers by value, need and demographics"
)
def segments(request: CallerRequest, as_of: date | None = None) -> Layers:
    return layers(request.actor, request.now, as_of=as_of)


@router.get(
    "/acquisition",
    response=Acquisition,
    summary="What new customers are predicted to bring and winning one may cost",
)
def selective_acquisition(
    request: CallerRequest, question: Query[AcquisitionQuestion]
) -> Acquisition:
    return acquisition(request.actor, request.now, **question.dict())
