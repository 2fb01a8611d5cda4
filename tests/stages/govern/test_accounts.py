"""One director answers for a tree of accounts; leaves may be delegated; value is counted once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from django.db import IntegrityError, transaction

from patronage.access.errors import NotAllowed, NotFound
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM
from patronage.access.scope import scope_of
from patronage.govern import actions, jobs, reads
from patronage.govern.boundaries import NewBoundary
from patronage.govern.errors import CannotAccount, LeverRefused
from patronage.govern.models import Account, AccountMember, AccountPlace, Membership, Standing
from patronage.govern.reads.accounts import AccountRow, account_trees, places_for
from patronage.identify.actions import create_customers
from patronage.identify.in_sight import customers_in_sight

from .world import ENTERED, World, add_customers, figures, value

AS_OF = date(2025, 12, 31)


def add_organisations(count: int, now: datetime) -> list[str]:
    rows = pa.table(
        {
            "source_kind": ["vat"] * count,
            "source_value": [f"vat-{number}" for number in range(count)],
            "kind": ["organisation"] * count,
            "label": [f"Wholesaler {number}" for number in range(count)],
            "entry": ["acquired"] * count,
            "entered_at": pa.array([ENTERED] * count, pa.timestamp("us", "UTC")),
        }
    )
    ids: list[str] = create_customers(actor=SYSTEM, now=now, rows=rows)["customer_id"].to_pylist()
    return ids


class Tree:
    """Group (held by "Top", whose manager is Ben) → Europe → France; and → Asia."""

    def __init__(self, world: World) -> None:
        self.world, self.ben = world, world.actor("ben")
        given = {"actor": self.ben, "now": world.now, "reason": "one contract"}
        self.given = given
        self.group = actions.open_account(
            name="Group",
            portfolio_id=world.portfolios["Top"],
            **given,  # type: ignore[arg-type]
        )
        self.europe = self.under(self.group, "Europe")
        self.france = self.under(self.europe, "France")
        self.asia = self.under(self.group, "Asia")
        self.shops = add_organisations(4, world.now)

    def under(self, parent: Account, name: str) -> Account:
        return actions.open_account(name=name, parent_id=parent.id, **self.given)  # type: ignore[arg-type]

    def join(self, account: Account, *ids: str, at: datetime | None = None) -> int:
        return actions.join_account(
            actor=self.world.actor("eve"),
            now=at or self.world.now,
            account_id=account.id,
            customer_ids=ids,
            reason="belongs to them",
        )

    def fill(self) -> None:
        self.join(self.group, self.shops[0])
        self.join(self.france, self.shops[1], self.shops[2])
        self.join(self.asia, self.shops[3])

    def rows(self, who: str = "ben") -> dict[str, AccountRow]:
        found = account_trees(self.world.actor(who), self.world.now)
        return {each.name: each for each in found}


@pytest.fixture
def tree(world: World) -> Tree:
    return Tree(world)


def test_a_tree_is_worth_the_sum_of_its_leaves_each_counted_once(tree: Tree) -> None:
    tree.fill()
    now = tree.world.now
    worth = [(key, 100 * (place + 1), "base", None) for place, key in enumerate(tree.shops)]
    run = value(figures(worth), as_of=AS_OF, now=now)
    jobs.assign(actor=SYSTEM, now=now, as_of=AS_OF, run=run)
    rows = tree.rows()
    assert {name: (each.value_minor, each.tree_value_minor) for name, each in rows.items()} == {
        "Group": (100, 1000),
        "Asia": (400, 400),
        "Europe": (0, 500),
        "France": (500, 500),
    }
    assert sum(each.value_minor for each in rows.values()) == rows["Group"].tree_value_minor
    assert {each.director for each in rows.values()} == {"Ben"}
    assert [each.level for each in rows.values()] == [0, 1, 1, 2]


def test_who_joins_is_held_by_the_directors_portfolio_and_the_policy_leaves_them(
    tree: Tree,
) -> None:
    assert tree.join(tree.france, *tree.shops) == 4
    top = tree.world.portfolios["Top"]
    assert set(Standing.objects.values_list("portfolio_id", flat=True)) == {top}
    later = datetime(2026, 4, 2, tzinfo=UTC)
    run = value(
        figures([(key, 5, "base", None) for key in tree.shops]), as_of=date(2026, 3, 31), now=later
    )
    done = jobs.assign(actor=SYSTEM, now=later, as_of=date(2026, 3, 31), run=run)
    assert (done.moved, done.kept_by_hand) == (0, 4)
    assert Membership.objects.filter(cause="policy").count() == 0


def test_nobody_is_taken_out_of_the_tree_by_a_hand_over(tree: Tree) -> None:
    tree.fill()
    later = tree.world.now + timedelta(minutes=1)
    out = {"actor": tree.world.actor("eve"), "now": later, "customer_ids": tree.shops[:1]}
    rest = tree.world.portfolios["Rest"]
    with pytest.raises(CannotAccount, match="'Group', whose director answers for the whole"):
        actions.hand_over(to_portfolio_id=rest, reason="mine", **out)  # type: ignore[arg-type]
    actions.leave_account(actor=tree.ben, now=later, customer_id=tree.shops[0], reason="sold")
    actions.hand_over(to_portfolio_id=rest, reason="mine", **out)  # type: ignore[arg-type]
    assert Standing.objects.get(pk=tree.shops[0]).portfolio_id == rest


def test_a_delegate_works_with_the_leaf_only_and_only_until_the_day(tree: Tree) -> None:
    tree.fill()
    cho, now = tree.world.actor("cho"), tree.world.now
    assert not customers_in_sight(cho, now).filter(pk__in=tree.shops).exists()
    actions.delegate_account(
        actor=tree.ben,
        now=now,
        account_id=tree.europe.id,
        manager_id=cho.id,
        reason="speaks French",
        until=now.date() + timedelta(days=7),
    )
    seen = set(customers_in_sight(cho, now).values_list("pk", flat=True))
    assert seen == {tree.shops[1], tree.shops[2]}
    assert set(tree.rows("cho")) == {"Europe", "France"}
    assert tree.rows("cho")["France"].director == "Ben", "who stays accountable"
    (helper,) = tree.rows()["Europe"].helpers
    assert helper.last_instant is not None
    assert helper.last_instant.date() - timedelta(days=1) == now.date() + timedelta(days=7)
    charge = reads.manager_of(cho, tree.shops[1], now, now=now)
    assert charge.manager == "Ben"
    assert not scope_of(cho, now).holds(tree.world.portfolios["Top"])
    with pytest.raises(NotFound):
        actions.hand_over(
            actor=cho,
            now=now + timedelta(minutes=1),
            customer_ids=[tree.shops[1]],
            to_portfolio_id=tree.world.portfolios["Rest"],
            reason="mine",
        )
    after = now + timedelta(days=9)
    assert not customers_in_sight(cho, after).filter(pk__in=tree.shops).exists()


def test_a_delegate_sees_the_list_of_the_leaf_and_nobody_else_does(tree: Tree) -> None:
    tree.fill()
    cho, now = tree.world.actor("cho"), tree.world.now
    given = {"actor": tree.ben, "now": now, "manager_id": cho.id, "reason": "speaks French"}
    actions.delegate_account(account_id=tree.europe.id, **given)  # type: ignore[arg-type]

    def listed(who: str, account: Account, **asked: Any) -> set[str]:
        found = reads.page_of_account(tree.world.actor(who), now, account_id=account.id, **asked)
        assert found.total == len(found.rows)
        return {each.customer_id for each in found.rows}

    leaf = set(tree.shops[1:3])
    assert listed("cho", tree.europe) == listed("cho", tree.france) == leaf
    assert listed("cho", tree.europe, search="Wholesaler 2") == {tree.shops[2]}
    assert listed("ben", tree.group) == set(tree.shops)
    for who, account in (("cho", tree.group), ("cho", tree.asia), ("ana", tree.europe)):
        with pytest.raises(NotFound):
            listed(who, account)
    one = reads.page_of_account(cho, now, account_id=tree.europe.id, limit=1)
    rest = reads.page_of_account(cho, now, account_id=tree.europe.id, limit=1, after=one.next)
    assert {one.rows[0].customer_id, rest.rows[0].customer_id} == leaf
    assert (one.total, rest.next) == (2, None)


def test_the_places_proposed_for_an_account_are_in_its_tree_and_not_under_it(tree: Tree) -> None:
    places = {each.name for each in places_for(tree.ben, tree.world.now, tree.europe.id)}
    assert places == {"Asia"}
    assert places_for(tree.ben, tree.world.now, tree.group.id) == []


def test_a_delegation_ends_early_and_is_on_record(tree: Tree) -> None:
    tree.fill()
    cho, now = tree.world.actor("cho"), tree.world.now
    given = {"actor": tree.ben, "now": now, "account_id": tree.france.id, "manager_id": cho.id}
    made = actions.delegate_account(reason="helps", **given)  # type: ignore[arg-type]
    with pytest.raises(CannotAccount, match="Cho helps with 'France' already"):
        actions.delegate_account(reason="helps", **given)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        actions.end_account_delegation(
            actor=cho, now=now, delegation_id=made.id, reason="had enough"
        )
    actions.end_account_delegation(actor=tree.ben, now=now, delegation_id=made.id, reason="done")
    assert not customers_in_sight(cho, now + timedelta(seconds=1)).filter(pk=tree.shops[1]).exists()
    told = AuditEntry.objects.get(action="end account delegation")
    assert (told.before["manager"], told.change) == (cho.id, {"manager": None})


def test_no_account_lies_under_itself(tree: Tree) -> None:
    given = {"actor": tree.ben, "now": tree.world.now, "reason": "x"}
    for under in (tree.europe, tree.france):
        with pytest.raises(CannotAccount, match="no account lies under itself"):
            actions.move_account(account_id=tree.europe.id, parent_id=under.id, **given)  # type: ignore[arg-type]
    actions.move_account(account_id=tree.europe.id, parent_id=tree.asia.id, **given)  # type: ignore[arg-type]
    assert [tree.rows()[name].level for name in ("Asia", "Europe", "France")] == [1, 2, 3]
    row = {"account": tree.asia, "starts_at": tree.world.now, "recorded_at": tree.world.now}
    with pytest.raises(IntegrityError), transaction.atomic():
        AccountPlace.objects.create(parent=tree.asia, ends_at=tree.world.now, **row)
    with pytest.raises(IntegrityError), transaction.atomic():
        AccountPlace.objects.create(parent=tree.europe, **row)


def test_nobody_is_in_two_accounts(tree: Tree) -> None:
    tree.fill()
    now = tree.world.now
    with pytest.raises(IntegrityError), transaction.atomic():
        AccountMember.objects.create(
            account=tree.asia, customer_id=tree.shops[1], starts_at=now, recorded_at=now
        )
    tree.join(tree.asia, tree.shops[1], at=now + timedelta(minutes=1))
    rows = tree.rows()
    assert (rows["France"].customers, rows["Asia"].customers) == (1, 2)
    assert rows["Group"].tree_customers == 4


def test_global_terms_bind_every_leaf(tree: Tree) -> None:
    tree.fill()
    world, now = tree.world, tree.world.now
    eve = world.actor("eve")
    actions.set_boundary(
        actor=eve,
        now=now,
        new=NewBoundary(
            name="Global terms of Group",
            kind="discount_cap",
            source="contract",
            when="account_root = 'Group'",
            limit=500,
            unit="basis points",
        ),
        reason="contract of 2025",
    )
    (outside,) = add_customers(1, now)
    actions.hand_over(
        actor=eve,
        now=now,
        customer_ids=[outside],
        to_portfolio_id=world.portfolios["Top"],
        reason="x",
    )
    actions.grant_lever(
        actor=eve,
        now=now,
        portfolio_id=world.portfolios["Top"],
        lever="discount",
        limit=2000,
        per="use",
        reason="x",
    )

    def pull(customer_id: str, amount: int) -> None:
        actions.pull_lever(
            actor=tree.ben,
            now=now + timedelta(minutes=1),
            customer_id=customer_id,
            lever="discount",
            amount=amount,
            reason="asked",
        )

    pull(tree.shops[1], 500)
    with pytest.raises(LeverRefused, match="Global terms of Group"):
        pull(tree.shops[2], 501)
    pull(outside, 2000)


def test_what_is_not_ones_own_is_absent(tree: Tree) -> None:
    ana, gus, now = tree.world.actor("ana"), tree.world.actor("gus"), tree.world.now
    for account_id in (tree.group.id, "acc_none"):
        with pytest.raises(NotFound):
            actions.open_account(actor=ana, now=now, name="X", parent_id=account_id, reason="x")
        with pytest.raises(NotFound):
            actions.delegate_account(
                actor=ana, now=now, account_id=account_id, manager_id=ana.id, reason="x"
            )
    with pytest.raises(NotAllowed):
        account_trees(gus, now)
    assert tree.rows("ana") == {}
    with pytest.raises(NotFound):
        actions.join_account(
            actor=tree.ben,
            now=now,
            account_id=tree.group.id,
            customer_ids=[tree.shops[0]],
            reason="not Ben's customer",
        )
    (household,) = add_customers(1, now)
    with pytest.raises(CannotAccount, match="is a household: accounts hold organisations"):
        tree.join(tree.group, household)
