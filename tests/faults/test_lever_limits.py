"""Many pull levers at once: no limit of a right and no boundary on a sum is passed.

Eight people in threads of the process that owns the store, 120 pulls, a few of which fit.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connections
from django.db.models import Sum

from patronage.access.transactions import atomic
from patronage.govern.actions import grant_lever, lever_uses, pull_lever, set_boundary
from patronage.govern.boundaries import NewBoundary
from patronage.govern.errors import LeverRefused
from patronage.govern.levers import rights_to, situation_of
from patronage.govern.models import LeverUse
from patronage.govern.models.levers import COUNTED
from patronage.identify.models import Customer

from ..stages.govern.world import World, add_customers, build

pytestmark = [pytest.mark.trial, pytest.mark.django_db(transaction=True)]

PULLERS, PULLS, AMOUNT, LIMIT = 8, 120, 7, 100
NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


def at_once(world: World, customers: list[str], count: int = PULLS) -> list[str]:
    """Let all pull; give what became of each pull."""

    def pull(task: int) -> str:
        try:
            return pull_lever(
                actor=world.actor("dev"),
                now=NOW,
                customer_id=customers[task % len(customers)],
                lever="goodwill",
                amount=AMOUNT,
                reason=f"pull {task}",
            ).state
        except LeverRefused:
            return "beyond"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(PULLERS) as pool:
        return list(pool.map(pull, range(count)))


def used() -> int:
    return LeverUse.objects.filter(state__in=COUNTED).aggregate(sum=Sum("amount"))["sum"] or 0


def granted(world: World, limit: int, per: str) -> None:
    grant_lever(
        actor=world.actor("eve"),
        now=NOW,
        lever="goodwill",
        limit=limit,
        per=per,
        portfolio_id=world.portfolios["New"],
        reason="tests",
    )


def bounded(world: World, per: str) -> None:
    new = NewBoundary(name="Cap", kind="goodwill_cap", source="board", limit=LIMIT, per=per)
    set_boundary(actor=world.actor("eve"), now=NOW, new=new, reason="tests")


def test_a_boundary_for_the_quarter_is_never_passed() -> None:
    world = build(NOW)
    customers = add_customers(5, NOW)
    granted(world, 10_000, "use")
    bounded(world, "quarter")
    done = at_once(world, customers)
    assert used() == LIMIT // AMOUNT * AMOUNT
    assert (done.count("done"), done.count("beyond")) == (14, PULLS - 14)


def test_a_boundary_for_each_customer_and_quarter_is_never_passed() -> None:
    world = build(NOW)
    customers = add_customers(2, NOW)
    granted(world, 10_000, "use")
    bounded(world, "customer_quarter")
    done = at_once(world, customers)
    assert done.count("done") == 2 * 14
    for customer in customers:
        assert LeverUse.objects.filter(customer=customer).count() == 14


def test_a_rights_limit_is_never_passed_and_the_rest_waits() -> None:
    world = build(NOW)
    customers = add_customers(3, NOW)
    granted(world, LIMIT, "quarter")
    done = at_once(world, customers)
    assert used() == LIMIT // AMOUNT * AMOUNT
    assert (done.count("done"), done.count("waiting")) == (14, PULLS - 14)


def test_pullers_who_look_before_they_take_turns_go_beyond_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The broken twin: all look first; then each writes by what it saw."""
    world = build(NOW)
    customers = add_customers(1, NOW)
    granted(world, 10_000, "use")
    bounded(world, "quarter")
    everybody_has_looked = threading.Barrier(PULLERS)
    kept = threading.local()

    @contextmanager
    def looked_first() -> Iterator[None]:
        # the look happens before the transaction, and so before anybody's turn
        customer = Customer.objects.get(pk=customers[0])
        situation = situation_of(customer, NOW)
        kept.bounds = situation.bounds("goodwill")
        kept.held = rights_to(world.actor("dev"), "goodwill", situation)
        everybody_has_looked.wait(timeout=60)
        with atomic():
            yield

    class Stale:
        """What was seen before, whatever was done since."""

        def __init__(self, situation: Any) -> None:
            self._situation = situation

        def __getattr__(self, name: str) -> Any:
            return getattr(self._situation, name)

        def bounds(self, _lever: str) -> Any:
            return kept.bounds

    monkeypatch.setattr(lever_uses, "atomic", looked_first)
    monkeypatch.setattr(
        lever_uses, "situation_of", lambda customer, now: Stale(situation_of(customer, now))
    )
    monkeypatch.setattr(lever_uses, "rights_to", lambda *_: kept.held)
    set_to = LIMIT - AMOUNT
    LeverUse.objects.create(
        customer_id=customers[0],
        lever="goodwill",
        amount=set_to,
        reason="before",
        made_by="system",
        made_at=NOW,
        state="done",
        valid_from=NOW,
    )
    at_once(world, customers, PULLERS)
    assert used() > LIMIT
