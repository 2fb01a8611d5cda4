"""A draft's price tag says what publishing it then does, to the contact and to the cent."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from django.db.models import Sum
from django.test import Client

from patronage.access.errors import NotFound
from patronage.access.models import User
from patronage.access.roles import SYSTEM
from patronage.customize import price_tags, samples, trials
from patronage.customize.actions import price_policy
from patronage.customize.deciding import Floats
from patronage.customize.errors import NotPriced
from patronage.customize.fields import FIELDS
from patronage.customize.jobs import decide
from patronage.customize.models import Contact, Decision, DecisionRun, PriceTag
from patronage.customize.population import fields_of_some
from patronage.customize.reads import past_tags
from patronage.customize.reads import price_tags as tags_of
from patronage.customize.samples import Sample
from patronage.customize.serving import serve
from patronage.differentiate.jobs import value
from patronage.differentiate.reads import field_values
from patronage.govern.actions import NewRule, draft_policy, publish_policy
from patronage.govern.models import PolicyVersion, Standing
from patronage.identify.fields import record_of
from patronage.identify.models import Customer
from patronage.vocabulary.periods import BusinessCalendar

from ..differentiate.history import NOW
from .rules import ALWAYS, allow_preferences, generated, rule
from .world import AS_OF, World

ELSE = "Everybody else"
PAST = date(2024, 9, 30)
BLOCK = (rule("block", offers="offer_category = 'APPLES'"),)


def draft(world: World, *rules: NewRule, portfolio: str = ELSE) -> PolicyVersion:
    made = draft_policy(
        actor=SYSTEM,
        now=NOW,
        portfolio_id=world.portfolios[portfolio].id,
        rules=rules,
        note="tests",
    )
    return made.version


def made_by(run: DecisionRun, portfolio_id: str, *, inside: bool = True) -> tuple[int, int]:
    contacts = Contact.objects.filter(decision__run=run)
    same = {"decision__portfolio": portfolio_id}
    contacts = contacts.filter(**same) if inside else contacts.exclude(**same)
    return contacts.count(), contacts.aggregate(sum=Sum("reserved_minor"))["sum"] or 0


def decided_anew(run: DecisionRun) -> DecisionRun:
    """Take the run's contacts back and decide with what is published since."""
    Contact.objects.filter(decision__run=run).update(state="cancelled")
    run.budget.reserved_minor = 0
    run.budget.save()
    return decide(actor=SYSTEM, now=NOW + timedelta(hours=1), as_of=AS_OF)


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_the_exact_answer_is_what_publishing_does(world: World, seed: int | None) -> None:
    allow_preferences()
    run = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    version = draft(world, *(BLOCK if seed is None else generated(seed)))
    said = price_tags.simulate(version, kind="exact", now=NOW).figures
    before = made_by(run, version.portfolio_id)
    others = made_by(run, version.portfolio_id, inside=False)
    decisions = dict(Decision.objects.filter(run=run).values_list("customer_id", "treatment_id"))
    publish_policy(actor=SYSTEM, now=NOW, version_id=version.id, reason="tests", valid_from=ALWAYS)
    anew = decided_anew(run)
    after = made_by(anew, version.portfolio_id)
    assert (said.contacts, said.budget_minor) == (after[0] - before[0], after[1] - before[1])
    now_others = made_by(anew, version.portfolio_id, inside=False)
    assert sum(each.contacts for each in said.others) == now_others[0] - others[0]
    moved = Decision.objects.filter(run=anew, portfolio=version.portfolio_id, held_out=False)
    affected = [each for each in moved if decisions[each.customer_id] != each.treatment_id]
    assert said.customers_affected == len(affected) > 0
    assert said.value_low_minor <= said.value_minor <= said.value_high_minor


def test_the_rules_in_force_cost_nothing(world: World) -> None:
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    version = draft(world)
    for kind in ("exact", "estimate"):
        said = price_tags.simulate(version, kind=kind, now=NOW).figures
        assert said.customers_affected == said.contacts == said.value_minor == 0
        assert said.others == ()


def test_an_estimate_of_everybody_is_near_the_exact_answer_and_says_what_it_is_of(
    world: World,
) -> None:
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    version = draft(world, *BLOCK)
    exact = price_tags.simulate(version, kind="exact", now=NOW).figures
    estimate = price_tags.simulate(version, kind="estimate", now=NOW).figures
    assert estimate.decided == estimate.customers == exact.customers
    assert (estimate.offers_lost, estimate.value_minor) == (exact.offers_lost, exact.value_minor)
    assert estimate.value_minor < 0


def test_a_sample_stands_for_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    version = draft(world, rule("block"))
    whole = price_tags.simulate(version, kind="estimate", now=NOW).figures
    monkeypatch.setattr(price_tags, "SAMPLE", 60)
    part = price_tags.simulate(version, kind="estimate", now=NOW).figures
    assert part.decided <= 60 < part.customers == whole.customers
    assert part.value_low_minor <= whole.value_minor <= part.value_high_minor
    assert abs(part.offers_lost - whole.offers_lost) < 0.3 * whole.offers_lost


#: classes of a portfolio of 4,000, and how many of each are drawn
SIZES, TAKEN = np.array([40, 360, 3_600]), 40


def held_by_intervals(everybody: Floats, *, as_one_class: bool = False) -> int:
    """Of 1,000 samples, how many give an interval that holds the sum over everybody."""
    random, held = np.random.default_rng(5), 0
    starts = np.cumsum([0, *SIZES])[:-1]
    for _ in range(1_000):
        rows = np.concatenate(
            [
                start + random.choice(size, min(size, TAKEN), replace=False)
                for start, size in zip(starts, SIZES, strict=True)
            ]
        )
        stratum = np.repeat(np.arange(len(SIZES)), np.minimum(SIZES, TAKEN))
        one = Sample(customer_ids=[], stratum=np.zeros_like(stratum), sizes=np.array([SIZES.sum()]))
        sample = Sample(customer_ids=[], stratum=stratum, sizes=SIZES)
        low, high = price_tags._interval(
            one if as_one_class else sample, everybody[rows], np.zeros(len(rows))
        )
        held += low <= everybody.sum() <= high
    return held


