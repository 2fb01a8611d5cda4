"""Is a field that is not one's own refused when a rule or an offer is saved?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from patronage.access.roles import Role
from patronage.customize.actions import Proposal, Wording, propose_offers
from patronage.customize.errors import OfferRefused
from patronage.customize.models import Offer
from patronage.govern.actions import NewRule, draft_policy
from patronage.govern.errors import PolicyRuleRefused
from patronage.govern.fields import RULE_FIELDS
from patronage.govern.models import PolicyVersion
from patronage.vocabulary.fields import FieldCatalog

from ..differentiate.history import NOW
from .world import BEGINNING, World

PROPOSAL = Proposal(
    ref="worth",
    team="Fresh",
    name="For the worthy",
    category="FRUIT",
    department="PRODUCE",
    face_value_minor=100,
    redemption_cost_minor=100,
    eligibility="tier = 'top' AND value_minor > 100000",
    valid_from=BEGINNING,
    treatments=(Wording(channel="email", wording="Yours"),),
)


def test_an_offer_cannot_ask_what_its_owner_may_not_see(world: World) -> None:
    there = Offer.objects.count()
    with pytest.raises(OfferRefused, match="Line 1, column 18: The field 'value_minor' is not"):
        propose_offers(actor=world.olga, now=NOW, rows=[PROPOSAL])
    assert Offer.objects.count() == there
    allowed = replace(PROPOSAL, eligibility="tier = 'top'")
    assert propose_offers(actor=world.olga, now=NOW, rows=[allowed])


def test_a_rule_cannot_ask_what_its_author_may_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save() -> None:
        draft_policy(
            actor=world.ana,
            now=NOW,
            portfolio_id=world.portfolios["Top"].id,
            rules=[NewRule(name="page", effect="block", when="true AND page = '/pay'")],
            note="tests",
        )

    save()
    there = PolicyVersion.objects.count()
    theirs = frozenset({Role.ANALYST.value})
    fields = (
        replace(each, usable_by=theirs) if each.name == "page" else each
        for each in RULE_FIELDS.values()
    )
    monkeypatch.setattr("patronage.govern.actions.rule_texts.RULE_FIELDS", FieldCatalog(fields))
    with pytest.raises(PolicyRuleRefused, match="Rule 'page', when: Line 1, column 10: The field"):
        save()
    assert PolicyVersion.objects.count() == there
