"""What someone may do with statements: draft one, review and publish another person's."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from patronage.access.audit import record
from patronage.access.company import company_of
from patronage.access.errors import NotFound
from patronage.access.models import User
from patronage.access.roles import SYSTEM_ID, Actor, Right
from patronage.access.transactions import atomic, take_turns
from patronage.steer import jobs
from patronage.steer.errors import (
    AlreadyPublished,
    AlreadyReviewed,
    DoesNotContinue,
    NotAPerson,
    NotReviewed,
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


def review_statement(*, actor: Actor, now: datetime, statement_id: str) -> Statement:
    """Say that a draft is right; another look before it is published.

    Raises:
        NotAllowed: the actor may not review.
        NotFound: there is no such statement.
        Published: it is published already.
        AlreadyReviewed: somebody has reviewed it.
        SamePerson: the actor drafted it.
        NotAPerson: the system cannot answer for it.
    """
    actor.require(Right.REVIEW_STATEMENT)
    with atomic():
        take_turns("publish statement")
        statement = _statement(statement_id)
        _require_another(actor, statement, wants="review")
        if statement.reviewed_at is not None:
            raise AlreadyReviewed(statement_id=statement.id, name=_name(statement.reviewed_by))
        Statement.objects.filter(pk=statement_id).update(reviewed_by=actor.id, reviewed_at=now)
        statement.refresh_from_db()
        record(
            actor=actor,
            now=now,
            action="review statement",
            subject_kind="statement",
            subject_id=statement.id,
            right=Right.REVIEW_STATEMENT,
            before={"state": "drafted"},
            change={
                "state": "reviewed",
                "as_of": statement.as_of.isoformat(),
                "drafted_by": statement.drafted_by,
            },
        )
    return statement


def publish_statement(*, actor: Actor, now: datetime, statement_id: str) -> Statement:
    """Publish a reviewed draft: no figure of it ever changes, and the next quarter opens with it.

    Two people answer for it: whoever drafted it neither reviews nor publishes it, and where the
    system drafted it, whoever reviewed it does not publish it.

    Raises:
        NotAllowed: the actor may not publish.
        NotFound: there is no such statement.
        Published: it is published already.
        NotReviewed: nobody has reviewed it.
        SamePerson: the actor drafted it, or reviewed what the system drafted.
        NotAPerson: the system cannot answer for it.
        QuarterNotOver: it covers part of a quarter.
        AlreadyPublished: another statement as of the date is.
        DoesNotContinue: a portfolio opens with other than its last published closing.
    """
    actor.require(Right.PUBLISH_STATEMENT)
    with atomic():
        take_turns("publish statement")
        statement = _statement(statement_id)
        _require_publishable(actor, statement)
        Statement.objects.filter(pk=statement_id).update(published_by=actor.id, published_at=now)
        statement.refresh_from_db()
        _audit(actor, now, statement)
    return statement


def _statement(statement_id: str) -> Statement:
    found = Statement.objects.filter(pk=statement_id).first()
    if found is None:
        raise NotFound(noun="statement", id=statement_id)
    return found


def _require_another(actor: Actor, statement: Statement, *, wants: str) -> None:
    """Refuse the system, the drafter, and whatever is published."""
    if statement.published_at is not None:
        raise Published(statement_id=statement.id)
    if actor.id == SYSTEM_ID:
        raise NotAPerson(statement_id=statement.id)
    if actor.id == statement.drafted_by:
        raise SamePerson(statement_id=statement.id, name=actor.name, did="drafted", wants=wants)


def _name(user_id: str) -> str:
    return User.objects.filter(pk=user_id).values_list("name", flat=True).first() or user_id


def _require_publishable(actor: Actor, statement: Statement) -> None:
    _require_another(actor, statement, wants="publish")
    if statement.reviewed_at is None:
        raise NotReviewed(statement_id=statement.id)
    if statement.drafted_by == SYSTEM_ID and statement.reviewed_by == actor.id:
        raise SamePerson(
            statement_id=statement.id, name=actor.name, did="reviewed", wants="publish"
        )
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
        right=Right.PUBLISH_STATEMENT,
        before={"state": "reviewed"},
        change={
            "state": "published",
            "as_of": statement.as_of.isoformat(),
            "drafted_by": statement.drafted_by,
            "reviewed_by": statement.reviewed_by,
            "currency": statement.currency,
            "lines_minor": figures,
        },
    )