def by_class() -> Floats:
    """What a rule moves: the more, the more valuable the class; for three of ten."""
    random = np.random.default_rng(7)
    worth = np.repeat([5_000.0, 500.0, 50.0], SIZES)
    return np.where(random.random(len(worth)) < 0.3, random.gamma(2.0, worth), 0.0)


def test_nine_of_ten_intervals_of_a_sample_hold_what_is_true_of_all() -> None:
    assert 860 <= held_by_intervals(by_class()) <= 940
    everybody = by_class()
    whole = samples.everybody(len(everybody))
    middle = round(everybody.sum())
    assert price_tags._interval(whole, everybody, np.zeros(len(everybody))) == (middle, middle)


def test_a_sample_that_forgot_its_classes_would_be_noticed() -> None:
    """The broken twin: each customer stands for as many as any other."""
    assert held_by_intervals(by_class(), as_one_class=True) < 700


def test_every_class_gives_the_same_number_and_stands_for_itself(world: World) -> None:
    portfolio = world.portfolios[ELSE].id
    whole = samples.drawn(portfolio, "5eed", 4_000)
    part = samples.drawn(portfolio, "5eed", 30)
    assert part.customer_ids == samples.drawn(portfolio, "5eed", 30).customer_ids
    assert part.customer_ids != samples.drawn(portfolio, "acde", 30).customer_ids
    assert set(part.customer_ids) < set(whole.customer_ids)
    assert part.sizes.tolist() == whole.sizes.tolist()
    assert round(part.weights.sum()) == len(whole.customer_ids) == whole.sizes.sum()
    assert (whole.weights == 1.0).all()
    known = Standing.objects.filter(value_minor__isnull=False).values_list("pk", "value_minor")
    values = {key: worth or 0 for key, worth in known}
    classes = [
        [values[key] for key, of in zip(whole.customer_ids, whole.stratum, strict=True) if of == h]
        for h in range(len(samples.SHARES))
    ]
    for above, below in pairwise(each for each in classes if each):
        assert min(above) >= max(below)


def test_figures_worked_out_anew_are_those_that_the_run_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    version = draft(world, *BLOCK)
    kept = price_tags.simulate(version, kind="exact", now=NOW)
    monkeypatch.setattr(trials, "_kept", lambda *_, **__: None)
    assert price_tags.simulate(version, kind="exact", now=NOW) == kept


def test_some_customers_are_asked_as_each_one_is_in_the_moment(world: World) -> None:
    company = serve(NOW).policy.company
    calendar = BusinessCalendar(company.time_zone)
    frame = fields_of_some(world.customers, NOW, company)
    assert frame["customer_id"].to_list() == world.customers
    for row in frame.iter_rows(named=True):
        person = Customer.objects.get(pk=row["customer_id"])
        expected: dict[str, Any] = {**record_of(person, calendar), **field_values(person.id, NOW)}
        assert {name: row[name] for name in expected} == expected
        assert set(FIELDS) <= set(row)


def test_a_past_date_is_priced_on_its_own_customers_from_the_page(
    world: World, client: Client
) -> None:
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    value(actor=SYSTEM, now=NOW, as_of=PAST)
    version = draft(world, *BLOCK)
    client.force_login(User.objects.get(name="Ben"))
    shown = client.get(f"/rules/{version.id}").content.decode()
    assert all(f'<option value="{day}">' in shown for day in (AS_OF, PAST))
    for sent, day in (("", AS_OF), (PAST.isoformat(), PAST)):
        client.post(f"/rules/{version.id}/price", {"kind": "exact", "as_of": sent})
        assert PriceTag.objects.latest("made_at", "id").as_of == day
    now, then = (
        PriceTag.objects.get(as_of=day).figures["customers_affected"] for day in (AS_OF, PAST)
    )
    assert 0 < then != now
    refused = client.post(f"/rules/{version.id}/price", {"kind": "exact", "as_of": "yesterday"})
    assert "is no date" in refused.content.decode()


def test_a_tag_stays_with_its_version_beside_what_came(world: World) -> None:
    run = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    version = draft(world, *BLOCK)
    at = NOW + timedelta(minutes=1)
    tag = price_policy(actor=world.ben, now=at, version_id=version.id)
    (shown,) = tags_of(world.ben, version.id, at)
    assert (shown.id, shown.kind, shown.is_current) == (tag.id, "exact", True)
    publish_policy(
        actor=world.ben, now=at, version_id=version.id, reason="tests", valid_from=ALWAYS
    )
    Contact.objects.filter(decision__run=run).update(cap_month="2000-01")
    run.budget.reserved_minor = 0
    run.budget.save()
    decide(actor=SYSTEM, now=NOW + timedelta(hours=1), as_of=AS_OF)
    (past,) = past_tags(world.ben, version.portfolio_id, NOW + timedelta(hours=2))
    assert past.said_contacts == past.contacts < 0
    assert past.said_budget_minor == past.budget_minor
    assert PriceTag.objects.get().version == version


def test_only_who_leads_the_portfolio_prices_its_rules(world: World) -> None:
    version = draft(world, *BLOCK)
    with pytest.raises(NotFound):
        price_policy(actor=world.ana, now=NOW, version_id=version.id)
    with pytest.raises(NotPriced, match="decided yet"):
        price_policy(actor=world.ben, now=NOW, version_id=version.id)
