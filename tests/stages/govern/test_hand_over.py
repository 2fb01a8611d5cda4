"""Customers change hands by a person's word: with a reason, all or none, never in the past."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from patronage.access.errors import NotAllowed, NotFound
from patronage.access.models import AuditEntry
from patronage.access.people import close_account, revoke_role
from patronage.access.roles import SYSTEM, Role
from patronage.govern import reads
from patronage.govern.actions import appoint, digest_of, hand_over
from patronage.govern.errors import (
    CannotAppoint,
    DatedBeforeNewest,
    NoManagerYet,
    NoReason,
    NothingToHandOver,
    StartsInFuture,
)
from patronage.govern.models import Accountability, Membership, Standing

from .world import START, World, add_customers, add_person

LATER = timedelta(hours=1)


def give(world: World, ids: list[str], to: str, by: str = "eve", **more: datetime) -> None:
    hand_over(
        actor=world.actor(by),
        now=more.pop("now", world.now),
        customer_ids=ids,
        to_portfolio_id=world.portfolios[to],
        reason="moved house",
        **more,
    )


def test_a_customer_handed_over_is_in_the_other_portfolio_from_then_on(
    world: World, customer: str
) -> None:
    give(world, [customer], "Top", by="dev")
    held = [(row.portfolio, row.starts_at) for row in reads.history_of(SYSTEM, customer, world.now)]
    assert held[1] == ("Top", world.now)
    assert Standing.objects.get(pk=customer).portfolio_id == world.portfolios["Top"]
    before = reads.manager_of(SYSTEM, customer, world.now - LATER, now=world.now)
    after = reads.manager_of(SYSTEM, customer, world.now, now=world.now)
    assert (before.manager, after.manager, after.reason) == ("Dev", "Ben", "moved house")


def test_a_manager_gives_away_only_their_own_and_learns_nothing_of_others(
    world: World, customer: str
) -> None:
    with pytest.raises(NotFound) as foreign:
        give(world, [customer], "Top", by="ana")
    absent_id = "cus_" + "0" * 22
    with pytest.raises(NotFound) as absent:
        give(world, [absent_id], "Top", by="ana")
    assert str(foreign.value).replace(customer, absent_id) == str(absent.value)
    assert Membership.objects.count() == 1


def test_all_move_or_none(world: World) -> None:
    mine = add_customers(3, world.now)
    give(world, mine[:1], "Top", by="dev")
    with pytest.raises(NotFound):
        give(world, mine, "Rest", by="dev", now=world.now + LATER)
    assert Membership.objects.filter(cause="hand_over").count() == 1


def test_an_agent_may_not_hand_over_though_they_see_everybody(world: World, customer: str) -> None:
    with pytest.raises(NotAllowed):
        give(world, [customer], "Top", by="gus")


def test_a_bulk_hand_over_is_one_audit_row_with_count_and_digest(world: World) -> None:
    ids = add_customers(5, world.now)
    done = hand_over(
        actor=world.actor("eve"),
        now=world.now,
        customer_ids=[*ids, ids[0]],
        to_portfolio_id=world.portfolios["Top"],
        reason="a new region",
    )
    assert (done.moved, done.moved_from) == (5, {world.portfolios["New"]: 5})
    entry = AuditEntry.objects.get(action="hand over customers")
    assert entry.change["customers"] == 5
    assert entry.change["digest"] == digest_of(reversed(ids))
    assert entry.reason == "a new region"


@pytest.mark.parametrize("reason", ["", "   ", "x" * 401, "a\x00b"])
def test_a_reason_is_needed(world: World, customer: str, reason: str) -> None:
    with pytest.raises(NoReason):
        hand_over(
            actor=SYSTEM,
            now=world.now,
            customer_ids=[customer],
            to_portfolio_id=world.portfolios["Top"],
            reason=reason,
        )


def test_a_hand_over_cannot_be_dated_before_the_newest_one_or_ahead(
    world: World, customer: str
) -> None:
    give(world, [customer], "Top")
    for starts_at in (world.now, world.now - LATER):
        with pytest.raises(DatedBeforeNewest, match="Household 0000000 changed hands last at"):
            give(world, [customer], "Rest", now=world.now + LATER, starts_at=starts_at)
    with pytest.raises(StartsInFuture):
        give(world, [customer], "Rest", starts_at=world.now + LATER)
    assert Standing.objects.get(pk=customer).portfolio_id == world.portfolios["Top"]


def test_a_hand_over_needs_customers_and_another_portfolio_that_exists(
    world: World, customer: str
) -> None:
    with pytest.raises(NothingToHandOver):
        give(world, [], "Top")
    with pytest.raises(NothingToHandOver, match="already"):
        give(world, [customer], "New")
    world.portfolios["gone"] = "prt_" + "0" * 22
    with pytest.raises(NotFound, match="portfolio"):
        give(world, [customer], "gone")


def test_an_appointment_changes_who_answers_from_then_on(world: World, customer: str) -> None:
    appoint(
        actor=world.actor("eve"),
        now=world.now,
        portfolio_id=world.portfolios["New"],
        manager_id=world.people["ana"].id,
        starts_at=world.now,
        reason="Dev is on leave",
    )
    names = [
        reads.manager_of(SYSTEM, customer, at, now=world.now).manager
        for at in (world.now - LATER, world.now)
    ]
    assert names == ["Dev", "Ana"]
    assert {each.name for each in reads.my_portfolios(world.actor("ana"), world.now)} == {
        "Top, fresh",
        "New",
    }
    assert reads.my_portfolios(world.actor("dev"), world.now) == []


def test_only_an_active_manager_can_be_appointed(world: World) -> None:
    def name(person: str) -> Accountability:
        return appoint(
            actor=SYSTEM,
            now=world.now,
            portfolio_id=world.portfolios["New"],
            manager_id=world.people[person].id if person in world.people else person,
            starts_at=world.now,
            reason="change",
        )

    # people who answer for nobody: others may not leave before somebody else does
    for free in ("ida", "jon"):
        world.people[free] = add_person(free, Role.MANAGER, world.now)
    close_account(actor=SYSTEM, now=world.now, user_id=world.people["ida"].id, reason="left")
    revoke_role(
        actor=SYSTEM,
        now=world.now,
        user_id=world.people["jon"].id,
        role=Role.MANAGER,
        reason="other work",
    )
    with pytest.raises(CannotAppoint, match="no longer works here"):
        name("ida")
    with pytest.raises(CannotAppoint, match="role manager"):
        name("jon")
    with pytest.raises(CannotAppoint, match="role manager"):
        name("eve")
    with pytest.raises(CannotAppoint, match="already"):
        name("dev")
    with pytest.raises(CannotAppoint, match="nobody"):
        name("usr_nobody")
    assert Accountability.objects.count() == 4


def test_an_appointment_cannot_rewrite_an_earlier_one(world: World) -> None:
    with pytest.raises(DatedBeforeNewest):
        appoint(
            actor=SYSTEM,
            now=world.now,
            portfolio_id=world.portfolios["New"],
            manager_id=world.people["ana"].id,
            starts_at=START,
            reason="rewrite",
        )


def test_nobody_moves_into_a_portfolio_before_somebody_answers_for_it(world: World) -> None:
    (customer,) = add_customers(1, world.now, entered_at=START)
    Accountability.objects.filter(portfolio_id=world.portfolios["Top"]).update(
        starts_at=START + timedelta(days=9)
    )
    with pytest.raises(NoManagerYet):
        give(world, [customer], "Top", starts_at=START + timedelta(days=1))
