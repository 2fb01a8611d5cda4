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
from patronage.science.equity import ReturnOnCustomer, return_on_customer
from patronage.steer.behind import Behind, BehindRow, line_customers
from patronage.steer.models import LINES, Scorecard, Statement, StatementLine
from patronage.vocabulary.periods import Quarter

__all__ = [
    "Behind",
    "BehindRow",
    "Column",
    "ScorecardView",
    "StatementHead",
    "StatementView",
    "line_customers",
    "scorecards",
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
    #: draft or published
    state: str
    #: the valuation it opens with; None for the first statement
    opening_run_id: str | None
    closing_run_id: str
    drafted_by: str
    drafted_by_id: str
    drafted_at: datetime
    #: None while it is a draft
    published_by: str | None
    published_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One portfolio's bridge, or the sum of several; money in minor units."""

    #: None for a sum
    portfolio_id: str | None
    portfolio: str
    #: who answered for it at the date; None for a sum
    manager: str | None
    #: each of `steer.models.LINES`, in the statement's order
    amounts_minor: Mapping[str, int]
    #: opening and movements less closing: 0
    checksum_minor: int
    #: margin earned in the quarter with the customers held at the date
    realised_margin_minor: int
    #: what the opening expected of them; None without an opening
    expected_margin_minor: int | None
    #: first version: on the value of the declared horizon, not of a whole lifetime
    return_on_customer: ReturnOnCustomer


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
    #: draft or published
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
    columns = [
        _column(card.portfolio_id, card.portfolio.name, card.manager.name, amounts[each], [card])
        for each, card in cards.items()
    ]
    summed = {name: sum(each[name] for each in amounts.values()) for name in LINES}
    title = "Enterprise" if scope.everything else "Your portfolios"
    return StatementView(
        head=_head(found, _names([found])),
        portfolios=columns,
        total=_column(None, title, None, summed, list(cards.values())),
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


def _column(
    portfolio_id: str | None,
    portfolio: str,
    manager: str | None,
    amounts: Mapping[str, int],
    cards: Sequence[Scorecard],
) -> Column:
    margin = sum(card.margin_minor for card in cards)
    expected = [
        card.expected_margin_minor for card in cards if card.expected_margin_minor is not None
    ]
    return Column(
        portfolio_id=portfolio_id,
        portfolio=portfolio,
        manager=manager,
        amounts_minor=amounts,
        checksum_minor=sum(amounts[name] for name in LINES[:-1]) - amounts["closing"],
        realised_margin_minor=margin,
        expected_margin_minor=sum(expected) if len(expected) == len(cards) > 0 else None,
        return_on_customer=return_on_customer(
            realised_margin=margin,
            opening=amounts["opening"],
            closing=amounts["closing"],
            hand_overs=amounts["hand_overs"],
            # Nobody earned what another model says, nor who was there before recording began.
            not_attributable=amounts["model_change"] + amounts["panel_entry"],
        ),
    )


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
        published_by=names.get(row.published_by, row.published_by) or None,
        published_at=row.published_at,
    )


def _names(rows: Sequence[Statement]) -> dict[str, str]:
    people = {row.drafted_by for row in rows} | {row.published_by for row in rows}
    found = User.objects.filter(id__in=people).values_list("id", "name")
    return {SYSTEM_ID: "System", **dict(found)}


def _state(row: Statement) -> str:
    return "draft" if row.published_at is None else "published"


def _quarter(row: Statement) -> str:
    return str(Quarter(row.as_of.year, (row.as_of.month + 2) // 3))
