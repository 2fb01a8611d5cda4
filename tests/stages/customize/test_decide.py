"""Everybody is decided as of a date, once, with reasons, within caps, budget and holdout."""

from __future__ import annotations

import itertools
import math

import pytest
from django.db.models import F, Sum

from patronage.access import datasets
from patronage.access.roles import SYSTEM
from patronage.customize import plan
from patronage.customize.actions import rule
from patronage.customize.holdout import held_out
from patronage.customize.jobs import decide
from patronage.customize.models import Budget, Contact, Decision, Holdout, Treatment
from patronage.customize.replay import replay

from ..differentiate.history import NOW
from .world import AS_OF, World, build


def test_everybody_gets_one_decision(world: World) -> None:
    run = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)

    decided = Decision.objects.filter(run=run).order_by("customer_id")
    assert list(decided.values_list("customer_id", flat=True)) == world.customers
    assert sum(run.counts.values()) == len(world.customers)
    assert Contact.objects.count() == run.counts["offered"] > 50
    for outcome, count in run.counts.items():
        assert decided.filter(outcome=outcome).count() == count


def test_the_same_inputs_again_give_the_same_run(world: World) -> None:
    first = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    again = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)

    assert again == first
    assert Decision.objects.count() == len(world.customers)


def test_candidates_written_some_customers_at_a_time_are_all_there_once(
    monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    monkeypatch.setattr(plan, "CUSTOMERS_A_FILE", 50)
    monkeypatch.setattr(plan, "CUSTOMERS_A_BATCH", 20)
    run = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)

    warehouse = datasets.warehouse()
    logged = warehouse.polars(datasets.read("decision_candidates", run.manifest))
    treatments = Treatment.objects.values_list("id", flat=True)
    pairs = set(logged.select("customer_id", "treatment_id").iter_rows())
    files = warehouse.manifest("decision_candidates", run.manifest).files
    assert pairs == set(itertools.product(world.customers, treatments))
    assert len(logged) == len(pairs)
    assert len(files) == math.ceil(len(world.customers) / 50) > 1
    assert logged["chosen"].sum() == Decision.objects.exclude(treatment=None).count()


def test_the_held_out_are_decided_and_never_contacted(world: World) -> None:
    run = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)

    arm = held_out(Holdout.objects.get(), world.customers)
    expected = {each for each, out in zip(world.customers, arm, strict=True) if out}
    logged = Decision.objects.filter(run=run, held_out=True)
    assert set(logged.values_list("customer_id", flat=True)) == expected
    assert logged.filter(outcome="withheld").exists()
    assert not logged.filter(outcome="offered").exists()
    assert not Contact.objects.filter(customer_id__in=expected).exists()


def test_every_contact_stands_on_consent_ruling_decision_and_a_place(world: World) -> None:
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)

    contacts = Contact.objects.select_related("consent", "ruling", "decision", "treatment")
    for contact in contacts:
        assert contact.consent.customer_id == contact.customer_id == contact.decision.customer_id
        assert contact.consent.channel == contact.channel == contact.treatment.channel
        assert contact.ruling.offer_id == contact.treatment.offer_id
        assert contact.ruling.portfolio_id == contact.decision.portfolio_id
        assert contact.decision.treatment_id == contact.treatment_id
        assert contact.cap_month == "2025-01"


def test_a_scarce_budget_is_kept_and_priced(db: None) -> None:
    build(budget=400)

    run = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)

    budget = Budget.objects.get()
    reserved = Contact.objects.aggregate(total=Sum("reserved_minor"))["total"]
    assert budget.period == "2025-Q1"
    assert budget.reserved_minor == reserved
    assert 300 < reserved <= 400
    assert run.prices["budget"] > 0
    assert run.certificate["achieved"] <= run.certificate["upper_bound"]
    assert run.certificate["gap"] < 0.05
    assert not Budget.objects.filter(
        amount_minor__lt=F("reserved_minor") + F("spent_minor")
    ).exists()


def test_a_blocked_offer_is_never_chosen_for_that_portfolio(world: World) -> None:
    apples, top = world.offers["APPLES"], world.portfolios["Top"]
    rule(
        actor=world.ana,
        now=NOW,
        offer_id=apples.id,
        portfolio_id=top.id,
        effect="block",
        reason_code="better_offer",
        valid_from=apples.valid_from,
    )

    run = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)

    chosen = Decision.objects.filter(run=run, treatment__offer=apples)
    assert chosen.exclude(portfolio=top).exists()
    assert not chosen.filter(portfolio=top).exists()


def test_every_decision_of_a_run_replays_from_its_log(world: World) -> None:
    run = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)

    for decision in Decision.objects.filter(run=run).select_related("run")[:40]:
        assert replay(decision).differences == ()
