"""Is a published policy live in every process at its next decision, and does one publisher win?

Only PostgreSQL has more than one process on a store; SQLite's is owned by one, where the next
decision is looked at in tests/stages/customize/test_rules.py.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest
from django.db import connection

from patronage.access.roles import SYSTEM
from patronage.customize.jobs import decide
from patronage.customize.models import Decision
from patronage.govern.actions import draft_policy, roll_back
from patronage.govern.models import PolicyVersion

from ..stages.customize.rules import publish, rule
from ..stages.customize.world import AS_OF, World, build
from ..stages.differentiate.history import NOW
from .another_process import another

pytestmark = [pytest.mark.trial, pytest.mark.django_db(transaction=True)]

ELSE = "Everybody else"


@pytest.fixture
def world() -> World:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite is owned by one process")
    made = build()
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    return made


def at(seconds: int) -> str:
    return (NOW + timedelta(seconds=seconds)).isoformat()


def offered_to(world: World) -> str:
    """A customer of the portfolio to whom something is offered."""
    offered = Decision.objects.filter(outcome="offered", portfolio=world.portfolios[ELSE])
    found: str = offered.earliest("id").customer_id
    return found


def draft(world: World, note: str) -> str:
    drafted = draft_policy(
        actor=SYSTEM,
        now=NOW,
        portfolio_id=world.portfolios[ELSE].id,
        rules=[rule("block", name=note)],
        note=note,
    )
    return drafted.version.id


def test_the_next_decision_of_another_process_names_what_was_published(world: World) -> None:
    customer_id = offered_to(world)
    with another() as other:

        def asked(second: int) -> dict[str, str]:
            return other.ask(do="decide", customer_id=customer_id, at=at(second))

        first = publish(world, ELSE)
        assert asked(60) == {"outcome": "offered", "rules": first.id}
        for round_ in range(3):
            begin = time.monotonic()
            blocked = publish(world, ELSE, rule("block"), valid_from=NOW)
            assert asked(61 + round_) == {"outcome": "nothing", "rules": blocked.id}
            print(f"live in the other process after {time.monotonic() - begin:.3f} s")
            back = roll_back(
                actor=SYSTEM,
                now=datetime.fromisoformat(at(0)),
                portfolio_id=world.portfolios[ELSE].id,
                reason="one click",
            )
            assert asked(61 + round_)["rules"] == back.id


def test_a_process_that_forgets_to_look_is_found(world: World) -> None:
    """The broken twin."""
    customer_id = offered_to(world)
    with another(forgets_to_look=True) as other:
        first = publish(world, ELSE)
        before = other.ask(do="decide", customer_id=customer_id, at=at(60))
        blocked = publish(world, ELSE, rule("block"), valid_from=NOW)
        after = other.ask(do="decide", customer_id=customer_id, at=at(61))
    assert before["rules"] == after["rules"] == first.id != blocked.id


def test_of_two_who_publish_at_once_one_wins_and_the_other_reads_what_to_do(world: World) -> None:
    for round_ in range(3):
        drafts = [draft(world, f"{who} {round_}") for who in ("one", "other")]
        with another() as one, another() as other:
            for process, version_id in zip((one, other), drafts, strict=True):
                process.send(do="publish", version_id=version_id, at=at(round_))
            answers = [one.answer(), other.answer()]
        won = [each for each in answers if "number" in each]
        lost = [each for each in answers if "refused" in each]
        assert len(won) == len(lost) == 1
        assert won[0]["number"] == round_ + 1
        assert lost[0]["refused"] == "PolicyMovedOn"
        assert "save the draft again" in lost[0]["words"]
        assert PolicyVersion.objects.filter(published_at__isnull=False).count() == round_ + 1
