"""The five views of a customer-base audit, of the customers in scope."""

from __future__ import annotations

from datetime import date

from ninja import Query, Schema
from pydantic import Field

from patronage.access.requests import CallerRequest
from patronage.differentiate.api.router import router
from patronage.differentiate.reads import base_audit

_QUARTER = 'such as "2017-Q4"; the newest without it'


class AuditQuestion(Schema):
    """As of which date the base is seen; the newest valued without one."""

    as_of: date | None = None


class QuarterQuestion(AuditQuestion):
    """Which quarter is looked at."""

    quarter: str = Field("", max_length=7, description=_QUARTER)


class ChangeQuestion(AuditQuestion):
    """Which two quarters are compared; the newest and the one before without them."""

    first: str = Field("", max_length=7)
    second: str = Field("", max_length=7, description=_QUARTER)


class CohortQuestion(AuditQuestion):
    """Whose life is looked at; the oldest cohort's without one."""

    cohort: str = Field("", max_length=7)


@router.get(
    "/value/audit/within-period",
    response=base_audit.WithinPeriod,
    summary="How customers differ within a quarter",
)
def within_period(
    request: CallerRequest, question: Query[QuarterQuestion]
) -> base_audit.WithinPeriod:
    return base_audit.within_period(request.actor, request.now, **question.dict())


@router.get(
    "/value/audit/between-periods",
    response=base_audit.BetweenPeriods,
    summary="What changed between two quarters, and through whom",
)
def between_periods(
    request: CallerRequest, question: Query[ChangeQuestion]
) -> base_audit.BetweenPeriods:
    return base_audit.between_periods(request.actor, request.now, **question.dict())


@router.get(
    "/value/audit/one-cohort",
    response=base_audit.OneCohort,
    summary="One cohort over time",
)
def one_cohort(request: CallerRequest, question: Query[CohortQuestion]) -> base_audit.OneCohort:
    return base_audit.one_cohort(request.actor, request.now, **question.dict())


@router.get(
    "/value/audit/cohorts",
    response=base_audit.CohortsCompared,
    summary="Cohorts beside each other, at the same age",
)
def cohorts_compared(
    request: CallerRequest, question: Query[AuditQuestion]
) -> base_audit.CohortsCompared:
    return base_audit.cohorts_compared(request.actor, request.now, as_of=question.as_of)


@router.get(
    "/value/audit/whole-base",
    response=base_audit.WholeBase,
    summary="The whole base, quarter by quarter, in layers of cohorts",
)
def whole_base(request: CallerRequest, question: Query[AuditQuestion]) -> base_audit.WholeBase:
    return base_audit.whole_base(request.actor, request.now, as_of=question.as_of)
