"""Stock and capacity are boundaries that count: at night, in the moment, in levers and in terms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from patronage.access.actor import actor_of_user
from patronage.access.roles import SYSTEM
from patronage.customize.actions import decide_now
from patronage.customize.jobs import decide
from patronage.customize.models import Contact, Decision, DecisionRun
from patronage.customize.replay import replay
from patronage.govern import reads
from patronage.govern.actions import grant_lever, pull_lever, rule_on_lever, set_boundary
from patronage.govern.boundaries import NewBoundary
from patronage.govern.capacities import taken_of
from patronage.govern.errors import BoundaryRefused, LeverRefused
from patronage.govern.models import Accountability, Boundary, Capacity, Standing
from patronage.interact.settling import release_queued

from ..differentiate.history import NOW
from .test_boundaries import bounded
from .test_rules import decided
from .test_speeds import disagreements
from .world import AS_OF, BEGINNING, World


def offered(category: str) -> int:
    found = Contact.objects.exclude(state="cancelled")
    return found.filter(treatment__offer__category=category).count()


def stock(limit: int, category: str = "APPLES", **more: Any) -> Boundary:
    return bounded("capacity", category=category, limit=limit, per="all", **more)


def test_a_night_offers_no_more_than_there_is_and_all_of_it(world: World) -> None:
    decided(world)
    assert offered("APPLES") > 8
    Contact.objects.all().delete()
    made = stock(limit=5, name="Places")
    after = decided(world)
    assert offered("APPLES") == taken_of(made, NOW) == 5
    run = DecisionRun.objects.get(pk=after[0].run_id)
    assert run.prices["capacity Places"] > 0
    assert run.certificate["use"]["capacity Places"] == 5
    assert run.certificate["capacity"]["capacity Places"] == 5
    assert 0 <= run.certificate["gap"] < 0.05
    assert all(replay(each).equal for each in after[::20])


def test_the_price_of_a_stock_keeps_it_for_whom_it_is_worth_most(world: World) -> None:
    """In the moment the night's price counts, so that both speeds choose alike."""
    stock(limit=5, name="Places")
    decisions = decided(world)
    # as much as the night found, so that the price alone says who gets it
    Capacity.objects.update(taken=0)
    assert disagreements(decisions) == 0


def test_what_is_used_up_is_not_available_and_says_so(world: World) -> None:
    made = stock(limit=5)
    decisions = decided(world)
    Capacity.objects.update(taken=5)
    told = [decide_now(actor=SYSTEM, now=NOW, customer_id=each.customer_id) for each in decisions]
    reasons = {
        each.reason
        for answer in told
        for each in answer.candidates
        if each.offer_id == world.offers["APPLES"].id
    }
    assert "not_available" in reasons
    assert "chosen" not in reasons
    assert taken_of(made, NOW) == 5
    again = Decision.objects.filter(run=None)
    assert again.exists()
    assert all(replay(each).equal for each in again)


def test_what_does_not_go_out_is_given_back(world: World) -> None:
    made = stock(limit=5)
    decided(world)
    contact = Contact.objects.exclude(capacities="").earliest("id")
    assert release_queued(contact.customer_id, None, "left", NOW) >= 1
    assert taken_of(made, NOW) == 4
    assert release_queued(contact.customer_id, None, "left", NOW) == 0
    assert taken_of(made, NOW) == 4


def test_a_capacity_of_a_quarter_is_new_each_quarter(world: World) -> None:
    made = bounded("capacity", category="APPLES", limit=5, per="quarter")
    decided(world)
    assert Capacity.objects.get().period == "2025-Q1"
    at = DecisionRun.objects.get().decisions.earliest("id").at
    assert taken_of(made, at) == 5
    assert taken_of(made, at + timedelta(days=120)) == 0


def test_a_stock_that_is_set_anew_counts_anew(world: World) -> None:
    stock(limit=5)
    decided(world)
    more = stock(limit=8, at=NOW)
    assert taken_of(more, NOW) == 0


def a_manager(world: World) -> tuple[Any, str]:
    standing = Standing.objects.filter(portfolio=world.portfolios["Top"]).earliest("customer_id")
    accountable = Accountability.objects.filter(portfolio=standing.portfolio_id)
    manager = actor_of_user(accountable.latest("starts_at").manager, NOW)
    grant_lever(
        actor=SYSTEM, now=NOW, portfolio_id=standing.portfolio_id, lever="offer", limit=3,
        per="use", reason="tests",
    )  # fmt: skip
    return manager, standing.customer_id


def test_levers_take_from_it_and_give_it_back(world: World) -> None:
    made = stock(limit=4)
    ana, customer_id = a_manager(world)

    def pull() -> Any:
        return pull_lever(
            actor=ana, now=NOW, customer_id=customer_id, lever="offer", amount=3,
            category="APPLES", reason="tests",
        )  # fmt: skip

    first = pull()
    assert taken_of(made, NOW) == 3
    with pytest.raises(LeverRefused, match="allows 4 times in all; 3 times used, 3 times more"):
        pull()
    rule_on_lever(actor=ana, now=NOW, use_id=first.id, ruling="take_back", reason="tests")
    assert taken_of(made, NOW) == 0
    assert pull().state == "done"


def test_terms_say_what_is_not_to_be_had_any_more(world: World) -> None:
    stock(limit=4, name="Places")
    ana, customer_id = a_manager(world)

    def told() -> reads.CustomerTerms:
        return reads.terms(ana, customer_id, NOW, category="APPLES")

    assert told().available
    Capacity.objects.create(boundary=Boundary.objects.get(), limit=4, taken=4)
    found = told()
    assert not found.available
    assert any("'Places'" in each.words for each in found.reasons)
    assert reads.terms(ana, customer_id, NOW, category="CEREAL").available


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"limit": None}, "has a limit from 0"),
        ({"per": "use"}, "A stock is counted in all"),
        ({"per": "customer_quarter"}, "A stock is counted in all"),
        ({"when": "tier = 'top'"}, "one sum for all customers"),
        ({"kind": "goodwill_cap"}, "A stock is counted in all"),
    ],
)
def test_a_count_that_cannot_be_is_refused(
    world: World, change: dict[str, Any], words: str
) -> None:
    given: dict[str, Any] = {
        "name": "x",
        "kind": "capacity",
        "source": "board",
        "limit": 5,
        "per": "all",
    } | change
    with pytest.raises(BoundaryRefused, match=words):
        set_boundary(actor=SYSTEM, now=NOW, new=NewBoundary(**given), reason="tests")


def test_nothing_is_counted_where_nothing_is_declared(world: World) -> None:
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    assert not Capacity.objects.exists()
    assert not Contact.objects.exclude(capacities="").exists()
    assert BEGINNING < NOW
