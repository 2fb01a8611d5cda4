"""Stock and capacity: however many deciders take from one count, it is never overspent."""

from __future__ import annotations

import threading

import pytest
from django.db import IntegrityError
from django.db.models import F

from patronage.access.actor import actor_of_user
from patronage.access.roles import SYSTEM
from patronage.access.transactions import atomic
from patronage.customize.actions import decide_now, decisions
from patronage.customize.jobs import decide
from patronage.customize.models import Contact, Decision
from patronage.customize.moment import checked_request, look
from patronage.govern import capacities
from patronage.govern.actions import grant_lever, pull_lever, set_boundary
from patronage.govern.boundaries import NewBoundary
from patronage.govern.errors import CapacityTaken, LeverRefused
from patronage.govern.models import Accountability, Boundary, Capacity, LeverUse, Standing
from patronage.identify.models import Customer

from ..stages.customize.world import AS_OF, BEGINNING, build
from ..stages.differentiate.history import NOW
from .test_r06_caps import DECIDERS, in_threads

pytestmark = [pytest.mark.trial, pytest.mark.django_db(transaction=True)]

LEFT, TRIES = 12, 64


def customers_and_a_small_stock(limit: int = LEFT) -> list[str]:
    """Everybody to whom something is offered, and a stock declared after the night's run."""
    build()
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    new = NewBoundary(name="Places", kind="capacity", source="board", limit=limit, per="all")
    set_boundary(actor=SYSTEM, now=NOW, new=new, reason="tests")
    offered = Decision.objects.filter(outcome="offered").order_by("-score_minor")
    return list(offered.values_list("customer_id", flat=True))


def counted() -> int:
    """What the contacts and levers of the stock hold, counted one by one."""
    contacts = Contact.objects.exclude(capacities="").exclude(state="cancelled").count()
    levers = LeverUse.objects.exclude(capacities="").filter(state__in=("done", "approved"))
    return contacts + sum(levers.values_list("amount", flat=True))


def test_a_stock_is_never_overspent_and_used_to_the_end() -> None:
    customers = customers_and_a_small_stock()

    def ask(task: int) -> str:
        customer_id = customers[task % len(customers)]
        return decide_now(actor=SYSTEM, now=NOW, customer_id=customer_id).outcome

    outcomes = in_threads(ask, range(TRIES))

    assert Capacity.objects.get().taken == counted() == LEFT
    assert outcomes.count("offered") == LEFT
    refused = decide_now(actor=SYSTEM, now=NOW, customer_id=customers[-1])
    assert "not_available" in {each.reason for each in refused.candidates}


def take_at_once(customers: list[str]) -> list[str]:
    """All look first, then each writes: only the guarded update stands in between."""
    everybody_has_looked = threading.Barrier(DECIDERS)

    def look_then_write(task: int) -> str:
        request = checked_request(
            customer_id=customers[task], channel=None, placements=1, context=None, limit=1
        )
        moment = look(request, Customer.objects.get(id=customers[task]), NOW)
        everybody_has_looked.wait(timeout=60)
        try:
            with atomic():
                return decisions._written(moment, NOW).outcome
        except CapacityTaken:
            return "refused"

    return in_threads(look_then_write, range(DECIDERS))


def test_a_stale_look_at_the_stock_is_refused_when_it_is_written() -> None:
    customers = customers_and_a_small_stock(limit=3)
    outcomes = take_at_once(customers)
    assert (outcomes.count("offered"), outcomes.count("refused")) == (3, DECIDERS - 3)
    assert Capacity.objects.get().taken == counted() == 3


def test_reading_then_writing_the_count_overspends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken twin: what was read is written back with one added."""
    customers = customers_and_a_small_stock(limit=3)
    row = Boundary.objects.get(name="Places")
    made = Capacity.objects.create(boundary=row, limit=3)

    def read_then_write(wanted: dict[str, int], _rows: object, _at: object) -> dict[str, int]:
        assert wanted == {row.id: 1}
        Capacity.objects.filter(pk=made.pk).update(taken=made.taken + 1)
        return {row.id: made.pk}

    monkeypatch.setattr("patronage.customize.recording.take", read_then_write)
    take_at_once(customers)
    assert counted() > 3


def test_levers_and_offers_take_from_the_same_count() -> None:
    customers = customers_and_a_small_stock()
    customer_id = customers[0]
    portfolio_id = Standing.objects.get(customer=customer_id).portfolio_id
    manager = Accountability.objects.filter(portfolio=portfolio_id).latest("starts_at").manager
    grant_lever(
        actor=SYSTEM, now=NOW, portfolio_id=portfolio_id, lever="service_level", limit=100,
        per="use", reason="tests",
    )  # fmt: skip

    def work(task: int) -> str:
        if task % 4:
            customer = customers[task % len(customers)]
            return decide_now(actor=SYSTEM, now=NOW, customer_id=customer).outcome
        try:
            pull_lever(
                actor=actor_of_user(manager, NOW), now=NOW, customer_id=customer_id,
                lever="service_level", amount=2, reason="tests",
            )  # fmt: skip
        except (LeverRefused, CapacityTaken):
            return "refused"
        return "pulled"

    outcomes = in_threads(work, range(TRIES))
    assert {"pulled", "offered"} <= set(outcomes)
    assert Capacity.objects.get().taken == counted() <= LEFT
    assert LEFT - counted() < 2


def test_the_database_itself_refuses_to_overspend(db: None) -> None:
    new = NewBoundary(name="Places", kind="capacity", source="board", limit=3, per="all")
    row = set_boundary(actor=SYSTEM, now=BEGINNING, new=new, reason="tests")
    counts = capacities.take({row.id: 3}, [row], NOW)
    with pytest.raises(IntegrityError), atomic():
        Capacity.objects.filter(pk=counts[row.id]).update(taken=F("taken") + 1)
    with pytest.raises(CapacityTaken, match="Of the 3 of 'Places' there are not 1 left"), atomic():
        capacities.take({row.id: 1}, [row], NOW)
