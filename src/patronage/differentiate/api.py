"""Valuations, profit and loss, needs and models as REST resources."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from ninja import Query, Router, Schema, Status
from pydantic import Field

from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.differentiate import actions, jobs, reads
from patronage.differentiate.models import ModelVersion, Need, ValuationRun

router = Router(tags=["differentiate"])


class ValuationRow(Schema):
    """What one customer was worth as of a date; money in minor units of `currency`."""

    customer_id: str
    as_of: date
    run_id: str
    currency: str
    value_minor: int
    value_low_minor: int
    value_high_minor: int
    probability_of_purchase: float
    expected_purchases: float
    expected_margin_minor: int
    tier: str
    need: str | None
    objective: str
    objective_reason: str


class ValuationRows(Schema):
    """Some rows by customer id; pass `next` as `after` for the ones that follow."""

    valuations: list[ValuationRow]
    next: str | None


class ValuationQuestion(Schema):
    """Which valuations to give; those of the newest date without `as_of`."""

    as_of: date | None = None
    after: str = Field("", max_length=40)
    limit: int = Field(50, ge=1, le=1000)


class NewValuation(Schema):
    """Value every customer as of a date; the same inputs again give the run that is there."""

    as_of: date


class ValuationRunRow(Schema):
    """Every customer valued as of a date; `total_minor` in minor units of `currency`."""

    id: str
    as_of: date
    customers: int
    total_minor: int
    currency: str
    horizon_days: int
    purchase_model_id: str
    spend_model_id: str
    created_at: datetime


class ProfitAndLossRow(Schema):
    """A customer's quarter; costs rest on declared margins and cost to serve: assumptions."""

    customer_id: str
    as_of: date
    quarter: str
    currency: str
    sales_minor: int
    returns_minor: int
    revenue_minor: int
    cost_of_goods_minor: int
    gross_margin_minor: int
    baskets: int
    cost_to_serve_minor: int
    margin_minor: int


class NewNeed(Schema):
    """A need that a customer expressed; `note` is kept encrypted."""

    name: str = Field(min_length=1, max_length=40)
    channel: str = Field(min_length=1, max_length=20)
    note: str = Field("", max_length=4000)


class NeedRow(Schema):
    """A need on record."""

    id: str
    customer_id: str
    name: str
    channel: str
    said_at: datetime
    status: str
    has_note: bool


class ModelRow(Schema):
    """One fit; `converged` false means that it is never used."""

    id: str
    kind: str
    name: str
    as_of: date
    parameters: dict[str, Any]
    standard_errors: dict[str, Any]
    log_likelihood: float | None
    converged: bool
    customers: int
    fitted_at: datetime


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


@router.get(
    "/customers/{customer_id}/valuations",
    response=list[ValuationRow],
    summary="Show what a customer was worth over time",
)
def value_history(request: CallerRequest, customer_id: str) -> list[reads.CustomerValuation]:
    # the page of a customer shows parts of it to those who may not see what they are worth
    request.actor.require(Right.SEE_PROFITABILITY)
    return reads.value_history(request.actor, customer_id, request.now)


@router.get(
    "/customers/{customer_id}/profit-and-loss",
    response=ProfitAndLossRow,
    summary="Show what a customer earned this quarter",
)
def profit_and_loss(request: CallerRequest, customer_id: str) -> reads.ProfitAndLoss:
    return reads.profit_and_loss(request.actor, customer_id, request.now)


@router.post(
    "/customers/{customer_id}/needs", response={201: NeedRow}, summary="Record an expressed need"
)
def record_need(request: CallerRequest, customer_id: str, new: NewNeed) -> Need:
    return actions.record_need(
        actor=request.actor,
        now=request.now,
        customer_id=customer_id,
        name=new.name,
        channel=new.channel,
        note=new.note,
    )


@router.get("/models", response=list[ModelRow], summary="List the fitted models")
def models(request: CallerRequest) -> list[ModelVersion]:
    return reads.model_versions(request.actor)
