"""What someone may do with statements: draft one, publish another person's."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from patronage.access.audit import record
from patronage.access.company import company_of
from patronage.access.errors import NotFound
from patronage.access.roles import SYSTEM_ID, Actor, Right
from patronage.access.transactions import atomic, take_turns
from patronage.steer import jobs
from patronage.steer.errors import (
    AlreadyPublished,
    DoesNotContinue,
    NotAPerson,
    Published,
    QuarterNotOver,
    SamePerson,
)
from patronage.steer.inputs import continues
from patronage.steer.models import Statement, StatementLine
from patronage.vocabulary.periods import BusinessCalendar


def draft(*, actor: Actor, now: datetime, as_of: date) -> Statement:
    """Draft the statement as of a date; see `jobs.draft_statement`."""
    return jobs.draft_statement(actor=actor, now=now, as_of=as_of)


def publish_statement(*, actor: Actor, now: datetime, statement_id: str) -> Statement:
    """Publish a draft: from then on no figure of it changes, and the next quarter opens with it.

    Raises:
        NotAllowed: the actor may not publish.
        NotFound: there is no such statement.
        Published: it is published already.
        SamePerson: the actor drafted it.
        NotAPerson: the system cannot answer for it.
        QuarterNotOver: it covers part of a quarter.
        AlreadyPublished: another statement as of the date is.
        DoesNotContinue: a portfolio opens with other than its last published closing.
    """
    actor.require(Right.PUBLISH_STATEMENT)
    with atomic():
        take_turns("publish statement")
        statement = Statement.objects.filter(pk=statement_id).first()
        if statement is None:
            raise NotFound(noun="statement", id=statement_id)
        _require_publishable(actor, statement)
        Statement.objects.filter(pk=statement_id).update(published_by=actor.id, published_at=now)
        statement.refresh_from_db()
        _audit(actor, now, statement)
    return statement


def _require_publishable(actor: Actor, statement: Statement) -> None:
    if statement.published_at is not None:
        raise Published(statement_id=statement.id)
    if actor.id == SYSTEM_ID:
        raise NotAPerson(statement_id=statement.id)
    if actor.id == statement.drafted_by:
        raise SamePerson(statement_id=statement.id, name=actor.name)
    company = company_of(statement.closing_run.company_version)
    last_day = BusinessCalendar(company.time_zone).quarter_of(statement.as_of).last_day
    if statement.as_of != last_day:
        raise QuarterNotOver(as_of=statement.as_of, last_day=last_day)
    other = _published_as_of(statement.as_of)
    if other is not None:
        raise AlreadyPublished(as_of=statement.as_of, statement_id=other.id)
    previous = _published_as_of(statement.period_start - timedelta(days=1))
    if not continues(statement, previous):
        raise DoesNotContinue(statement_id=statement.id, as_of=statement.as_of)


def _published_as_of(day: date) -> Statement | None:
    return Statement.objects.filter(as_of=day, published_at__isnull=False).first()


def _audit(actor: Actor, now: datetime, statement: Statement) -> None:
    rows = StatementLine.objects.filter(statement=statement).order_by("portfolio_id", "id")
    figures: dict[str, dict[str, int]] = {}
    for row in rows:
        figures.setdefault(row.portfolio_id, {})[row.kind] = row.amount_minor
    record(
        actor=actor,
        now=now,
        action="publish statement",
        subject_kind="statement",
        subject_id=statement.id,
        change={
            "as_of": statement.as_of.isoformat(),
            "drafted_by": statement.drafted_by,
            "currency": statement.currency,
            "lines_minor": figures,
        },
    )
