"""A lever is a right with a limit: at once within it, beyond it somebody else's word."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from patronage.access.errors import NotAllowed, NotFound
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM
from patronage.govern import reads
from patronage.govern.actions import (
    arrange_cover,
    delegate_lever,
    end_grant,
    hand_over,
)
from patronage.govern.errors import (
    CannotGrant,
    CannotRuleOnLever,
    LeverRefused,
    NoReason,
)
from patronage.govern.models import Grant, LeverUse

from .pulling import granted, pull, say
from .world import World

DAY = timedelta(days=1)


# ------------------------------------------------------------------------- at once, or queued


def test_the_same_remedy_is_immediate_under_the_limit_and_one_cent_more_queues(
    world: World, customer: str
) -> None:
    granted(world, "goodwill", 2_000, role="agent", per="customer_quarter")
    granted(world, "goodwill", 5_000)
    done = pull(world, "gus", customer, "goodwill", 2_000)
    assert (done.state, done.currency, done.valid_from) == ("done", "USD", world.now)
    more = pull(world, "gus", customer, "goodwill", 1)
    assert (more.state, more.waits_for, more.valid_from) == ("waiting", "manager", None)
    (waits,) = reads.my_levers(world.actor("dev"), world.now).waiting
    assert (waits.id, waits.may) == (more.id, ("approve", "refuse"))
    approved = say(world, "dev", more, "approve")
    assert (approved.state, approved.valid_from) == ("approved", world.now)
    said = AuditEntry.objects.filter(subject_kind="customer", subject_id=customer)
    logged = [(each.action, each.actor_name) for each in said.order_by("pk")]
    assert logged[-3:] == [
        ("use lever", "Gus"),
        ("use lever", "Gus"),
        ("approve lever use", "Dev"),
    ]


def test_what_was_done_at_once_is_reviewed_afterwards(world: World, customer: str) -> None:
    granted(world, "goodwill", 2_000, role="agent")
    use = pull(world, "gus", customer, "goodwill", 500)
    (row,) = reads.my_levers(world.actor("dev"), world.now).to_review
    assert (row.id, row.may) == (use.id, ("review", "question", "take_back"))
    say(world, "dev", use, "review")
    assert reads.my_levers(world.actor("dev"), world.now).to_review == []
    (own,) = reads.my_levers(world.actor("gus"), world.now).used
    assert own.reviewed_at == world.now
    with pytest.raises(CannotRuleOnLever, match="already"):
        say(world, "dev", use, "review")


def test_what_was_done_at_once_is_asked_about_and_answered(world: World, customer: str) -> None:
    granted(world, "goodwill", 2_000, role="agent")
    use = pull(world, "gus", customer, "goodwill", 500)
    with pytest.raises(CannotRuleOnLever, match="Nobody asked"):
        say(world, "gus", use, "answer")
    with pytest.raises(CannotRuleOnLever, match="Who did it answers"):
        say(world, "dev", use, "answer")
    with pytest.raises(CannotRuleOnLever, match="Somebody else"):
        say(world, "gus", use, "question")
    say(world, "dev", use, "question", reason="Was it our fault?")

    (asked,) = reads.my_levers(world.actor("gus"), world.now).asked
    assert (asked.question, asked.may) == ("Was it our fault?", ("answer", "take_back"))
    say(world, "gus", use, "answer", reason="The van was late.")
    assert reads.my_levers(world.actor("gus"), world.now).asked == []
    (row,) = reads.my_levers(world.actor("dev"), world.now).to_review
    assert (row.question, row.answer) == ("Was it our fault?", "The van was late.")
    assert row.may == ("review", "take_back")
    for by, ruling in (("dev", "question"), ("gus", "answer")):
        with pytest.raises(CannotRuleOnLever, match="already"):
            say(world, by, use, ruling)
    say(world, "dev", use, "review")
    assert reads.my_levers(world.actor("dev"), world.now).to_review == []
    assert LeverUse.objects.get(pk=use.pk).state == "done"


def test_beyond_the_managers_own_limit_a_second_person_says_so(world: World, customer: str) -> None:
    granted(world, "discount", 1_000)
    assert pull(world, "dev", customer, "discount", 1_000).state == "done"
    more = pull(world, "dev", customer, "discount", 1_001)
    assert (more.state, more.waits_for) == ("waiting", "executive")
    for ruling in ("approve", "refuse", "review"):
        with pytest.raises(CannotRuleOnLever, match="Somebody else"):
            say(world, "dev", more, ruling)
    approved = say(world, "eve", more, "approve")
    assert (approved.state, approved.grant_id) == ("approved", None)


def test_a_manager_does_not_approve_beyond_their_own_limit(world: World, customer: str) -> None:
    granted(world, "goodwill", 100, role="agent")
    granted(world, "goodwill", 1_000)
    use = pull(world, "gus", customer, "goodwill", 1_001)
    assert use.waits_for == "executive"
    with pytest.raises(CannotRuleOnLever, match="executive must say so"):
        say(world, "dev", use, "approve")
    assert LeverUse.objects.get(pk=use.pk).state == "waiting"
    assert say(world, "eve", use, "approve").state == "approved"


def test_nobody_pulls_what_they_were_not_granted(world: World, customer: str) -> None:
    with pytest.raises(LeverRefused, match="no right to the lever"):
        pull(world, "dev", customer, "discount", 1)
    with pytest.raises(NotAllowed):
        pull(world, "eve", customer, "discount", 1)
    granted(world, "discount", 100, starts_at=world.now + DAY, ends_at=world.now + 2 * DAY)
    with pytest.raises(LeverRefused):
        pull(world, "dev", customer, "discount", 1)
    assert pull(world, "dev", customer, "discount", 1, now=world.now + DAY).state == "done"
    with pytest.raises(LeverRefused):
        pull(world, "dev", customer, "discount", 1, now=world.now + 2 * DAY)


@pytest.mark.parametrize(
    ("lever", "amount"),
    [("discount", 0), ("discount", -1), ("discount", 10_001), ("price", -10_001), ("none", 1)],
)
def test_an_amount_that_cannot_be_is_refused(
    world: World, customer: str, lever: str, amount: int
) -> None:
    granted(world, "discount", 10_000)
    with pytest.raises(LeverRefused):
        pull(world, "dev", customer, lever, amount)
    with pytest.raises(NoReason):
        pull(world, "dev", customer, "discount", 1, reason=" ")
    assert not LeverUse.objects.exists()


# ------------------------------------------------------------------------------- whose customer


def test_a_foreign_customer_looks_like_an_absent_one(world: World, customer: str) -> None:
    granted(world, "discount", 1_000)
    granted(world, "discount", 1_000, portfolio_id=world.portfolios["Rest"])
    use = pull(world, "dev", customer, "discount", 2_000)
    with pytest.raises(NotFound) as foreign:
        pull(world, "cho", customer, "discount", 1)
    with pytest.raises(NotFound) as absent:
        pull(world, "cho", "cus_none", "discount", 1)
    assert str(foreign.value).replace(customer, "x") == str(absent.value).replace("cus_none", "x")
    with pytest.raises(NotFound):
        say(world, "cho", use, "refuse")
    with pytest.raises(NotFound):
        # an agent sees the customer, and has no word on what others did
        say(world, "gus", use, "take_back")
    assert reads.lever_uses(world.actor("cho"), world.now) == []
    assert reads.lever_uses(world.actor("gus"), world.now) == []
    assert [each.id for each in reads.lever_uses(world.actor("dev"), world.now)] == [use.id]


def test_a_read_without_scope_would_be_noticed(
    world: World, customer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted(world, "discount", 1_000)
    pull(world, "dev", customer, "discount", 1)
    from patronage.identify import in_sight

    monkeypatch.setattr(in_sight, "visible", lambda found, _actor, _now: found)
    assert reads.lever_uses(world.actor("cho"), world.now) != []


def test_the_right_goes_with_the_customer_and_the_cover(world: World, customer: str) -> None:
    granted(world, "discount", 1_000)
    arrange_cover(
        actor=world.actor("dev"),
        now=world.now,
        portfolio_id=world.portfolios["New"],
        deputy_id=world.people["ana"].id,
        reason="on leave",
        ends_at=world.now + DAY,
    )
    assert pull(world, "ana", customer, "discount", 1_000).state == "done"
    with pytest.raises(NotFound):
        pull(world, "ana", customer, "discount", 1_000, now=world.now + DAY)
    hand_over(
        actor=SYSTEM,
        now=world.now + DAY,
        customer_ids=[customer],
        to_portfolio_id=world.portfolios["Rest"],
        reason="moved",
    )
    with pytest.raises(LeverRefused, match="no right"):
        pull(world, "cho", customer, "discount", 1, now=world.now + DAY)


# ----------------------------------------------------------------------------------- passing on


def test_a_part_is_dated_visible_and_never_more_than_the_whole(world: World, customer: str) -> None:
    whole = granted(world, "goodwill", 1_000, per="quarter", ends_at=world.now + 30 * DAY)

    def passed(limit: int, person: str = "gus", by: str = "dev", **more: Any) -> Grant:
        return delegate_lever(
            actor=world.actor(by),
            now=world.now,
            grant_id=whole.id,
            person_id=world.people[person].id,
            limit=limit,
            reason="busy weeks",
            **more,
        )

    wrong: tuple[dict[str, Any], ...] = (
        {"limit": 1_001},
        {"limit": 0},
        {"limit": 10, "ends_at": world.now + 31 * DAY},
        {"limit": 10, "person": "dev"},
        {"limit": 10, "person": "eve"},
        # sees none of these customers
        {"limit": 10, "person": "cho"},
    )
    for each in wrong:
        with pytest.raises(CannotGrant):
            passed(**each)
    with pytest.raises(NotFound):
        passed(10, by="cho")
    part = passed(600)
    assert part.ends_at == whole.ends_at
    with pytest.raises(NotFound):
        # who was passed a part passes nothing on
        delegate_lever(
            actor=world.actor("gus"), now=world.now, grant_id=part.id,
            person_id=world.people["cho"].id, limit=1, reason="no",
        )  # fmt: skip
    assert pull(world, "gus", customer, "goodwill", 600).grant_id == part.id
    assert pull(world, "gus", customer, "goodwill", 1).state == "waiting"
    # what is used of the part is used of the whole
    assert pull(world, "dev", customer, "goodwill", 400).state == "done"
    assert pull(world, "dev", customer, "goodwill", 1).state == "waiting"
    (row,) = reads.my_levers(world.actor("dev"), world.now).delegated
    assert (row.person, row.limit, row.used, row.ends_at) == ("Gus", 600, 600, whole.ends_at)
    (held,) = reads.my_levers(world.actor("gus"), world.now).held
    assert held.id == part.id


def test_a_part_ends_with_its_whole_and_by_its_managers_word(world: World, customer: str) -> None:
    whole = granted(world, "goodwill", 1_000)

    def passed() -> Grant:
        return delegate_lever(
            actor=world.actor("dev"), now=world.now, grant_id=whole.id,
            person_id=world.people["gus"].id, limit=100, reason="busy weeks",
        )  # fmt: skip

    first = passed()
    with pytest.raises(NotFound):
        end_grant(actor=world.actor("dev"), now=world.now, grant_id=whole.id, reason="mine")
    end_grant(actor=world.actor("dev"), now=world.now, grant_id=first.id, reason="over")
    with pytest.raises(CannotGrant, match="already"):
        end_grant(actor=world.actor("dev"), now=world.now, grant_id=first.id, reason="over")
    passed()
    assert pull(world, "gus", customer, "goodwill", 1).state == "done"
    end_grant(actor=world.actor("eve"), now=world.now, grant_id=whole.id, reason="spent")
    with pytest.raises(LeverRefused, match="no right"):
        pull(world, "gus", customer, "goodwill", 1)
