"""Statements, the customers behind their lines, scorecards and the loop as REST resources."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal, get_args

from ninja import Query, Router, Schema, Status
from pydantic import Field

from patronage.access.requests import CallerRequest
from patronage.steer import actions, behind, reads, runs, steering_api
from patronage.steer.cycle import Stage, cycle
from patronage.steer.models import LINES

router = Router(tags=["steer"])
router.add_router("", steering_api.router)

#: a line of the statement, named in the address
Kind = Literal[
    "opening",
    "expected_margin",
    "unwinding",
    "roll_forward",
    "experience_frequency",
    "experience_spend",
    "new_customers",
    "hand_overs",
    "panel_entry",
    "model_change",
    "identity",
    "corrections",
    "erased",
    "currency",
    "rounding",
    "closing",
]
if get_args(Kind) != LINES:
    raise ImportError("api.Kind and models.LINES name different lines")


class HeadRow(Schema):
    """Which statement, of which quarter, by whom; `published_at` is null while it is a draft."""

    id: str
    quarter: str
    period_start: date
    as_of: date
    currency: str
    state: str
    opening_run_id: str | None
    closing_run_id: str
    drafted_by: str
    drafted_by_id: str
    drafted_at: datetime
    reviewed_by: str | None
    reviewed_by_id: str | None
    reviewed_at: datetime | None
    published_by: str | None
    published_at: datetime | None


class ReturnRow(Schema):
    """Return on Customer, 0.12 being 12 %, beside what was expected; null and why if none."""

    rate: float | None
    reason: str | None
    gain: int
    base: int
    expected_rate: float | None


class LuckRow(Schema):
    """Experience beside what chance alone would do: within `reach_minor` of 0 it is noise."""

    amount_minor: int
    spread_minor: int
    reach_minor: int
    is_signal: bool


class ColumnRow(Schema):
    """One portfolio's bridge, or a sum; whole minor units."""

    portfolio_id: str | None
    portfolio: str
    manager: str | None
    amounts_minor: dict[str, int]
    checksum_minor: int
    realised_margin_minor: int
    expected_margin_minor: int | None
    margin_while_held_minor: int
    contact_cost_minor: int
    acquisition_cost_minor: int | None
    paid_for_minor: int | None
    return_on_customer: ReturnRow
    window_return: ReturnRow
    frequency: LuckRow | None
    spend: LuckRow | None


class StatementRow(Schema):
    """A statement: the portfolios you may see and their sum."""

    head: HeadRow
    portfolios: list[ColumnRow]
    total: ColumnRow
    is_enterprise: bool


class NewStatement(Schema):
    """Draft the statement as of a date."""

    as_of: date


class SharedRow(Schema):
    """Experience with customers in the 90 days after one portfolio handed them to another."""

    from_portfolio_id: str
    from_portfolio: str
    to_portfolio_id: str
    to_portfolio: str
    customers: int
    experience_frequency_minor: int
    experience_spend_minor: int


class GradeRow(Schema):
    """What a frozen projection expected of the time until a date, and what came."""

    frozen_as_of: date
    until: date
    currency: str
    portfolio_id: str
    portfolio: str
    customers: int
    expected_minor: int
    came_minor: int


class BehindRow(Schema):
    """A customer behind a line."""

    customer_id: str
    label: str
    portfolio_id: str
    amount_minor: int


class BehindRows(Schema):
    """Customers behind a line, the largest first; with moved and erased they make the total."""

    rows: list[BehindRow]
    next: str | None
    customers: int
    total_minor: int
    moved_customers: int
    moved_minor: int
    erased_minor: int


class BehindQuestion(Schema):
    """Which of the customers; pass `next` as `after` for the ones that follow."""

    portfolio_id: str | None = Field(None, max_length=40)
    after: str | None = Field(None, max_length=200)
    limit: int = Field(50, ge=1, le=200)


class ScorecardRow(Schema):
    """A manager's quarter for one portfolio, beside its frozen value; whole minor units."""

    id: str
    statement_id: str
    as_of: date
    quarter: str
    currency: str
    state: str
    portfolio_id: str
    portfolio: str
    manager_id: str
    manager: str
    customers: int
    revenue_minor: int
    margin_minor: int
    expected_margin_minor: int | None
    value_minor: int
    value_low_minor: int
    value_high_minor: int


class NewCycle(Schema):
    """Run the loop as of a date."""

    as_of: date


