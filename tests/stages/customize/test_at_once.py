"""Two nightly runs started at once are one run; one that meets changes decides again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from patronage.access.roles import SYSTEM
from patronage.customize import jobs
from patronage.customize.errors import BaseMoved
from patronage.customize.jobs import decide
from patronage.customize.models import Budget, Contact, Decision, DecisionRun
from patronage.customize.plan import write_plan
from patronage.customize.planned import Plan

from ..differentiate.history import NOW
from .world import AS_OF, build


@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_one_run() -> None:
    world = build()

    def run(_: int) -> str:
        try:
            return decide(actor=SYSTEM, now=NOW, as_of=AS_OF).id
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(run, range(2))

    assert first == second
    assert DecisionRun.objects.count() == 1
    assert Decision.objects.count() == len(world.customers)


def test_a_budget_spent_meanwhile_is_looked_at_again(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(budget=900)
    tries = []

    def spending_first(plan: Plan) -> DecisionRun:
        tries.append(plan.budget.reserved_minor)
        if len(tries) == 1:
            Budget.objects.update(spent_minor=600)
        return write_plan(plan)

    monkeypatch.setattr(jobs, "write_plan", spending_first)

    run = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)

    budget = Budget.objects.get()
    assert len(tries) == 2
    assert run.counts["offered"] == Contact.objects.count() > 0
    assert budget.reserved_minor + budget.spent_minor <= 900


def test_a_base_that_never_rests_is_given_up_with_nothing_written(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(budget=900)

    def always_spending(plan: Plan) -> DecisionRun:
        Budget.objects.update(amount_minor=plan.budget.amount_minor - 1, spent_minor=0)
        Budget.objects.update(spent_minor=plan.budget.amount_minor - 1)
        try:
            return write_plan(plan)
        finally:
            Budget.objects.update(spent_minor=0)

    monkeypatch.setattr(jobs, "write_plan", always_spending)

    with pytest.raises(BaseMoved):
        decide(actor=SYSTEM, now=NOW, as_of=AS_OF)

    assert not Decision.objects.exists()
    assert not Contact.objects.exists()
