"""Offers may have options that need and exclude each other; a ruling keeps some, strikes others."""

from __future__ import annotations

from typing import Any

import pytest

from patronage.access.errors import NotFound
from patronage.access.roles import SYSTEM
from patronage.customize.actions import decide_now, price_options, propose_offers, rule
from patronage.customize.errors import OfferRefused, OptionsRefused, RulingRefused
from patronage.customize.jobs import decide
from patronage.customize.models import Contact, Decision, Offer
from patronage.customize.options import Option, kept_wrong, read_options, wrong_together
from patronage.customize.pages.option_lines import options_typed, options_written

from ..differentiate.history import NOW
from .test_ruling_scopes import SOON
from .world import AS_OF, BEGINNING, World, proposal

CARD = Option(name="Card", price_minor=100)
WRAP = Option(name="Gift wrap", price_minor=250, needs=("Card",))
LOCKER = Option(name="Locker", price_minor=-50, excludes=("Gift wrap",))
ALL = (CARD, WRAP, LOCKER)


def propose(**changes: Any) -> Offer:
    row = proposal("APPLES", **({"ref": "apples with options", "options": ALL} | changes))
    (made,) = propose_offers(actor=SYSTEM, now=NOW, rows=[row])
    return made


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((WRAP,), "'Gift wrap' names 'Card'"),
        ((CARD, CARD), "two options are called 'Card'"),
        *(
            ((Option(name=name, price_minor=0),), "an option is called")
            for name in ("", " ", " A", "A,B", "A;B", "A\nB", "A" * 61)
        ),
        ((Option(name="A", price_minor=0, needs=("A",)),), "'A' names 'A'"),
        (
            (
                Option(name="A", price_minor=0, needs=("B",)),
                Option(name="B", price_minor=0, excludes=("A",)),
            ),
            "'A' can never be chosen: 'B' excludes 'A'",
        ),
        (tuple(Option(name=f"o{n}", price_minor=0) for n in range(21)), "21 options"),
        ((Option(name="A", price_minor=1.5),), "whole number"),  # type: ignore[arg-type]
    ],
)
def test_options_that_cannot_be_are_refused_by_name(
    world: World, options: tuple[Option, ...], says: str
) -> None:
    with pytest.raises(OfferRefused, match=says):
        propose(options=options)


def test_a_ruling_that_keeps_what_needs_a_struck_one_is_refused_with_both_names(
    world: World,
) -> None:
    made = propose()
    asked: dict[str, Any] = {
        "actor": world.ana,
        "now": NOW,
        "offer_id": made.id,
        "portfolio_id": world.portfolios["Top"].id,
        "effect": "adapt",
        "reason_code": "price",
    }
    with pytest.raises(RulingRefused, match="'Gift wrap' needs 'Card', which is struck"):
        rule(**asked, adaptation={"options": ["Gift wrap"]})
    for wrong in (["Bow"], "Card", [3]):
        with pytest.raises(RulingRefused, match="options to keep"):
            rule(**asked, adaptation={"options": wrong})
    # two that exclude each other may both be kept: the customer takes one
    assert rule(**asked, adaptation={"options": ["Card", "Gift wrap", "Locker"]}).effect == "adapt"


def test_the_decision_names_the_options_as_ruled_and_prices_those_that_go_together(
    world: World,
) -> None:
    made = propose()
    Offer.objects.exclude(id=made.id).update(valid_until=NOW)
    rule(
        actor=world.ana,
        now=NOW,
        offer_id=made.id,
        portfolio_id=world.portfolios["Top"].id,
        effect="adapt",
        reason_code="price",
        adaptation={"options": ["Card", "Gift wrap"]},
        valid_from=BEGINNING,
    )
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    top = Contact.objects.filter(treatment__offer=made, decision__portfolio=world.portfolios["Top"])
    assert {tuple(e["name"] for e in each.terms["options"]) for each in top} == {
        ("Card", "Gift wrap")
    }
    rest = Contact.objects.filter(
        treatment__offer=made, decision__portfolio=world.portfolios["Everybody else"]
    )
    assert {len(each.terms["options"]) for each in rest} == {3}
    who = top.order_by("-decision__score_minor")[0].customer_id
    Contact.objects.all().delete()
    answer = decide_now(actor=world.service, now=SOON, customer_id=who)
    (offered,) = answer.offers
    assert [each["name"] for each in offered.options] == ["Card", "Gift wrap"]

    def priced(*options: str, actor: Any = world.service) -> int:
        return price_options(
            actor=actor, now=SOON, decision_id=answer.id, options=options
        ).price_minor

    assert (priced(), priced("Card"), priced("Gift wrap", "Card")) == (0, 100, 350)
    with pytest.raises(OptionsRefused, match="'Gift wrap' needs 'Card'"):
        priced("Gift wrap")
    with pytest.raises(OptionsRefused, match="'Locker' is none of the options offered"):
        priced("Locker")
    with pytest.raises(NotFound):
        priced("Card", actor=world.ben)
    assert Decision.objects.filter(id=answer.id).exists()


def test_what_excludes_each_other_is_refused_with_both_names() -> None:
    assert wrong_together(ALL, ["Card", "Gift wrap", "Locker"]) == (
        "'Locker' excludes 'Gift wrap'; leave one of them out."
    )
    assert wrong_together(ALL, ["Locker", "Card"]) is None
    assert kept_wrong(ALL, []) is None


def test_options_read_back_as_they_are_written(world: World) -> None:
    made = propose()
    assert read_options(made.options) == ALL
    text = options_written(made)
    assert text.splitlines()[1] == "Gift wrap; 2.50; needs Card"
    assert options_typed(text, "USD") == ALL
    for line in ("Bow", "Bow; much", "Bow; 1.00; with Card", "Bow; 1.00; needs Nothing"):
        with pytest.raises(ValueError, match="Bow"):
            options_typed(line, "USD")
