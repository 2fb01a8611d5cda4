"""Does what a product team has to sell change anything that a customer gets? It must not.

Everybody is decided without targets, all is taken back, every team's target is set as high as it
goes, and everybody is decided again: rankings, reasons, scores, prices and answers are compared.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.db import transaction

from patronage.access import datasets
from patronage.access.errors import NotAllowed, NotFound, Refused
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM
from patronage.customize import reads
from patronage.customize.actions import decide_now, propose_offers, set_sales_target
from patronage.customize.deciding import Situation
from patronage.customize.errors import OfferRefused
from patronage.customize.jobs import decide
from patronage.customize.models import Decision, Offer, ProductTeam, SalesTarget
from patronage.customize.policy import PolicyInForce
from patronage.customize.situations import Means, People, situation
from patronage.govern.actions import NewRule, draft_policy, set_boundary
from patronage.govern.boundaries import NewBoundary
from patronage.govern.errors import BoundaryRefused, PolicyRuleRefused

from ..differentiate.history import NOW
from .test_fields_of_roles import PROPOSAL
from .world import AS_OF, World

_COLUMNS = ("customer_id", "treatment_id", "outcome", "score_minor", "propensity", "candidates")
NAMES = ("sales_target_minor", "sales_target", "target", "offer_target_minor", "quota")


def everything(world: World) -> dict[str, Any]:
    """All that is decided and ranked, by night and in the moment; leaves nothing behind."""
    with transaction.atomic():
        run = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
        decided = list(
            Decision.objects.filter(run=run).order_by("customer_id").values_list(*_COLUMNS)
        )
        logged = datasets.warehouse().polars(datasets.read("decision_candidates", run.manifest))
        logged = logged.filter(logged["decision_run_id"] == run.id)
        drawn = [name for name in logged.columns if name not in ("decision_run_id", "decision_id")]
        for customer_id in world.customers[:20]:
            decide_now(actor=world.service, now=NOW, customer_id=customer_id)
        asked = list(
            Decision.objects.filter(run=None).order_by("customer_id").values_list(*_COLUMNS)
        )
        gate = [
            (row.portfolio, row.offer, row.customers, row.best_for, row.at_stake_minor)
            for row in reads.gate(SYSTEM, NOW)
        ]
        found = {
            "decided": decided,
            "ranked": logged.select(drawn).sort("customer_id", "treatment_id").rows(),
            "price": run.prices,
            "asked": asked,
            "gate": gate,
        }
        transaction.set_rollback(True)
    return found


def set_every_target(amount_minor: int) -> None:
    for place, team in enumerate(ProductTeam.objects.order_by("name")):
        amount = amount_minor * (place + 1)
        set_sales_target(actor=SYSTEM, now=NOW, team=team.name, amount_minor=amount)


def test_every_products_target_may_change_and_nothing_else_does(world: World) -> None:
    before = everything(world)
    set_every_target(10**12)
    assert SalesTarget.objects.count() == ProductTeam.objects.count() > 1
    after = everything(world)
    assert len(before["decided"]) == len(world.customers)
    assert len(before["ranked"]) > len(world.customers)
    for what, found in before.items():
        assert after[what] == found, what


def test_a_score_that_adds_a_bonus_for_targets_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_bonus(policy: PolicyInForce, people: People, means: Means) -> Situation:
        targets = dict(SalesTarget.objects.values_list("team_id", "amount_minor"))
        owners = dict(Offer.objects.values_list("id", "team_id"))
        bonus = [targets.get(owners[each.offer_id], 0) / 10**9 for each in policy.treatments]
        asked = situation(policy, people, means)
        return replace(asked, preferred=asked.preferred + np.array(bonus))

    for name, module in list(sys.modules.items()):
        if name.startswith("patronage.customize") and vars(module).get("situation") is situation:
            monkeypatch.setattr(module, "situation", with_bonus)
    before = everything(world)
    set_every_target(10**12)
    after = everything(world)
    assert after["ranked"] != before["ranked"]
    assert after["asked"] != before["asked"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_anybody_writes_can_ask_for_a_target(name: str, world: World) -> None:
    asks = f"{name} > 0"
    ours = NewRule(name="ours first", effect="prefer", amount_minor=1)
    for rule in (replace(ours, when=asks), replace(ours, offers=asks)):
        with pytest.raises(PolicyRuleRefused, match="column 1: There is no field"):
            draft_policy(
                actor=world.ana,
                now=NOW,
                portfolio_id=world.portfolios["Top"].id,
                rules=[rule],
                note="tests",
            )
    with pytest.raises(OfferRefused, match="There is no field"):
        propose_offers(actor=world.olga, now=NOW, rows=[replace(PROPOSAL, eligibility=asks)])
    with pytest.raises(BoundaryRefused, match="There is no field"):
        set_boundary(
            actor=SYSTEM,
            now=NOW,
            new=NewBoundary(name="ours", kind="law", source="law", when=asks),
            reason="tests",
        )


def test_a_team_sets_and_sees_its_own_target_and_no_other(world: World) -> None:
    mine = reads.sales_targets(world.olga, NOW)
    assert [(each.team, each.amount_minor) for each in mine] == [("Fresh", None)]
    set_sales_target(actor=world.olga, now=NOW, team="Fresh", amount_minor=500)
    set_sales_target(actor=world.olga, now=NOW, team="Fresh", amount_minor=700)
    assert [each.amount_minor for each in reads.sales_targets(world.olga, NOW)] == [700]
    last = AuditEntry.objects.get(action="set sales target", change__amount_minor=700)
    assert last.before == {"amount_minor": 500}
    for team in ("Dry", "Nobody"):
        with pytest.raises(NotFound):
            set_sales_target(actor=world.olga, now=NOW, team=team, amount_minor=1)
    with pytest.raises(NotAllowed):
        reads.sales_targets(world.ana, NOW)
    with pytest.raises(NotAllowed):
        set_sales_target(actor=world.ana, now=NOW, team="Fresh", amount_minor=1)
    with pytest.raises(Refused, match="from 0"):
        set_sales_target(actor=world.olga, now=NOW, team="Fresh", amount_minor=-1)
    assert SalesTarget.objects.count() == 2
