"""R6: many deciders want to speak to the same few customers; no contact goes over the cap.

Eight deciders make 200 tries: threads of the process that owns the store.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.db.models import Count

from patronage.access.roles import SYSTEM
from patronage.access.transactions import atomic
from patronage.customize.actions import decide_now, decisions
from patronage.customize.contact_policy import Taken
from patronage.customize.jobs import decide
from patronage.customize.models import Contact, Decision
from patronage.customize.moment import checked_request, look
from patronage.identify.models import Customer

from ..stages.customize.world import AS_OF, build
from ..stages.differentiate.history import NOW

pytestmark = [pytest.mark.trial, pytest.mark.django_db(transaction=True)]

DECIDERS, TRIES, CUSTOMERS, CAP = 8, 200, 4, 2


def wanted_customers() -> list[str]:
    """Some who would be offered something again and again."""
    build()
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    offered = Decision.objects.filter(outcome="offered").order_by("-score_minor")
    return list(offered.values_list("customer_id", flat=True)[:CUSTOMERS])


def in_threads(work: Callable[[int], str], tasks: Sequence[int]) -> list[str]:
    def closing(task: int) -> str:
        try:
            return work(task)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(DECIDERS) as pool:
        return list(pool.map(closing, tasks))


def most_contacts_of_anybody() -> int:
    counted = (
        Contact.objects.filter(cap_month="2026-01").values("customer_id").annotate(n=Count("id"))
    )
    return max(int(row["n"]) for row in counted)


def test_no_customer_gets_a_contact_over_the_cap() -> None:
    customers = wanted_customers()

    def ask(task: int) -> str:
        customer_id = customers[task % CUSTOMERS]
        return decide_now(actor=SYSTEM, now=NOW, customer_id=customer_id).outcome

    outcomes = in_threads(ask, range(TRIES))

    assert most_contacts_of_anybody() == CAP
    assert outcomes.count("offered") == CAP * CUSTOMERS
    assert outcomes.count("nothing") == TRIES - CAP * CUSTOMERS
    assert Decision.objects.filter(run=None).count() == TRIES


def test_deciders_who_look_before_they_lock_go_over_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken twin: all look first, then each writes the next place it thinks is free."""
    customer_id = wanted_customers()[0]
    everybody_has_looked = threading.Barrier(DECIDERS)

    def next_place(_taken: Taken, wanted: Sequence[tuple[str, str]], _places: int) -> list[int]:
        return [Contact.objects.filter(cap_month="2026-01").count() + 1 for _ in wanted]

    monkeypatch.setattr(decisions, "free_places", next_place)

    def look_then_write(_task: int) -> str:
        request = checked_request(
            customer_id=customer_id, channel=None, placements=1, context=None, limit=1
        )
        moment = look(request, Customer.objects.get(id=customer_id), NOW)
        everybody_has_looked.wait(timeout=60)
        with atomic():
            Customer.objects.select_for_update().get(id=customer_id)
            return decisions._written(moment, NOW).outcome

    in_threads(look_then_write, range(DECIDERS))

    assert most_contacts_of_anybody() > CAP
