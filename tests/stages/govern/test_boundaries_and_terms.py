"""Boundaries stand above every lever, and what a customer pays is one answer with its reasons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from patronage.access.errors import NotAllowed, NotFound
from patronage.access.roles import Actor, Role
from patronage.govern import levers as rights
from patronage.govern import reads
from patronage.govern.actions import (
    lift_boundary,
    set_boundary,
    tell_list_prices,
)
from patronage.govern.boundaries import NewBoundary
from patronage.govern.errors import (
    BoundaryRefused,
    LeverRefused,
    PriceRefused,
)
from patronage.govern.models import Boundary, LeverUse

from .pulling import bounded, catalogued, granted, pull, say
from .world import World, add_customers, add_person, figures, value

DAY = timedelta(days=1)


@pytest.fixture
def catalogue(world: World) -> None:
    """Two products, of two categories."""
    catalogued(world.now)


# ----------------------------------------------------------------------------------- boundaries


def test_a_discount_below_the_floor_is_refused_whatever_the_right(
    world: World, customer: str
) -> None:
    granted(world, "discount", 10_000)
    bounded(world, "price_floor", limit=7_000, unit="basis points")
    assert pull(world, "dev", customer, "discount", 3_000).state == "done"
    with pytest.raises(LeverRefused, match="'price_floor' allows no less than 70 %"):
        pull(world, "dev", customer, "discount", 3_001)


def test_a_boundary_stops_what_waits_for_an_executive_too(world: World, customer: str) -> None:
    granted(world, "discount", 100)
    waits = pull(world, "dev", customer, "discount", 2_000)
    bounded(world, "discount_cap", limit=1_999)
    with pytest.raises(LeverRefused):
        say(world, "eve", waits, "approve")
    assert LeverUse.objects.get(pk=waits.pk).state == "waiting"
    assert say(world, "eve", waits, "refuse").state == "refused"


def test_a_boundary_that_is_set_later_holds_for_what_was_agreed(
    world: World, customer: str, catalogue: None
) -> None:
    granted(world, "discount", 5_000)
    pull(world, "dev", customer, "discount", 4_000, category="BREAD")
    cap = bounded(world, "discount_cap", limit=1_500)

    def paid(at: datetime) -> Any:
        return reads.terms(world.actor("dev"), customer, at, category="BREAD")

    assert paid(world.now).discount_basis_points == 1_500
    lift_boundary(
        actor=world.actor("eve"), now=world.now + DAY, boundary_id=cap.id, reason="no longer"
    )
    assert paid(world.now + DAY).discount_basis_points == 4_000
    states = [each.state for each in reads.boundaries(world.actor("gus"), world.now + DAY)]
    assert states == ["lifted", "before"]


def test_a_sum_for_a_quarter_is_everybodys_and_begins_anew(world: World) -> None:
    one, two = add_customers(2, world.now)
    granted(world, "goodwill", 10_000)
    bounded(world, "goodwill_cap", limit=1_000, per="quarter")
    use = pull(world, "dev", one, "goodwill", 900)
    with pytest.raises(LeverRefused, match=r"USD 9\.00 used, USD 1\.01 more"):
        pull(world, "dev", two, "goodwill", 101)
    say(world, "dev", use, "take_back")
    assert pull(world, "dev", two, "goodwill", 1_000).state == "done"
    next_quarter = datetime(2026, 4, 1, 4, 0, tzinfo=UTC)  # midnight in New York
    with pytest.raises(LeverRefused):
        pull(world, "dev", one, "goodwill", 1, now=next_quarter - timedelta(microseconds=1))
    assert pull(world, "dev", one, "goodwill", 1_000, now=next_quarter).state == "done"


def test_what_is_unknown_of_a_customer_protects(world: World) -> None:
    known, base, unknown = add_customers(3, world.now)
    value(
        figures([(known, 900, "top", None), (base, 10, "base", None)]),
        as_of=world.now.date() - DAY,
        now=world.now,
    )
    granted(world, "premium", 5_000)
    bounded(world, "protected", when="tier = 'base'", source="law")
    assert pull(world, "dev", known, "premium", 100).state == "done"
    for protected in (base, unknown):
        with pytest.raises(LeverRefused, match="forbids"):
            pull(world, "dev", protected, "premium", 100)
    new = NewBoundary(name="x", kind="protected", source="law", when="tier = 'base'")
    seen = reads.touched(world.actor("eve"), world.now, new)
    assert (seen.customers, seen.surely, seen.unknown) == (3, 1, 1)


def test_only_executives_set_boundaries_and_what_cannot_be_is_refused(world: World) -> None:
    new = NewBoundary(name="cap", kind="discount_cap", source="board", limit=1)
    for name in ("dev", "gus"):
        with pytest.raises(NotAllowed):
            set_boundary(actor=world.actor(name), now=world.now, new=new, reason="mine")
    for wrong in (
        {"kind": "discount_cap"},
        {"kind": "discount_cap", "limit": -1},
        {"kind": "discount_cap", "limit": 10_001},
        {"kind": "discount_cap", "limit": 1, "per": "quarter"},
        {"kind": "price_floor", "limit": 1},
        {"kind": "law", "limit": 1},
        {"kind": "law", "source": "me"},
        {"kind": "law", "name": " "},
        {"kind": "law", "when": "no_such_field = 1"},
        {"kind": "law", "when": "tier = "},
        {"kind": "goodwill_cap", "limit": 1, "per": "quarter", "when": "tier = 'top'"},
        {"kind": "nothing"},
    ):
        with pytest.raises(BoundaryRefused):
            bounded(world, **wrong)
    assert not Boundary.objects.exists()
    bounded(world, "law")
    with pytest.raises(BoundaryRefused, match="later instant"):
        bounded(world, "law")


# ---------------------------------------------------------------------------------------- terms


def test_what_a_customer_pays_is_one_answer_with_its_reasons(
    world: World, customer: str, catalogue: None
) -> None:
    admin = Actor(id="usr_adm", name="Adm", roles=frozenset({Role.ADMINISTRATOR}))
    granted(world, "discount", 5_000)

    def paid(at: datetime = world.now) -> reads.CustomerTerms:
        return reads.terms(world.actor("gus"), customer, at, product="loaf")

    unlisted = paid()
    assert (unlisted.list_price_minor, unlisted.price_minor) == (None, None)
    assert unlisted.price_basis_points == 10_000
    assert "no list price" in unlisted.reasons[0].words
    tell_list_prices(actor=admin, now=world.now, prices={"loaf": 199}, reason="price list")
    assert paid().price_minor == 199
    use = pull(
        world, "dev", customer, "discount", 1_550, product="loaf", valid_until=world.now + 5 * DAY
    )
    said = paid()
    assert (said.price_minor, said.discount_basis_points) == (168, 1_550)
    assert [(each.kind, each.id) for each in said.reasons][1:] == [("lever", use.id)]
    bounded(world, "discount_cap", limit=1_500)
    # 15 % off 199 is 169.15: one minor unit less would be beyond the cap
    assert (paid().price_minor, paid().discount_basis_points) == (170, 1_500)
    assert [each.kind for each in paid().reasons] == ["list price", "lever", "boundary"]
    assert paid(world.now + 5 * DAY).price_minor == 199
    say(world, "dev", use, "take_back", now=world.now + DAY)
    assert paid(world.now + DAY).price_minor == 199
    bounded(world, "availability", category="BREAD")
    assert not paid().available
    novel = reads.terms(world.actor("dev"), customer, world.now, product="novel")
    assert (novel.available, novel.price_basis_points) == (True, 10_000)


def test_terms_are_asked_for_customers_in_sight_and_products_that_are_there(
    world: World, customer: str, catalogue: None
) -> None:
    with pytest.raises(NotFound, match="customer"):
        reads.terms(world.actor("cho"), customer, world.now, product="loaf")
    with pytest.raises(NotFound, match="product"):
        reads.terms(world.actor("dev"), customer, world.now, product="none")
    owner = Actor(id="usr_o", name="O", roles=frozenset({Role.OFFER_OWNER}))
    with pytest.raises(NotAllowed):
        reads.terms(owner, customer, world.now, product="loaf")
    admin = Actor(id="usr_adm", name="Adm", roles=frozenset({Role.ADMINISTRATOR}))
    for wrong in ({"none": 1}, {"loaf": 0}, {}):
        with pytest.raises(PriceRefused):
            tell_list_prices(actor=admin, now=world.now, prices=wrong, reason="x")


def test_a_condition_that_nobody_reads_would_be_noticed(
    world: World, customer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted(world, "premium", 5_000)
    bounded(world, "protected", when="customer_kind = 'household'")
    with pytest.raises(LeverRefused):
        pull(world, "dev", customer, "premium", 1)
    monkeypatch.setattr(rights, "boundaries_at", lambda _at: ())
    assert pull(world, "dev", customer, "premium", 1).state == "done"


def test_who_may_be_passed_a_lever_is_listed_by_name(world: World) -> None:
    add_person("hal", Role.COMPLAINT_HANDLER, world.now)
    names = [name for _, name in reads.possible_delegates(world.actor("dev"), world.now)]
    assert names == ["Ana", "Ben", "Cho", "Gus", "Hal"]
