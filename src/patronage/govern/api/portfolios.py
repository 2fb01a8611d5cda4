"""Portfolios, their customers, who is in charge, hand-overs and assignments as REST resources."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Literal

from django.utils.translation import gettext as _
from ninja import Query, Schema, Status
from pydantic import AwareDatetime, Field

from patronage.access.company import current
from patronage.access.errors import Refused
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.differentiate.reads import run_at
from patronage.govern import actions, jobs, reads
from patronage.govern.api.router import router
from patronage.govern.models import Accountability
from patronage.vocabulary.periods import BusinessCalendar

_INSTANT = timedelta(microseconds=1)
#: movers that an assignment names; the counts are of all
_MOVERS_NAMED = 100


class PortfolioRow(Schema):
    """A portfolio and who answers for it."""

    id: str
    name: str
    description: str
    default_ruling: str
    gate_days: int
    manager_id: str
    manager: str
    since: datetime


class CustomerRow(Schema):
    """A customer in a portfolio; money in minor units, unknown is null or empty."""

    customer_id: str
    label: str
    value_minor: int | None
    probability_of_purchase: float | None
    at_risk_minor: int | None
    tier: str
    need: str
    objective: str
    #: null where the company declares no service tiers
    service_tier: str | None
    recency_days: int | None
    as_of: date | None


class CustomerRows(Schema):
    """Some customers; pass `next` as `after` for the ones that follow."""

    rows: list[CustomerRow]
    next: str | None
    total: int


class CustomerQuestion(Schema):
    """Which customers of the portfolio, in which order."""

    sort: Literal["value", "risk", "label"] = "value"
    search: str = Field("", max_length=100)
    tier: str = Field("", max_length=20)
    objective: str = Field("", max_length=10)
    need: str = Field("", max_length=40)
    service_tier: str = Field("", max_length=20)
    after: str | None = Field(None, max_length=400)
    limit: int = Field(50, ge=1, le=200)


class InChargeRow(Schema):
    """The one person in charge of a customer."""

    customer_id: str
    customer: str
    portfolio_id: str
    portfolio: str
    manager_id: str
    manager: str
    since: datetime
    reason: str


class MembershipRow(Schema):
    """A stretch of time in a portfolio; `ends_at` is null while it lasts."""

    portfolio_id: str
    portfolio: str
    starts_at: datetime
    ends_at: datetime | None
    cause: str
    reason: str
    actor_id: str
    recorded_at: datetime


class NewHandOver(Schema):
    """Customers to move to another portfolio, all or none."""

    customer_ids: list[str] = Field(min_length=1, max_length=100_000)
    to_portfolio_id: str = Field(max_length=40)
    reason: str = Field(min_length=1, max_length=400)
    starts_at: AwareDatetime | None = None


class HandOverRow(Schema):
    """What the hand-over did; `value_minor` is of the customers whose value is known."""

    moved: int
    already_there: int
    value_minor: int
    moved_from: dict[str, int]
    to_portfolio_id: str
    to_portfolio: str
    starts_at: datetime


class NewAppointment(Schema):
    """The next manager of a portfolio, from now or from an instant on."""

    manager_id: str = Field(max_length=40)
    reason: str = Field(min_length=1, max_length=400)
    starts_at: AwareDatetime | None = None


class AppointmentRow(Schema):
    """Who answers for the portfolio from when on."""

    portfolio_id: str
    manager_id: str
    starts_at: datetime
    reason: str


class NewAssignment(Schema):
    """Assign everybody by the declared policy; with `dry_run` only say what would move."""

    as_of: date
    dry_run: bool = False
    reason: str = Field("", max_length=400)


class FlowRow(Schema):
    """Customers who change from one portfolio to another."""

    from_portfolio_id: str
    from_portfolio: str
    to_portfolio_id: str
    to_portfolio: str
    customers: int
    value_minor: int
    unvalued: int


class TotalRow(Schema):
    """What a portfolio holds after the assignment."""

    portfolio_id: str
    portfolio: str
    customers: int
    value_minor: int
    unvalued: int


class ServiceChangeRow(Schema):
    """Customers whose service tier changes with the assignment."""

    from_tier: str
    to_tier: str
    #: value, or capacity: the tier above is full
    cause: str
    customers: int
    value_minor: int


class MoverRow(Schema):
    """A customer who moves."""

    customer_id: str
    from_portfolio_id: str
    to_portfolio_id: str
    value_minor: int | None


class AssignmentRow(Schema):
    """What the assignment did or would do.

    `movers` names the first ones by value, to those who see customers.
    """

    as_of: date
    run_id: str
    dry_run: bool
    starts_at: datetime
    customers: int
    moved: int
    kept_near_edge: int
    kept_by_hand: int
    changed_since: int
    currency: str
    flows: list[FlowRow]
    portfolios: list[TotalRow]
    service_changes: list[ServiceChangeRow]
    movers: list[MoverRow]


@router.get("/portfolios", response=list[PortfolioRow], summary="List my portfolios")
def portfolios(request: CallerRequest) -> list[reads.PortfolioInCharge]:
    return reads.my_portfolios(request.actor, request.now)


@router.get(
    "/portfolios/{portfolio_id}/customers",
    response=CustomerRows,
    summary="List a portfolio's customers",
)
def customers(
    request: CallerRequest, portfolio_id: str, question: Query[CustomerQuestion]
) -> reads.Page:
    asked = question.dict()
    return reads.page(request.actor, request.now, portfolio_id=portfolio_id, **asked)


@router.get(
    "/customers/{customer_id}/manager",
    response=InChargeRow,
    summary="Say who is or was in charge of a customer",
)
def manager(request: CallerRequest, customer_id: str, on: date | None = None) -> reads.InCharge:
    at = request.now
    if on is not None:
        request.actor.require(Right.SEE_CUSTOMERS)
        at = min(at, _end_of(on) - _INSTANT)
    return reads.manager_of(request.actor, customer_id, at, now=request.now)


@router.get(
    "/customers/{customer_id}/memberships",
    response=list[MembershipRow],
    summary="List the portfolios a customer was in",
)
def memberships(request: CallerRequest, customer_id: str) -> list[reads.MembershipRow]:
    return reads.history_of(request.actor, customer_id, request.now)


@router.post("/handovers", response={201: HandOverRow}, summary="Hand customers over")
def hand_over(request: CallerRequest, new: NewHandOver) -> Status[actions.HandOver]:
    done = actions.hand_over(
        actor=request.actor,
        now=request.now,
        customer_ids=new.customer_ids,
        to_portfolio_id=new.to_portfolio_id,
        reason=new.reason,
        starts_at=new.starts_at,
    )
    return Status(201, done)


@router.post(
    "/portfolios/{portfolio_id}/managers",
    response={201: AppointmentRow},
    summary="Appoint a portfolio's next manager",
)
def appoint(
    request: CallerRequest, portfolio_id: str, new: NewAppointment
) -> Status[Accountability]:
    appointed = actions.appoint(
        actor=request.actor,
        now=request.now,
        portfolio_id=portfolio_id,
        manager_id=new.manager_id,
        starts_at=new.starts_at or request.now,
        reason=new.reason,
    )
    return Status(201, appointed)


@router.post("/assignments", response={201: AssignmentRow}, summary="Assign everybody by policy")
def assign(request: CallerRequest, new: NewAssignment) -> Status[dict[str, Any]]:
    request.actor.require(Right.ASSIGN)
    run = run_at(new.as_of)
    if run is None:
        raise Refused(
            _("Nobody was valued as of %(as_of)s. Value customers as of it first.")
            % {"as_of": new.as_of}
        )
    summary = jobs.assign(
        actor=request.actor,
        now=request.now,
        as_of=new.as_of,
        run=run,
        dry_run=new.dry_run,
        reason=new.reason,
    )
    # who sees no customers learns how many move, not who
    named_movers = _MOVERS_NAMED if request.actor.may(Right.SEE_CUSTOMERS) else 0
    top = summary.most_valuable_first().head(named_movers)
    movers = top.rename({"portfolio_id": "from_portfolio_id", "target_id": "to_portfolio_id"})
    named = {name: getattr(summary, name) for name in AssignmentRow.model_fields}
    return Status(201, named | {"movers": movers.to_dicts()})


def _end_of(day: date) -> datetime:
    try:
        return BusinessCalendar(current().company.time_zone).end_of_day(day)
    except OverflowError as error:
        raise Refused(
            _("%(day)s is out of the calendar. Ask about an earlier date.") % {"day": day}
        ) from error
