"""Publishing takes a second person, happens once a date, and freezes every figure for good."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from patronage.access.errors import NotAllowed, NotFound
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM
from patronage.steer import reads
from patronage.steer.actions import draft, publish_statement, review_statement
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
from patronage.steer.models import Scorecard, Statement, StatementLine

from ..differentiate.history import NOW, line
from .test_statement import amounts
from .world import JUNE, SEPTEMBER, World, best_of, drafted, revalued, valued

Quarters = tuple[Statement, Statement]


@pytest.fixture
def published(quarters: Quarters, world: World) -> Statement:
    """The second quarter's statement, reviewed by Zoe and published by Eve."""
    return taken_on(world, quarters[1])


def taken_on(world: World, statement: Statement) -> Statement:
    review_statement(actor=world.actor("zoe"), now=NOW, statement_id=statement.id)
    return publish_statement(actor=world.actor("eve"), now=NOW, statement_id=statement.id)


def test_what_the_system_drafted_two_people_take_on(published: Statement, world: World) -> None:
    entry = AuditEntry.objects.get(action="publish statement")

    assert (published.drafted_by, published.published_by) == ("system", world.people["eve"].id)
    assert (published.reviewed_by, published.reviewed_at) == (world.people["zoe"].id, NOW)
    assert published.published_at == NOW
    assert entry.change["lines_minor"] == amounts(published)
    assert reads.statement(world.actor("eve"), SEPTEMBER, NOW).head.state == "published"


def test_a_published_statement_keeps_the_grades_of_a_draft_that_is_gone(
    quarters: Quarters, world: World
) -> None:
    june, september = quarters
    taken_on(world, september)
    graded = reads.grades(world.actor("eve"), NOW)
    assert {each.frozen_as_of for each in graded} == {JUNE}
    june.delete()
    assert reads.grades(world.actor("eve"), NOW) == graded


def test_nobody_takes_on_their_own_draft(world: World) -> None:
    valued(JUNE)
    mine = draft(actor=world.actor("eve"), now=NOW, as_of=JUNE)

    with pytest.raises(SamePerson, match="another person has to review"):
        review_statement(actor=world.actor("eve"), now=NOW, statement_id=mine.id)
    review_statement(actor=world.actor("zoe"), now=NOW, statement_id=mine.id)
    with pytest.raises(SamePerson, match="another person has to publish"):
        publish_statement(actor=world.actor("eve"), now=NOW, statement_id=mine.id)
    theirs = publish_statement(actor=world.actor("zoe"), now=NOW, statement_id=mine.id)
    assert (theirs.drafted_by, theirs.published_by) == (
        world.people["eve"].id,
        world.people["zoe"].id,
    )


def test_what_the_system_drafted_nobody_takes_on_alone(quarters: Quarters, world: World) -> None:
    review_statement(actor=world.actor("zoe"), now=NOW, statement_id=quarters[1].id)

    with pytest.raises(SamePerson, match="reviewed"):
        publish_statement(actor=world.actor("zoe"), now=NOW, statement_id=quarters[1].id)
    assert reads.statement(world.actor("eve"), SEPTEMBER, NOW).head.state == "reviewed"


def test_a_statement_is_reviewed_once_and_before_it_is_published(
    quarters: Quarters, world: World
) -> None:
    with pytest.raises(NotReviewed):
        publish_statement(actor=world.actor("eve"), now=NOW, statement_id=quarters[1].id)
    done = taken_on(world, quarters[0])
    with pytest.raises(Published):
        review_statement(actor=world.actor("zoe"), now=NOW, statement_id=done.id)
    review_statement(actor=world.actor("zoe"), now=NOW, statement_id=quarters[1].id)
    with pytest.raises(AlreadyReviewed, match="Zoe"):
        review_statement(actor=world.actor("eve"), now=NOW, statement_id=quarters[1].id)


ALONE: dict[str, dict[str, object]] = {
    "drafts and reviews": {"reviewed_by": "drafter", "reviewed_at": NOW},
    "drafts and publishes": {
        "reviewed_by": "another",
        "reviewed_at": NOW,
        "published_by": "drafter",
        "published_at": NOW,
    },
    "publishes unreviewed": {"published_by": "another", "published_at": NOW},
    "reviews at no instant": {"reviewed_by": "another"},
}


