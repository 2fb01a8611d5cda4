"""Boundaries stand above every lever: whatever is pulled, no price and no sum goes beyond one."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patronage.govern import judging, limits
from patronage.govern.judging import judge
from patronage.govern.limits import (
    CONCERNS,
    FORBIDDING,
    LEVERS,
    PRICING,
    SUMMED,
    UNITS,
    Bound,
    Held,
    InForce,
    Pull,
    price_of,
)
from patronage.govern.said import said

_CATEGORIES = ("", "BREAD", "BOOKS")
_PRODUCTS = ("", "loaf", "novel")
_PLACES = st.tuples(st.sampled_from(_CATEGORIES), st.sampled_from(_PRODUCTS))


@st.composite
def bounds(draw: st.DrawFn) -> Bound:
    kind = draw(st.sampled_from(tuple(CONCERNS)))
    category, product = draw(_PLACES)
    units = {
        "price_floor": draw(st.sampled_from(("basis points", "minor units"))),
        "goodwill_cap": "minor units",
        "contact_cap": "times",
    }
    given: dict[str, Any] = {"limit": None, "unit": None}
    if kind not in FORBIDDING:
        given = {
            "limit": draw(st.integers(0, 10_000)),
            "unit": units.get(kind, "basis points"),
            "per": draw(st.sampled_from(("use", "quarter"))) if kind in SUMMED else "use",
            "used": draw(st.integers(0, 2_000)),
        }
    return Bound(
        id=f"bnd_{draw(st.integers(0, 99))}",
        name=kind,
        kind=kind,
        category=category,
        product=product,
        **given,
    )


@st.composite
def pulled(draw: st.DrawFn) -> InForce:
    lever = draw(st.sampled_from(PRICING))
    category, product = draw(_PLACES)
    least = -10_000 if lever == "price" else 1
    amount = draw(st.integers(least, 10_000))
    return InForce(id="lvu_1", lever=lever, amount=amount, category=category, product=product)


@st.composite
def pulls(draw: st.DrawFn) -> Pull:
    lever = draw(st.sampled_from(LEVERS))
    category, product = draw(_PLACES)
    amount = draw(st.integers(1, 10_000))
    if lever == "price" and draw(st.booleans()):
        amount = -amount
    return Pull(lever=lever, amount=amount, category=category, product=product)


#: beyond any pull: whoever holds it could do anything, if no boundary stood above
ANYTHING = Held(id="lev_1", limit=10**12, per="use")


def breaks(bound: Bound, share: Fraction, list_price: int | None) -> bool:
    """Whether a price breaks a boundary, worked out apart from the code that is tried."""
    limit = bound.limit or 0
    match bound.kind:
        case "price_floor":
            if bound.unit == "minor units":
                return list_price is not None and share * list_price < limit
            return share * 10_000 < limit
        case "discount_cap":
            return (1 - share) * 10_000 > limit
        case "premium_cap":
            return (share - 1) * 10_000 > limit
        case "protected":
            return share > 1
        case "law":
            return share != 1
    return False


@given(
    st.lists(pulled(), max_size=4),
    st.lists(bounds(), max_size=4),
    _PLACES,
    st.none() | st.integers(1, 20_000),
)
def test_what_a_customer_pays_is_within_every_boundary_whatever_was_pulled(
    in_force: list[InForce], all_bounds: list[Bound], place: tuple[str, str], list_price: int | None
) -> None:
    category, product = place
    price = price_of(category, product, in_force, all_bounds, list_price)
    about = [each for each in all_bounds if each.is_about(category, product)]
    if price.share is None:
        assert (price.low or 0) > (price.high or 0)
        return
    assert not [each for each in about if breaks(each, price.share, list_price)]
    if list_price is not None:
        paid = price.minor(list_price)
        assert paid is not None
        assert not [each for each in about if breaks(each, Fraction(paid, list_price), list_price)]


@given(st.lists(pulled(), min_size=1, max_size=4), st.lists(bounds(), max_size=4), _PLACES)
def test_without_a_boundary_in_the_way_the_levers_alone_say_the_price(
    in_force: list[InForce], all_bounds: list[Bound], place: tuple[str, str]
) -> None:
    price = price_of(*place, in_force, all_bounds, None)
    about = [each for each in all_bounds if each.is_about(*place)]
    if not [each for each in about if breaks(each, price.asked, None)]:
        assert price.share in (price.asked, None)
    said = [each.kind for each in price.reasons]
    assert ("boundary" in said) == (price.share != price.asked)


@given(pulls(), st.lists(bounds(), max_size=4))
def test_no_right_passes_a_boundary(pull: Pull, all_bounds: list[Bound]) -> None:
    verdict = judge(pull, all_bounds, [ANYTHING], list_price_minor=500)
    about = [
        each
        for each in all_bounds
        if each.is_about(pull.category, pull.product) and pull.lever in CONCERNS[each.kind]
    ]
    signed = -pull.amount if pull.lever == "discount" else pull.amount
    asked = 1 + Fraction(signed, 10_000)
    against = []
    for each in about:
        if each.kind in ("availability", "law"):
            against.append(each)
        elif each.kind == "protected":
            against += [each] if not (pull.lever == "price" and pull.amount < 0) else []
        elif each.kind in SUMMED:
            used = each.used if each.per != "use" else 0
            against += [each] if used + pull.amount > (each.limit or 0) else []
        elif breaks(each, asked, 500):
            against.append(each)
    assert verdict.outcome == ("refused" if against else "allowed")
    assert len(verdict.reasons) == max(1, len(against))


def test_a_judge_that_asks_rights_before_boundaries_would_be_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(judging, "_broken", lambda *_: ())
    with pytest.raises(AssertionError):
        test_no_right_passes_a_boundary()


def test_a_price_that_is_not_cut_back_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "edges", lambda *_: (None, None))
    with pytest.raises(AssertionError):
        test_what_a_customer_pays_is_within_every_boundary_whatever_was_pulled()


@pytest.mark.parametrize("lever", LEVERS)
def test_up_to_the_limit_at_once_and_one_more_waits(lever: str) -> None:
    right = Held(id="lev_2", limit=500, per="use", used=10_000)
    assert judge(Pull(lever=lever, amount=500), (), [right]).outcome == "allowed"
    more = judge(Pull(lever=lever, amount=501), (), [right])
    assert (more.outcome, more.grant_id) == ("waits", "")
    assert judge(Pull(lever=lever, amount=1), (), []).outcome == "refused"
    assert str(said(500, UNITS[lever])) in more.reasons[0].words


def test_a_sum_counts_what_was_used_and_a_part_never_exceeds_its_whole() -> None:
    whole = Held(id="lev_3", limit=1_000, per="quarter", used=900)
    part = Held(id="lev_4", limit=500, per="quarter", used=0, part_of=whole)
    pull = Pull(lever="goodwill", amount=100)
    assert judge(pull, (), [part]).grant_id == "lev_4"
    assert judge(replace(pull, amount=101), (), [part]).outcome == "waits"
    other = Held(id="lev_5", limit=101, per="use")
    assert judge(replace(pull, amount=101), (), [part, other]).grant_id == "lev_5"


def test_the_closest_lever_counts_and_the_later_of_two_as_close() -> None:
    everything = InForce(id="1", lever="discount", amount=3_000, category="", product="")
    bread = replace(everything, id="2", amount=1_000, category="BREAD")
    loaf = replace(bread, id="3", amount=500, product="loaf")
    later = replace(bread, id="4", amount=2_000)
    share = {
        place: price_of(*place, [everything, bread, loaf, later], (), None).share
        for place in (("BOOKS", "novel"), ("BREAD", "bun"), ("BREAD", "loaf"))
    }
    assert list(share.values()) == [Fraction(7, 10), Fraction(8, 10), Fraction(95, 100)]


def test_a_floor_in_money_is_not_guessed_without_a_list_price() -> None:
    floor = Bound(id="b", name="cost", kind="price_floor", limit=150, unit="minor units")
    pull = Pull(lever="discount", amount=1, category="BREAD", product="loaf")
    verdict = judge(pull, [floor], [ANYTHING])
    assert verdict.outcome == "refused"
    assert "no list price of loaf" in verdict.reasons[0].words
    assert judge(pull, [floor], [ANYTHING], list_price_minor=200).outcome == "allowed"