class StageRow(Schema):
    """What a stage did; `done_before` says that it was done earlier, and nothing now."""

    name: str
    result: dict[str, Any]
    done_before: bool
    seconds: float


class CycleRow(Schema):
    """The loop as of a date, stage by stage in order."""

    as_of: date
    stages: list[StageRow]


class StageRunRow(Schema):
    """A stage: waiting, running, done, failed, or stopped where its process is gone."""

    name: str
    state: str
    share: float
    step: str
    began_at: datetime | None
    finished_at: datetime | None
    seconds: float | None
    result: dict[str, Any]
    error: str
    attempts: int


class CycleRunRow(Schema):
    """A date's loop: running, complete, failed, or stopped with stages still to do."""

    as_of: date
    state: str
    share: float
    began_at: datetime
    finished_at: datetime | None
    stages: list[StageRunRow]


class CycleRunRows(Schema):
    """Some dates, newest first; pass `next` as `before` for the ones that follow."""

    cycles: list[CycleRunRow]
    next: date | None


class CycleQuestion(Schema):
    """Which dates."""

    before: date | None = None
    limit: int = Field(8, ge=1, le=50)


@router.get("/statements", response=list[HeadRow], summary="List statements")
def statements(request: CallerRequest) -> list[reads.StatementHead]:
    return reads.statements(request.actor)


@router.get("/statements/{statement_id}", response=StatementRow, summary="Show a statement")
def statement(request: CallerRequest, statement_id: str) -> reads.StatementView:
    return reads.statement(request.actor, statement_id, request.now)


@router.get(
    "/statements/{statement_id}/lines/{kind}/customers",
    response=BehindRows,
    summary="List the customers behind a line",
)
def line_customers(
    request: CallerRequest, statement_id: str, kind: Kind, question: Query[BehindQuestion]
) -> behind.Behind:
    asked = question.dict()
    return reads.line_customers(request.actor, statement_id, kind=kind, now=request.now, **asked)


@router.get(
    "/statements/{statement_id}/hand-overs",
    response=list[SharedRow],
    summary="List what followed hand-overs within 90 days",
)
def shared(request: CallerRequest, statement_id: str) -> Sequence[reads.SharedExperience]:
    return reads.shared_experience(request.actor, statement_id, request.now)


@router.get("/projections", response=list[GradeRow], summary="Grade frozen projections")
def projections(request: CallerRequest) -> list[reads.Grade]:
    return reads.grades(request.actor, request.now)


@router.post("/statements", response={201: StatementRow}, summary="Draft a statement")
def draft(request: CallerRequest, new: NewStatement) -> reads.StatementView:
    made = actions.draft(actor=request.actor, now=request.now, as_of=new.as_of)
    return reads.statement(request.actor, made.id, request.now)


@router.post(
    "/statements/{statement_id}/review",
    response={201: StatementRow},
    summary="Review another person's draft",
)
def review(request: CallerRequest, statement_id: str) -> reads.StatementView:
    made = actions.review_statement(actor=request.actor, now=request.now, statement_id=statement_id)
    return reads.statement(request.actor, made.id, request.now)


@router.post(
    "/statements/{statement_id}/publication",
    response={201: StatementRow},
    summary="Publish a statement that was reviewed",
)
def publish(request: CallerRequest, statement_id: str) -> reads.StatementView:
    made = actions.publish_statement(
        actor=request.actor, now=request.now, statement_id=statement_id
    )
    return reads.statement(request.actor, made.id, request.now)


@router.get("/scorecards", response=list[ScorecardRow], summary="List scorecards")
def scorecards(
    request: CallerRequest, statement_id: str | None = None, as_of: date | None = None
) -> list[reads.ScorecardView]:
    which = statement_id if statement_id is not None else as_of
    return reads.scorecards(request.actor, request.now, which)


@router.get("/cycles", response=CycleRunRows, summary="List the runs of the loop")
def cycles(request: CallerRequest, question: Query[CycleQuestion]) -> runs.CyclePage:
    return runs.cycles(request.actor, request.now, **question.dict())


@router.post(
    "/cycles",
    response={200: CycleRow, 201: CycleRow},
    summary="Run the loop as of a date, or go on with it",
)
def run_cycle(request: CallerRequest, new: NewCycle) -> Status[dict[str, Any]]:
    stages: tuple[Stage, ...] = cycle(actor=request.actor, now=request.now, as_of=new.as_of)
    done_before = all(each.done_before for each in stages)
    return Status(200 if done_before else 201, {"as_of": new.as_of, "stages": stages})
