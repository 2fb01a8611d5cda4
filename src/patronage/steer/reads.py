"""What may somebody see of statements and scorecards? Their own portfolios' part, to the cent.

Figures are those of the date; scope is today's. A manager sees the lines and scorecards of the
portfolios they answer for now, and behind a line the customers they would see now; what customers
who moved away since put into the line is one figure beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from django.db.models import Model, QuerySet

from patronage.access.errors import NotFound
from patronage.access.models import User
from patronage.access.roles import SYSTEM_ID, Actor, Right
from patronage.access.scope import Scope, scope_of
from patronage.steer.behind import Behind, BehindRow, line_customers
from patronage.steer.columns import Column, Luck, ReturnView, Whose, column
from patronage.steer.models import (
    LINES,
    PortfolioMeasure,
    ProjectionGrade,
    Scorecard,
    Statement,
    StatementLine,
)
from patronage.steer.shared import SharedExperience, shared_experience
from patronage.vocabulary.periods import Quarter

__all__ = [
    "Behind",
    "BehindRow",
    "Column",
    "Grade",
    "Luck",
    "ReturnView",
    "ScorecardView",
    "SharedExperience",
    "StatementHead",
    "StatementView",
    "grades",
    "line_customers",
    "scorecards",
    "shared_experience",
    "statement",
    "statements",
]

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementHead:
    """Which statement, of which quarter, by whom."""

    id: str
    #: such as "2017-Q4"
    quarter: str
    period_start: date
    as_of: date
    currency: str
    #: draft, reviewed or published
    state: str
    #: the valuation it opens with; None for the first statement
    opening_run_id: str | None
    closing_run_id: str
    drafted_by: str
    drafted_by_id: str
    drafted_at: datetime
    #: None while nobody has reviewed it
    reviewed_by: str | None
    reviewed_by_id: str | None
    reviewed_at: datetime | None
    #: None until it is published
    published_by: str | None
    published_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementView:
    """A statement as its reader may see it."""

    head: StatementHead
    #: the portfolios in the reader's scope, in the declared order
    portfolios: Sequence[Column]
    #: their sum
    total: Column
    #: whether that sum is the enterprise
    is_enterprise: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardView:
    """A manager's quarter for one portfolio, of the customers held at the date; minor units."""

    id: str
    statement_id: str
    as_of: date
    quarter: str
    currency: str
    #: draft, reviewed or published
    state: str
    portfolio_id: str
    portfolio: str
    manager_id: str
    manager: str
    customers: int
    revenue_minor: int
    margin_minor: int
    #: None where nothing was expected, for want of an opening
    expected_margin_minor: int | None
    #: value over the declared horizon, frozen at the date
    value_minor: int
    #: 90 % interval of the sum, customers taken as independent
    value_low_minor: int
    value_high_minor: int


def statements(actor: Actor) -> list[StatementHead]:
    """Every statement, newest date first, a date's published one before its drafts."""
    actor.require(Right.SEE_STATEMENTS)
    found = list(Statement.objects.all())
    found.sort(key=_newest_last, reverse=True)
    names = _names(found)
    return [_head(each, names) for each in found]


def statement(actor: Actor, which: str | date | None, now: datetime) -> StatementView:
    """Show one statement: by its id, as of a date (the published one, else the newest draft).

    Args:
        which: an id, a date, or None for the newest date stated.

    Raises:
        NotFound: there is none.
    """
    found = _find(actor, which)
    scope = scope_of(actor, now)
    lines = _in_scope(StatementLine.objects.filter(statement=found), scope)
    cards = {card.portfolio_id: card for card in _cards(found, scope)}
    amounts: dict[str, dict[str, int]] = {}
    for line in lines:
        amounts.setdefault(line.portfolio_id, dict.fromkeys(LINES, 0))[line.kind] = (
            line.amount_minor
        )
    measured = {
        each.portfolio_id: each
        for each in _in_scope(PortfolioMeasure.objects.filter(statement=found), scope)
    }
    has_opening = found.opening_run_id is not None
    columns = [
        column(
            Whose(portfolio_id=each, portfolio=card.portfolio.name, manager=card.manager.name),
            amounts[each],
            [card],
            [measured[each]],
            has_opening=has_opening,
        )
        for each, card in cards.items()
    ]
    summed = {name: sum(each[name] for each in amounts.values()) for name in LINES}
    title = "Enterprise" if scope.everything else "Your portfolios"
    return StatementView(
        head=_head(found, _names([found])),
        portfolios=columns,
        total=column(
            Whose(portfolio_id=None, portfolio=title, manager=None),
            summed,
            list(cards.values()),
            list(measured.values()),
            has_opening=has_opening,
        ),
        is_enterprise=scope.everything,
    )


