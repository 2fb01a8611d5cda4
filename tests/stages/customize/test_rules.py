"""Portfolios' rules decide at night and in the moment alike, and never lift what stands above."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from patronage.access.roles import SYSTEM
from patronage.customize import ruled
from patronage.customize.actions import decide_now
from patronage.customize.actions import rule as rule_on_offer
from patronage.customize.jobs import decide
from patronage.customize.models import Contact, Decision, Ruling
from patronage.customize.replay import replay
from patronage.customize.ruled import RuleBook
from patronage.customize.serving import serve
from patronage.govern.actions import roll_back
from patronage.govern.fields import RULE_FIELDS, TREATMENT_FIELDS
from patronage.govern.policies import effects_of

from ..differentiate.history import NOW
from .rules import allow_preferences, generated, publish, rule
from .test_speeds import disagreements
from .world import AS_OF, World

ELSE = "Everybody else"


def decided(world: World, *, fill_up: bool = False) -> list[Decision]:
    run = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    if fill_up:
        Contact.objects.all().delete()
        run.budget.reserved_minor = 0
        run.budget.save()
    return list(Decision.objects.filter(run=run).order_by("customer_id"))


def of(world: World, portfolio: str, decisions: list[Decision]) -> list[Decision]:
    return [each for each in decisions if each.portfolio_id == world.portfolios[portfolio].id]


def offered_categories(decisions: list[Decision]) -> set[str]:
    return {each.treatment.offer.category for each in decisions if each.treatment is not None}


def test_what_a_rule_blocks_is_chosen_for_nobody_of_that_portfolio(world: World) -> None:
    before = decided(world)
    assert "APPLES" in offered_categories(of(world, ELSE, before))
    publish(world, ELSE, rule("block", offers="offer_category = 'APPLES'"))
    after = decided(world, fill_up=True)
    assert "APPLES" not in offered_categories(of(world, ELSE, after))
    assert "APPLES" in offered_categories(of(world, "Top", after))
    assert (
        not Contact.objects.filter(
            treatment__offer__category="APPLES", decision__in=[each.id for each in after]
        )
        .exclude(decision__portfolio=world.portfolios["Top"])
        .exists()
    )
    assert disagreements(after) == 0


def test_a_book_that_forgets_whose_a_rule_is_would_be_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin."""
    monkeypatch.setattr(RuleBook, "_own", lambda self, answers, _portfolio: answers[:, self._place])
    publish(world, ELSE, rule("block", offers="offer_category = 'APPLES'"))
    assert "APPLES" not in offered_categories(of(world, "Top", decided(world)))


@pytest.mark.parametrize("seed", range(6))
def test_generated_rules_decide_in_the_moment_as_at_night(world: World, seed: int) -> None:
    allow_preferences()
    for place, portfolio in enumerate(world.portfolios):
        publish(world, portfolio, *generated(2 * seed + place))
    decisions = decided(world, fill_up=True)
    assert disagreements(decisions) == 0
    assert all(replay(each).equal for each in decisions[::20])
    tiers = {each.versions.get("service_tier") for each in decisions}
    assert {each.versions["rules"] for each in decisions} - {None}
    assert tiers <= {None, "dedicated", "pooled"}


