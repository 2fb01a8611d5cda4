"""One customer: worth over time, the quarter's profit and loss, expressed needs."""

from __future__ import annotations

from datetime import date

from ninja import ModelSchema, Schema, Status
from pydantic import Field

from patronage.access.requests import CallerRequest
from patronage.differentiate import actions, reads
from patronage.differentiate.api.router import router
from patronage.differentiate.models import Need
from patronage.differentiate.reads.objectives import ObjectiveInForce, objective_of


class NewNeed(Schema):
    """A need that a customer expressed; `note` is kept encrypted."""

    name: str = Field(min_length=1, max_length=40)
    channel: str = Field(min_length=1, max_length=20)
    note: str = Field("", max_length=4000)


class NeedRow(ModelSchema):
    """A need on record."""

    customer_id: str

    class Meta:
        model = Need
        fields = ("id", "name", "channel", "said_at", "status", "has_note")


class NewObjective(Schema):
    """An objective above the rules, until a date or until it is revoked."""

    objective: str = Field(max_length=10)
    reason: str = Field(max_length=200)
    #: last business date on which it stands
    until: date | None = None


class Revocation(Schema):
    """Why the rules shall decide again."""

    reason: str = Field(max_length=200)


@router.get(
    "/customers/{customer_id}/valuations",
    response=list[reads.CustomerValuation],
    summary="Show what a customer was worth over time",
)
def value_history(request: CallerRequest, customer_id: str) -> list[reads.CustomerValuation]:
    return reads.value_history(request.actor, customer_id, request.now)


@router.get(
    "/customers/{customer_id}/profit-and-loss",
    response=reads.ProfitAndLoss,
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


@router.get(
    "/customers/{customer_id}/objective",
    response=ObjectiveInForce,
    summary="Show the objective in force, why, and what the rules say",
)
def objective(request: CallerRequest, customer_id: str) -> ObjectiveInForce:
    return objective_of(request.actor, customer_id, request.now)


@router.post(
    "/customers/{customer_id}/objective",
    response={201: ObjectiveInForce},
    summary="Set a customer's objective above the rules",
)
def set_objective(
    request: CallerRequest, customer_id: str, new: NewObjective
) -> Status[ObjectiveInForce]:
    actions.override_objective(
        actor=request.actor,
        now=request.now,
        customer_id=customer_id,
        objective=new.objective,
        reason=new.reason,
        until=new.until,
    )
    return Status(201, objective_of(request.actor, customer_id, request.now))


@router.post(
    "/customers/{customer_id}/objective/revocation",
    response=ObjectiveInForce,
    summary="Let the rules decide on a customer's objective again",
)
def revoke_objective(request: CallerRequest, customer_id: str, why: Revocation) -> ObjectiveInForce:
    actions.revoke_override(
        actor=request.actor, now=request.now, customer_id=customer_id, reason=why.reason
    )
    return objective_of(request.actor, customer_id, request.now)