def scorecards(actor: Actor, now: datetime, which: str | date | None = None) -> list[ScorecardView]:
    """Show the scorecards of one statement (chosen as in `statement`) in the actor's scope.

    Raises:
        NotFound: there is no such statement.
    """
    found = _find(actor, which)
    quarter, state = _quarter(found), _state(found)
    return [
        ScorecardView(
            id=card.id,
            statement_id=found.id,
            as_of=found.as_of,
            quarter=quarter,
            currency=found.currency,
            state=state,
            portfolio_id=card.portfolio_id,
            portfolio=card.portfolio.name,
            manager_id=card.manager_id,
            manager=card.manager.name,
            customers=card.customers,
            revenue_minor=card.revenue_minor,
            margin_minor=card.margin_minor,
            expected_margin_minor=card.expected_margin_minor,
            value_minor=card.value_minor,
            value_low_minor=card.value_low_minor,
            value_high_minor=card.value_high_minor,
        )
        for card in _cards(found, scope_of(actor, now))
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """What a frozen projection of one portfolio expected of a stretch of time, and what came."""

    #: when it was frozen
    frozen_as_of: date
    #: until when it is graded: the date of the newest statement that did
    until: date
    currency: str
    portfolio_id: str
    portfolio: str
    #: held when it was frozen, whoever holds them since
    customers: int
    expected_minor: int
    came_minor: int


def grades(actor: Actor, now: datetime) -> list[Grade]:
    """How frozen projections have done so far, newest first, in the actor's scope.

    Every statement grades all earlier ones; of each, the newest grade is shown, one from a
    published statement before one from a draft of the same date.
    """
    actor.require(Right.SEE_STATEMENTS)
    rows = _in_scope(ProjectionGrade.objects.all(), scope_of(actor, now))
    newest: dict[tuple[date, str], ProjectionGrade] = {}
    found = rows.select_related("statement", "portfolio")
    for each in sorted(found, key=lambda row: _newest_last(row.statement)):
        newest[each.graded_as_of, each.portfolio_id] = each
    ordered = sorted(
        newest.values(), key=lambda row: (-row.graded_as_of.toordinal(), row.portfolio.position)
    )
    return [
        Grade(
            frozen_as_of=each.graded_as_of,
            until=each.statement.as_of,
            currency=each.statement.currency,
            portfolio_id=each.portfolio_id,
            portfolio=each.portfolio.name,
            customers=each.customers,
            expected_minor=each.expected_minor,
            came_minor=each.came_minor,
        )
        for each in ordered
    ]


def _find(actor: Actor, which: str | date | None) -> Statement:
    actor.require(Right.SEE_STATEMENTS)
    rows = Statement.objects.all()
    if isinstance(which, str):
        rows = rows.filter(pk=which)
    elif which is not None:
        rows = rows.filter(as_of=which)
    found = max(rows, key=_newest_last, default=None)
    if found is None:
        raise NotFound(noun="statement", id="of any date" if which is None else str(which))
    return found


def _newest_last(row: Statement) -> tuple[date, bool, datetime, str]:
    return row.as_of, row.published_at is not None, row.drafted_at, row.id


def _in_scope(rows: QuerySet[M], scope: Scope) -> QuerySet[M]:
    return rows if scope.everything else rows.filter(portfolio_id__in=scope.portfolio_ids)


def _cards(found: Statement, scope: Scope) -> list[Scorecard]:
    rows = _in_scope(Scorecard.objects.filter(statement=found), scope)
    ordered = rows.select_related("portfolio", "manager")
    return list(ordered.order_by("portfolio__position", "portfolio__name"))


def _head(row: Statement, names: Mapping[str, str]) -> StatementHead:
    return StatementHead(
        id=row.id,
        quarter=_quarter(row),
        period_start=row.period_start,
        as_of=row.as_of,
        currency=row.currency,
        state=_state(row),
        opening_run_id=row.opening_run_id,
        closing_run_id=row.closing_run_id,
        drafted_by=names.get(row.drafted_by, row.drafted_by),
        drafted_by_id=row.drafted_by,
        drafted_at=row.drafted_at,
        reviewed_by=names.get(row.reviewed_by, row.reviewed_by) or None,
        reviewed_by_id=row.reviewed_by or None,
        reviewed_at=row.reviewed_at,
        published_by=names.get(row.published_by, row.published_by) or None,
        published_at=row.published_at,
    )


def _names(rows: Sequence[Statement]) -> dict[str, str]:
    people = {each for row in rows for each in (row.drafted_by, row.reviewed_by, row.published_by)}
    found = User.objects.filter(id__in=people).values_list("id", "name")
    return {SYSTEM_ID: "System", **dict(found)}


def _state(row: Statement) -> str:
    if row.published_at is not None:
        return "published"
    return "draft" if row.reviewed_at is None else "reviewed"


def _quarter(row: Statement) -> str:
    return str(Quarter(row.as_of.year, (row.as_of.month + 2) // 3))
