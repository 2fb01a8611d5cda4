"""Everybody is decided as of a date, once, with reasons, within caps, budget and holdout."""

from __future__ import annotations

from patronage.access.roles import SYSTEM
from patronage.customize.actions import rule
from patronage.customize.jobs import decide
from patronage.customize.models import Contact, Decision

from ..differentiate.history import NOW
from .world import AS_OF, World


def test_everybody_gets_one_decision(world: World) -> None:
    run = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    assert Decision.objects.filter(run=run).count() == len(world.customers)
    assert sum(run.counts.values()) == len(world.customers)
    assert Contact.objects.count() == run.counts["offered"] > 0


def test_rule(world: World) -> None:
    run = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    r = rule(
        actor=world.ana,
        now=NOW,
        offer_id=world.offers["APPLES"].id,
        portfolio_id=world.portfolios["Top"].id,
        effect="block",
        reason_code="fits",
    )
    print(r.forgone_minor, r.gross_forgone_minor)
    assert r.forgone_minor > 0