def test_the_database_refuses_whoever_takes_a_statement_on_alone(world: World) -> None:
    valued(JUNE)
    mine = drafted(JUNE, by=world.actor("eve"))
    people = {"drafter": world.people["eve"].id, "another": world.people["zoe"].id}
    for steps in ALONE.values():
        with pytest.raises(IntegrityError), transaction.atomic():
            Statement.objects.filter(pk=mine.pk).update(
                **{name: people.get(str(value), value) for name, value in steps.items()}
            )


def test_the_database_refuses_one_person_after_the_system(quarters: Quarters, world: World) -> None:
    zoe = world.people["zoe"].id
    steps = {"reviewed_by": zoe, "reviewed_at": NOW, "published_by": zoe, "published_at": NOW}
    with pytest.raises(IntegrityError), transaction.atomic():
        Statement.objects.filter(pk=quarters[1].pk).update(**steps)


def test_the_system_answers_for_no_figure(quarters: Quarters) -> None:
    for action in (review_statement, publish_statement):
        with pytest.raises(NotAPerson):
            action(actor=SYSTEM, now=NOW, statement_id=quarters[1].id)


def test_only_an_executive_publishes(quarters: Quarters, world: World) -> None:
    for name in ("ana", "ada", "gus"):
        with pytest.raises(NotAllowed, match="publish statements"):
            publish_statement(actor=world.actor(name), now=NOW, statement_id=quarters[1].id)
        with pytest.raises(NotAllowed, match="review statements"):
            review_statement(actor=world.actor(name), now=NOW, statement_id=quarters[1].id)


def test_an_unknown_statement_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        publish_statement(actor=world.actor("eve"), now=NOW, statement_id="stm_nothing")


def test_part_of_a_quarter_stays_a_draft(world: World) -> None:
    valued(JUNE)
    valued(date(2024, 8, 15))
    part = drafted(date(2024, 8, 15))
    review_statement(actor=world.actor("zoe"), now=NOW, statement_id=part.id)

    with pytest.raises(QuarterNotOver, match="2024-09-30"):
        publish_statement(actor=world.actor("eve"), now=NOW, statement_id=part.id)


def test_a_date_is_published_once(published: Statement, world: World) -> None:
    before = amounts(published)
    with pytest.raises(Published):
        publish_statement(actor=world.actor("zoe"), now=NOW, statement_id=published.id)
    _correct(published)
    other = drafted(SEPTEMBER)
    review_statement(actor=world.actor("eve"), now=NOW, statement_id=other.id)

    with pytest.raises(AlreadyPublished, match=published.id):
        publish_statement(actor=world.actor("zoe"), now=NOW, statement_id=other.id)
    assert amounts(published) == before
    assert reads.statement(world.actor("eve"), SEPTEMBER, NOW).head.id == published.id


def test_the_next_quarter_opens_with_what_was_published_not_with_the_correction(
    quarters: Quarters, world: World
) -> None:
    june = taken_on(world, quarters[0])
    _correct(june)
    valued(SEPTEMBER)
    after = drafted(SEPTEMBER)

    assert after.opening_run == june.closing_run
    published = taken_on(world, after)
    for portfolio, each in amounts(published).items():
        assert each["opening"] == amounts(june)[portfolio]["closing"]


def test_a_draft_that_opens_with_other_than_the_published_figures_is_refused(
    quarters: Quarters, world: World
) -> None:
    _correct(quarters[0])
    corrected = drafted(JUNE)
    taken_on(world, corrected)
    review_statement(actor=world.actor("zoe"), now=NOW, statement_id=quarters[1].id)

    with pytest.raises(DoesNotContinue, match="again"):
        publish_statement(actor=world.actor("eve"), now=NOW, statement_id=quarters[1].id)


def _change_a_line(statement: Statement) -> None:
    each = statement.lines.get(kind="closing", portfolio__name="Top")
    each.amount_minor += 1
    each.save()


