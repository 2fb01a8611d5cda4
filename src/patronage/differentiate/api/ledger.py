"""What the value rests on, and whether customers, products and the ledger say the same."""

from __future__ import annotations

from datetime import date

from ninja import ModelSchema, Query, Schema, Status
from pydantic import Field

from patronage.access.requests import CallerRequest
from patronage.differentiate import actions
from patronage.differentiate.api.router import router
from patronage.differentiate.models import ControlTotal
from patronage.differentiate.reads.reconciliation import Reconciliation, reconciliation
from patronage.differentiate.reads.sensitivity import Sensitivity, sensitivity


class SensitivityQuestion(Schema):
    """As of which date; the newest valued without one."""

    as_of: date | None = None


class PeriodQuestion(Schema):
    """Business dates, both inside; the newest valuation's quarter without them."""

    first_day: date | None = None
    last_day: date | None = None


class NewControlTotal(Schema):
    """What the ledger says of a period, in minor units; returns are zero or below."""

    first_day: date
    last_day: date
    measure: str = Field(max_length=20)
    amount_minor: int = Field(ge=-(2**63), lt=2**63)
    source: str = Field(max_length=200)


class ControlTotalRow(ModelSchema):
    """A figure of the ledger on record."""

    class Meta:
        model = ControlTotal
        fields = "__all__"


@router.get(
    "/value/sensitivity",
    response=Sensitivity,
    summary="How much of the value hangs on each assumption, and who stands for it",
)
def value_sensitivity(request: CallerRequest, question: Query[SensitivityQuestion]) -> Sensitivity:
    return sensitivity(request.actor, request.now, as_of=question.as_of)


@router.get(
    "/value/reconciliation",
    response=Reconciliation,
    summary="Customers, products and the ledger beside each other",
)
def value_reconciliation(request: CallerRequest, question: Query[PeriodQuestion]) -> Reconciliation:
    return reconciliation(request.actor, request.now, **question.dict())


@router.post(
    "/control-totals",
    response={201: ControlTotalRow},
    summary="Record what the ledger says of a period",
)
def record_control_total(request: CallerRequest, new: NewControlTotal) -> Status[ControlTotal]:
    total = actions.record_control_total(actor=request.actor, now=request.now, **new.dict())
    return Status(201, total)
