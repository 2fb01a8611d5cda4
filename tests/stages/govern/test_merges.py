"""A merge over two portfolios opens a case; until it is ruled on the older membership stands."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from patronage.access.errors import NotFound
from patronage.access.roles import SYSTEM
from patronage.govern import reads
from patronage.govern.actions import hand_over, rule_on_conflict
from patronage.govern.models import Claim, Conflict, Membership, Standing, StandingAside
from patronage.govern.peace import unruled_merges
from patronage.identify.identity import merge_customers, unmerge_customers

from .world import World, add_customers

pytestmark = pytest.mark.django_db


def stand(customer_id: str) -> dict[str, Any]:
    return dict(Standing.objects.filter(pk=customer_id).values().get())


def place(world: World, customer_id: str, name: str, days: int) -> None:
    hand_over(
        actor=SYSTEM,
        now=world.now + timedelta(days=days),
        customer_ids=[customer_id],
        to_portfolio_id=world.portfolios[name],
        reason="tests",
    )


def joined(world: World, kept: str, absorbed: str, days: int) -> str:
    return merge_customers(
        actor=SYSTEM,
        now=world.now + timedelta(days=days),
        kept_id=kept,
        absorbed_id=absorbed,
        reason="the same person",
    ).id


def parted(world: World, merge_id: str, days: int) -> None:
    unmerge_customers(
        actor=SYSTEM,
        now=world.now + timedelta(days=days),
        merge_id=merge_id,
        reason="not the same",
    )


def test_over_two_portfolios_the_older_stands_until_ruled_and_all_goes_back(world: World) -> None:
    kept, absorbed = add_customers(2, world.now)
    place(world, absorbed, "Rest", 1)
    place(world, kept, "Top", 2)
    Standing.objects.filter(pk=absorbed).update(value_minor=700, tier="base", fenced=True)
    before = {each: stand(each) for each in (kept, absorbed)}
    merge_id = joined(world, kept, absorbed, 3)
    at = world.now + timedelta(days=4)
    # one customer stands, in the older of the two portfolios, and nothing may be sent
    assert not Standing.objects.filter(pk=absorbed).exists()
    assert stand(kept)["portfolio_id"] == world.portfolios["Rest"]
    assert reads.history_of(SYSTEM, kept, at)[-1].portfolio_id == world.portfolios["Rest"]
    conflict = Conflict.objects.get(customer=kept)
    claims = Claim.objects.filter(conflict=conflict).values_list("portfolio__name", "grounds")
    assert sorted(claims) == [("Rest", "holds"), ("Top", "holds")]
    assert unruled_merges(at) == {kept}
    assert unruled_merges(world.now) == frozenset()
    with pytest.raises(NotFound):
        place(world, absorbed, "Top", 4)
    parted(world, merge_id, 5)
    assert {each: stand(each) for each in (kept, absorbed)} == before
    assert not StandingAside.objects.exists()
    assert unruled_merges(world.now + timedelta(days=6)) == frozenset()
    assert not Claim.objects.filter(ended_at__isnull=True).exists()
    for each, names in ((kept, ["New", "Top", "Rest", "Top"]), (absorbed, ["New", "Rest"])):
        rows = Membership.objects.filter(customer=each).order_by("starts_at")
        assert list(rows.values_list("portfolio__name", flat=True)) == names


def test_the_ruling_moves_the_customer_and_lets_go(world: World) -> None:
    kept, absorbed = add_customers(2, world.now)
    place(world, kept, "Rest", 1)
    place(world, absorbed, "Top", 2)
    joined(world, kept, absorbed, 3)
    assert stand(kept)["portfolio_id"] == world.portfolios["Rest"]
    conflict = Conflict.objects.get(customer=kept)
    rule_on_conflict(
        actor=world.actor("eve"),
        now=world.now + timedelta(days=4),
        conflict_id=conflict.id,
        claim_id=Claim.objects.get(portfolio=world.portfolios["Top"]).id,
        reason_code="other",
        reason="Ben knows them",
    )
    assert stand(kept)["portfolio_id"] == world.portfolios["Top"]
    assert unruled_merges(world.now + timedelta(days=5)) == frozenset()


def test_where_nobody_chose_a_portfolio_nobody_claims(world: World) -> None:
    kept, absorbed, other = add_customers(3, world.now)
    place(world, absorbed, "Top", 1)
    first = joined(world, kept, absorbed, 2)
    assert stand(kept)["portfolio_id"] == world.portfolios["Top"]
    joined(world, kept, other, 3)
    assert stand(kept)["portfolio_id"] == world.portfolios["Top"]
    assert not Conflict.objects.exists()
    parted(world, first, 4)
    assert stand(kept)["portfolio_id"] == world.portfolios["New"]
    assert stand(absorbed)["portfolio_id"] == world.portfolios["Top"]