def _take_back(statement: Statement) -> None:
    statement.published_at, statement.published_by = None, ""
    statement.save()


def _add_a_line(statement: Statement) -> None:
    line = statement.lines.first()
    assert line is not None
    StatementLine(statement=statement, portfolio=line.portfolio, kind="again").save()


ATTACKS: dict[str, Callable[[Statement], object]] = {
    "change a line": _change_a_line,
    "take it back": _take_back,
    "add a line": _add_a_line,
    "change its lines at once": lambda each: StatementLine.objects.filter(statement=each).update(
        amount_minor=0
    ),
    "change its scorecards at once": lambda each: each.scorecards.update(value_minor=0),
    "change lines through the statement": lambda each: each.lines.update(amount_minor=0),
    "delete its lines": lambda each: each.lines.all().delete(),
    "delete a scorecard": lambda each: Scorecard.objects.filter(statement=each)[0].delete(),
    "delete it": lambda each: each.delete(),
    "delete all statements": lambda each: Statement.objects.all().delete(),
    "change its measures at once": lambda each: each.measures.update(paid_for_minor=0),
    "change its grades at once": lambda each: each.grades.update(came_minor=0),
    "change its lines in bulk": lambda each: StatementLine.objects.bulk_update(
        each.lines.all(), ["amount_minor"]
    ),
    "give it another date": lambda each: Statement.objects.filter(pk=each.pk).update(as_of=JUNE),
}


def test_no_program_here_changes_a_published_statement(published: Statement) -> None:
    before = amounts(published)
    for attack in ATTACKS.values():
        target = Statement.objects.get(pk=published.pk)
        with pytest.raises(Published, match="never changes"), transaction.atomic():
            attack(target)

    assert amounts(published) == before
    assert Statement.objects.get(pk=published.pk).published_at == NOW


UPDATES = {
    "a line": "UPDATE steer_statementline SET amount_minor = amount_minor + 1",
    "a scorecard": "UPDATE steer_scorecard SET value_minor = 0",
    "a measure": "UPDATE steer_portfoliomeasure SET paid_for_minor = 0",
    "a grade": "UPDATE steer_projectiongrade SET came_minor = 0",
    "the date": "UPDATE steer_statement SET as_of = '2020-03-31'",
    "the publication": "UPDATE steer_statement SET published_at = NULL, published_by = ''",
    "one line more": (
        "INSERT INTO steer_statementline (statement_id, portfolio_id, kind, amount_minor) "
        "SELECT statement_id, portfolio_id, 'again', 1 FROM steer_statementline "
        "WHERE kind = 'opening'"
    ),
}


def test_the_database_itself_refuses_to_change_a_published_statement(
    published: Statement,
) -> None:
    before = amounts(published)
    for statement in UPDATES.values():
        with pytest.raises(IntegrityError, match="never changes"):
            _execute(statement)

    assert amounts(published) == before


def test_a_draft_can_be_changed_so_that_the_attacks_above_have_power(quarters: Quarters) -> None:
    for what in ("a line", "a scorecard", "a measure", "a grade", "one line more"):
        assert _execute(UPDATES[what]) > 0


def test_a_published_statement_is_not_deleted_unseen(published: Statement) -> None:
    if connection.vendor == "postgresql":
        for table in (
            "steer_statementline",
            "steer_scorecard",
            "steer_portfoliomeasure",
            "steer_statement",
        ):
            with pytest.raises(IntegrityError, match="never changes"):
                _execute(f"DELETE FROM {table}")
        return
    _execute("DELETE FROM steer_statementline WHERE kind = 'closing'")
    logged = AuditEntry.objects.get(action="publish statement").change["lines_minor"]
    assert amounts(published) != logged


def _execute(statement: str) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.rowcount)


def _correct(statement: Statement) -> None:
    """Import a late line of the statement's quarter and value its date again."""
    customer_id = best_of(statement.closing_run, 1)[0]
    day = statement.as_of
    late = line(customer_id, datetime(day.year, day.month, 2, 15, tzinfo=UTC), 99_00)
    assert revalued(day, late).id != statement.closing_run_id