def test_a_night_in_which_the_unknown_matches_would_disagree(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin: NULL is taken for true in the batch alone."""
    monkeypatch.setattr(ruled, "_surely", lambda condition: condition.to_polars().fill_null(True))
    publish(world, ELSE, rule("block", "call_reason = 'complaint'"))
    assert disagreements(decided(world, fill_up=True)) > 0


def test_the_unknown_matches_no_rule(world: World) -> None:
    before = decided(world, fill_up=True)
    publish(world, ELSE, rule("block", "call_reason = 'complaint'"))
    publish(world, "Top", rule("not_eligible", "NOT call_reason = 'complaint'"))
    after = decided(world, fill_up=True)
    chosen = {each.customer_id: each.treatment_id for each in before}
    assert {each.customer_id: each.treatment_id for each in after} == chosen


def asked(world: World, decision: Decision, **more: Any) -> Any:
    at = more.pop("now", NOW)
    return decide_now(actor=world.service, now=at, customer_id=decision.customer_id, **more)


def test_what_is_known_of_the_moment_is_what_rules_ask_about(world: World) -> None:
    publish(
        world,
        ELSE,
        rule("block", "call_reason = 'complaint'"),
        rule("service_tier", "call_reason = 'complaint'", service_tier="dedicated"),
        rule("route", "call_reason = 'complaint'", route_to="ben@example.com"),
    )
    decision = next(each for each in of(world, ELSE, decided(world)) if each.outcome == "offered")
    calm = asked(world, decision)
    cross = asked(world, decision, context={"call_reason": "complaint"})
    assert (calm.outcome, calm.service_tier, calm.route_to) == ("offered", None, None)
    assert (cross.outcome, cross.service_tier) == ("nothing", "dedicated")
    assert cross.route_to == world.ben.id
    assert {each.reason for each in cross.candidates} & {"blocked"}
    logged = Decision.objects.get(id=cross.id)
    assert logged.versions["rules"] == logged.portfolio.policies.get().id
    assert replay(logged).equal


def test_beside_a_persons_ruling_the_stricter_counts_beside_a_default_the_rule(
    world: World,
) -> None:
    decided(world)  # which rules by default where nobody has
    apples, cereal = world.offers["APPLES"], world.offers["CEREAL"]
    said: dict[str, Any] = {"reason_code": "fits", "valid_from": NOW - timedelta(days=1)}
    for offer in (apples, cereal):
        rule_on_offer(
            actor=world.ben,
            now=NOW,
            offer_id=offer.id,
            portfolio_id=world.portfolios[ELSE].id,
            effect="block" if offer is apples else "allow",
            **said,
        )
    publish(
        world,
        ELSE,
        rule("allow", offers="offer_category = 'APPLES'"),
        rule("adapt", offers="offer_category = 'CEREAL'", adaptation={"channels": ["app"]}),
        rule("block", offers="offer_category = 'SOAP'"),
    )
    policy = serve(NOW).policy
    customers = np.array([policy.portfolios.index(world.portfolios[ELSE].id)])
    every = np.ones((1, len(policy.book.rules)), dtype=np.bool_)
    found = policy.applied(customers, every, policy.scopes.one("", {}, int(customers[0])))
    allowed = {
        (offer.category, treatment.channel)
        for column, (treatment, offer) in enumerate(policy._said)
        if policy.gate.permitted[found.row[0, column], column]
    }
    assert {each for each in allowed if each[0] == "CEREAL"} == {("CEREAL", "app")}
    assert {each for each in allowed if each[0] in ("APPLES", "SOAP")} == set()
    assert {each for each in allowed if each[0] == "TINS"}
    Ruling.objects.filter(offer=apples, by_default=False).delete()
    Ruling.objects.filter(offer=apples).update(effect="block")
    fresh = serve(NOW + timedelta(seconds=1)).policy
    column = next(place for place, (_, offer) in enumerate(fresh._said) if offer.id == apples.id)
    assert fresh.gate.permitted[found.row[0, column], column]


def test_nothing_lifts_consent(world: World) -> None:
    from patronage.identify.models import Consent

    Consent.objects.filter(channel="mail").delete()
    publish(world, ELSE, rule("allow"))
    publish(world, "Top", rule("allow"))
    decisions = decided(world)
    assert offered_categories(decisions)
    assert not [one for one in decisions if one.treatment and one.treatment.channel == "mail"]


def test_a_preference_moves_the_choice_within_the_companys_limit(world: World) -> None:
    allow_preferences(30)
    before = decided(world, fill_up=True)
    wanted = rule("prefer", offers="offer_category = 'SOAP'", amount_minor=30)
    more = rule("prefer", offers="channel = 'app'", amount_minor=30)
    publish(world, ELSE, wanted, more)
    after = decided(world, fill_up=True)
    assert disagreements(after) == 0

    def soaps(decisions: list[Decision]) -> int:
        chosen = [one.treatment for one in of(world, ELSE, decisions) if one.treatment]
        return sum(each.offer.category == "SOAP" for each in chosen)

    assert soaps(after) > soaps(before)
    policy = serve(NOW).policy
    customers = np.array([policy.portfolios.index(world.portfolios[ELSE].id)])
    every = np.ones((1, 2), dtype=np.bool_)
    found = policy.applied(customers, every, policy.scopes.one("", {}, int(customers[0])))
    assert found.effects is not None
    assert found.effects.preferred.max() == 30


def test_a_version_is_live_at_the_next_decision_and_a_roll_back_restores_what_it_was(
    world: World,
) -> None:
    publish(world, ELSE)
    decision = next(each for each in of(world, ELSE, decided(world)) if each.outcome == "offered")
    first = asked(world, decision)
    publish(world, ELSE, rule("block"), valid_from=NOW)
    blocked = asked(world, decision)
    at = NOW + timedelta(seconds=1)
    roll_back(actor=SYSTEM, now=at, portfolio_id=decision.portfolio_id, reason="too much")
    again = asked(world, decision, now=at)
    assert [first.outcome, blocked.outcome, again.outcome] == ["offered", "nothing", "offered"]
    assert again.offers[0].treatment_id == first.offers[0].treatment_id


def test_rules_kept_in_memory_too_long_would_be_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin: published rules are not looked for."""
    decision = next(each for each in of(world, ELSE, decided(world)) if each.outcome == "offered")
    asked(world, decision)
    kept = serve(NOW).epoch
    monkeypatch.setattr("patronage.customize.serving._epoch", lambda: kept)
    publish(world, ELSE, rule("block"), valid_from=NOW)
    assert asked(world, decision).outcome == "offered"


def test_a_rule_that_has_ended_decides_no_more(world: World) -> None:
    publish(world, ELSE, rule("block", valid_until=NOW + timedelta(days=1)))
    decision = of(world, ELSE, decided(world))[0]
    assert {each.reason for each in asked(world, decision).candidates} <= {
        "blocked",
        "ineligible",
        "unknown",
        "no_consent",
    }
    later = asked(world, decision, now=NOW + timedelta(days=1))
    assert "blocked" not in {each.reason for each in later.candidates}


def test_no_rule_can_ask_for_a_products_own_target() -> None:
    for name in (*RULE_FIELDS, *TREATMENT_FIELDS):
        assert "target" not in name
        assert "quota" not in name
    assert set(TREATMENT_FIELDS) == {
        "offer_category",
        "offer_department",
        "offer_need",
        "offer_team",
        "channel",
        "face_value_minor",
        "contact_cost_minor",
    }


def test_the_first_rule_counts_and_not_eligible_always(world: World) -> None:
    publish(
        world,
        ELSE,
        rule("allow", name="a"),
        rule("block", name="b"),
        rule("not_eligible", offers="channel = 'mail'", name="c"),
    )
    policy = serve(NOW).policy
    every = np.ones((1, 3), dtype=np.bool_)
    found = effects_of(policy.book.rules, every, policy.targets, limit_minor=0)
    assert (found.first == 0).all()
    mail = [each.channel == "mail" for each in policy.treatments]
    assert found.not_eligible[0].tolist() == mail
