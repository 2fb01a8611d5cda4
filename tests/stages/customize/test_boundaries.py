"""What the enterprise forbids reaches nobody: at night, in the moment and at the last look."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from patronage.access.roles import SYSTEM
from patronage.customize.actions import decide_now
from patronage.customize.jobs import decide
from patronage.customize.models import Contact, Decision
from patronage.customize.replay import replay
from patronage.govern.actions import set_boundary
from patronage.govern.boundaries import BoundaryInForce, NewBoundary
from patronage.govern.models import Boundary

from ..differentiate.history import NOW
from .rules import allow_preferences, generated, publish, rule
from .test_rules import ELSE, decided, offered_categories
from .test_speeds import disagreements
from .world import AS_OF, BEGINNING, World


def bounded(kind: str, **more: Any) -> Boundary:
    """Set a boundary that holds at every instant these tests decide for."""
    at = more.pop("at", BEGINNING)
    new = NewBoundary(name=more.pop("name", kind), kind=kind, source="law", **more)
    return set_boundary(actor=SYSTEM, now=at, new=new, reason="tests")


def reasons(decision: Decision, category: str, **more: Any) -> set[str]:
    made = decide_now(actor=SYSTEM, now=more.get("now", NOW), customer_id=decision.customer_id)
    return {each.reason for each in made.candidates if each.offer.startswith(category)}


@pytest.mark.parametrize("kind", ["availability", "law", "protected"])
def test_a_category_that_is_not_to_be_had_is_offered_to_nobody(world: World, kind: str) -> None:
    assert "APPLES" in offered_categories(decided(world))
    bounded(kind, category="APPLES")
    after = decided(world, fill_up=True)
    assert "APPLES" not in offered_categories(after)
    assert offered_categories(after)
    assert disagreements(after) == 0
    assert all(replay(each).equal for each in after[::20])


def test_no_rule_lifts_a_boundary(world: World) -> None:
    bounded("availability", category="APPLES")
    for portfolio in world.portfolios:
        publish(world, portfolio, rule("allow", offers="offer_category = 'APPLES'"))
    assert "APPLES" not in offered_categories(decided(world, fill_up=True))


@pytest.mark.parametrize("seed", range(3))
def test_boundaries_hold_beside_any_rules_and_both_speeds_agree(world: World, seed: int) -> None:
    allow_preferences()
    bounded("law", category="CEREAL")
    bounded("protected", when="tier = 'top' OR orders_90d > 3")
    for place, portfolio in enumerate(world.portfolios):
        publish(world, portfolio, *generated(2 * seed + place))
    decisions = decided(world, fill_up=True)
    assert "CEREAL" not in offered_categories(decisions)
    top = [each for each in decisions if each.portfolio_id == world.portfolios["Top"].id]
    assert {each.outcome for each in top} == {"nothing"}
    assert disagreements(decisions) == 0


def test_what_is_unknown_of_a_customer_protects(world: World) -> None:
    before = decided(world, fill_up=True)
    assert "offered" in {each.outcome for each in before}
    bounded("protected", when="need = 'x'")
    known = {each.customer_id for each in before if each.outcome == "offered"}
    after = decided(world, fill_up=True)
    offered = {each.customer_id for each in after if each.outcome == "offered"}
    assert offered < known
    assert disagreements(after) == 0


def test_a_night_that_takes_the_unknown_for_not_protected_would_be_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin."""
    bounded("protected", when="need = 'x'")

    def surely(each: Any) -> Any:
        return each.condition.to_polars().fill_null(False)

    monkeypatch.setattr(BoundaryInForce, "covers", surely)
    assert disagreements(decided(world, fill_up=True)) > 0


def test_a_choice_without_boundaries_would_be_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin."""
    bounded("availability", category="APPLES")
    monkeypatch.setattr("patronage.customize.policy.forbidding_at", lambda _at: ())
    assert "APPLES" in offered_categories(decided(world, fill_up=True))


def test_a_boundary_set_today_holds_tonight_for_a_day_that_is_over(world: World) -> None:
    bounded("availability", category="APPLES", at=NOW)
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    assert "APPLES" not in offered_categories(list(Decision.objects.all()))
    assert Contact.objects.exists()


def test_a_boundary_holds_in_the_moment_from_its_instant_on(world: World) -> None:
    decision = next(each for each in decided(world) if each.treatment is not None)
    category = decision.treatment.offer.category if decision.treatment else ""
    name = decision.treatment.offer.name if decision.treatment else ""
    assert category
    starts = NOW + timedelta(hours=1)
    new = NewBoundary(name="later", kind="availability", source="board", category=category)
    set_boundary(actor=SYSTEM, now=NOW, new=new, reason="sold out", valid_from=starts)
    assert "boundary" not in reasons(decision, name, now=starts - timedelta(seconds=1))
    assert reasons(decision, name, now=starts) == {"boundary"}


def test_a_boundary_on_a_product_alone_leaves_offers_on_categories(world: World) -> None:
    before = offered_categories(decided(world))
    bounded("availability", product="one-of-them")
    assert offered_categories(decided(world, fill_up=True)) == before
    assert world.portfolios[ELSE]
