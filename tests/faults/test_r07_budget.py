"""R7: many spenders share a small budget; what is held in it never exceeds it."""

from __future__ import annotations

import threading

import pytest
from django.db import IntegrityError
from django.db.models import F, Sum

from patronage.access.roles import SYSTEM
from patronage.access.transactions import atomic
from patronage.customize import recording
from patronage.customize.actions import decide_now, decisions
from patronage.customize.errors import BudgetSpent
from patronage.customize.jobs import decide
from patronage.customize.models import Budget, Contact, Decision
from patronage.customize.moment import checked_request, look
from patronage.identify.models import Customer

from ..stages.customize.world import AS_OF, build
from ..stages.differentiate.history import NOW
from .test_r06_caps import DECIDERS, in_threads

pytestmark = [pytest.mark.trial, pytest.mark.django_db(transaction=True)]

AMOUNT, TRIES = 120, 160


def customers_and_a_small_budget() -> list[str]:
    build()
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    Budget.objects.create(period="2026-Q1", amount_minor=AMOUNT, currency="USD")
    offered = Decision.objects.filter(outcome="offered").order_by("-score_minor")
    return list(offered.values_list("customer_id", flat=True))


def held_by_contacts() -> int:
    contacts = Contact.objects.filter(budget__period="2026-Q1")
    return int(contacts.aggregate(total=Sum("reserved_minor"))["total"])


def test_the_budget_is_never_overspent() -> None:
    customers = customers_and_a_small_budget()

    def ask(task: int) -> str:
        customer_id = customers[task % len(customers)]
        return decide_now(actor=SYSTEM, now=NOW, customer_id=customer_id).outcome

    outcomes = in_threads(ask, range(TRIES))

    budget = Budget.objects.get(period="2026-Q1")
    assert budget.reserved_minor + budget.spent_minor == held_by_contacts() <= AMOUNT
    # What is left could not have held one more of the cheapest.
    assert AMOUNT - held_by_contacts() < 16
    assert outcomes.count("nothing") > TRIES / 2


def spend_at_once(customers: list[str]) -> list[str]:
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
        except BudgetSpent:
            return "refused"

    return in_threads(look_then_write, range(DECIDERS))


def test_a_stale_look_at_the_budget_is_refused_when_it_is_written() -> None:
    customers = customers_and_a_small_budget()
    Budget.objects.filter(period="2026-Q1").update(amount_minor=40)

    outcomes = spend_at_once(customers)

    assert 0 < outcomes.count("offered") < DECIDERS
    assert outcomes.count("refused") == DECIDERS - outcomes.count("offered")
    assert held_by_contacts() <= 40


def test_reading_then_writing_the_budget_overspends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken twin: what was read is written back with the contact's part added."""
    customers = customers_and_a_small_budget()
    Budget.objects.filter(period="2026-Q1").update(amount_minor=40)

    def read_then_write(budget: Budget, amount_minor: int, *, spent: bool) -> None:
        assert spent
        Budget.objects.filter(id=budget.id).update(spent_minor=budget.spent_minor + amount_minor)

    monkeypatch.setattr(recording, "_hold", read_then_write)

    spend_at_once(customers)

    assert held_by_contacts() > 40


def test_the_database_itself_refuses_to_overspend(db: None) -> None:
    budget = Budget.objects.create(period="2026-Q1", amount_minor=10, currency="USD")

    with pytest.raises(IntegrityError), atomic():
        Budget.objects.filter(id=budget.id).update(spent_minor=F("spent_minor") + 11)
