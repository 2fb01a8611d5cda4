"""`patronage decision options`: what a customer takes is priced where it goes together."""

from __future__ import annotations

import pytest

from patronage.access.roles import SYSTEM
from patronage.customize.actions import propose_offers
from patronage.customize.jobs import decide
from patronage.customize.models import Contact, Offer
from patronage.customize.options import Option

from ..customize.world import AS_OF, World, proposal
from ..customize.world import build as build_world
from ..differentiate.history import NOW
from .conftest import Verb


@pytest.fixture
def world(db: None) -> World:
    return build_world()


def test_the_options_that_a_customer_takes_are_priced(world: World, verb: Verb) -> None:
    Offer.objects.update(valid_until=NOW)
    options = (
        Option(name="Card", price_minor=100),
        Option(name="Wrap", price_minor=250, needs=("Card",)),
    )
    row = proposal("APPLES", ref="apples with options", options=options)
    propose_offers(actor=SYSTEM, now=NOW, rows=[row])
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    contact = Contact.objects.filter(treatment__offer__ref=row.ref).order_by("id")[0]
    priced = verb("decision", "options", contact.decision_id, "Wrap", "Card")
    assert (priced.status, "3.50" in priced.out) == (0, True)
    refused = verb("decision", "options", contact.decision_id, "Wrap")
    assert (refused.status, "'Wrap' needs 'Card'" in refused.err) == (1, True)
