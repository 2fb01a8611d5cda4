"""Nothing is sent to the absorbed, nor to anybody whose portfolio is not ruled on; caps add up."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from patronage.access.roles import SYSTEM
from patronage.customize.contact_policy import places_taken
from patronage.customize.models import Contact
from patronage.govern.models import Accountability, Membership, Portfolio, Standing
from patronage.identify.identity import merge_customers, unmerge_customers
from patronage.interact.jobs import deliver

from .world import LONG_AGO, World

pytestmark = pytest.mark.django_db


def reasons(now: datetime) -> dict[str, int]:
    return deliver(actor=SYSTEM, now=now).cancelled


def join(world: World, now: datetime) -> str:
    kept, absorbed = world.customer_ids[:2]
    made = merge_customers(
        actor=SYSTEM, now=now, kept_id=kept, absorbed_id=absorbed, reason="the same person"
    )
    return made.id


def test_what_waits_for_an_absorbed_customer_is_not_sent(world: World, now: datetime) -> None:
    join(world, now)
    assert reasons(now) == {"the customer was merged with another": 1}
    assert Contact.objects.filter(state="sent").count() == 19


def test_nothing_is_sent_until_a_merge_over_portfolios_is_ruled_on(
    world: World, now: datetime
) -> None:
    _two_portfolios(world)
    join(world, now)
    found = reasons(now)
    assert found.pop("the customer was merged with another") == 1
    assert list(found.values()) == [1]
    assert "nobody has ruled yet whose the merged customer is" in next(iter(found))


def test_places_of_both_count_together_and_come_apart_again(world: World, now: datetime) -> None:
    kept, absorbed = world.customer_ids[:2]
    deliver(actor=SYSTEM, now=now)
    month = Contact.objects.filter(customer=kept).get().cap_month
    assert (month, 2) not in places_taken([month], [kept])
    merge_id = join(world, now)
    taken = places_taken([month], [kept])
    assert taken == {(month, 1): {kept}, (month, 2): {kept}}
    assert absorbed not in places_taken([month])[month, 1]
    unmerge_customers(
        actor=SYSTEM, now=now + timedelta(hours=1), merge_id=merge_id, reason="not the same"
    )
    assert places_taken([month], [kept]) == {(month, 1): {kept}}
    assert absorbed in places_taken([month])[month, 1]


def _two_portfolios(world: World) -> None:
    """The second customer is in a portfolio of their own, by somebody's choice; so is the first."""
    other = Portfolio.objects.create(
        name="Other", default_ruling="allow", position=1, created_at=LONG_AGO
    )
    Accountability.objects.create(
        portfolio=other,
        manager=world.manager,
        starts_at=LONG_AGO,
        reason="first",
        actor_id="system",
        recorded_at=LONG_AGO,
    )
    kept, absorbed = world.customer_ids[:2]
    Membership.objects.filter(customer=kept).update(cause="policy")
    Membership.objects.create(
        customer_id=absorbed,
        portfolio=other,
        starts_at=LONG_AGO + timedelta(days=1),
        cause="policy",
        reason="tests",
        actor_id="system",
        recorded_at=LONG_AGO,
    )
    Standing.objects.filter(pk=absorbed).update(portfolio=other)
