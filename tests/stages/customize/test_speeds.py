"""The night and the moment choose the same from the same, and only then is a price a price."""

from __future__ import annotations

import pytest

from patronage.access.roles import SYSTEM
from patronage.customize import moment as moment_module
from patronage.customize.deciding import decide as choose
from patronage.customize.jobs import decide
from patronage.customize.models import Contact, Decision
from patronage.customize.moment import Moment, checked_request, look
from patronage.customize.plan import OUTCOMES
from patronage.identify.models import Customer
from patronage.science.arbitration import Outcome

from ..differentiate.history import NOW
from .world import AS_OF, END, build


@pytest.fixture
def decisions(db: None) -> list[Decision]:
    """What a run with a scarce budget decided; the budget is then filled up again."""
    build(budget=700)
    run = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    assert run.prices["budget"] > 0
    Contact.objects.all().delete()
    run.budget.reserved_minor = 0
    run.budget.save()
    return list(Decision.objects.filter(run=run).order_by("customer_id"))


def in_the_moment(decision: Decision) -> Moment:
    request = checked_request(
        customer_id=decision.customer_id, channel=None, placements=1, context=None, limit=1
    )
    return look(request, Customer.objects.get(id=decision.customer_id), END)


def disagreements(decisions: list[Decision]) -> int:
    found = 0
    for decision in decisions:
        now = in_the_moment(decision)
        place = int(now.chosen.treatments[0, 0])
        treatment = None
        score = None
        if place >= 0:
            treatment = now.served.policy.treatments[now.considered[place]].id
            score = float(now.chosen.scores[0, place])
        found += (
            treatment != decision.treatment_id
            or score != decision.score_minor
            or OUTCOMES[Outcome(int(now.chosen.outcome[0]))] != decision.outcome
        )
    return found


def test_every_customer_gets_the_same_in_the_moment(decisions: list[Decision]) -> None:
    outcomes = {decision.outcome for decision in decisions}
    assert outcomes == {"offered", "withheld", "nothing"}

    assert disagreements(decisions) == 0


def test_a_moment_that_forgets_the_price_disagrees(
    decisions: list[Decision], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin."""
    from dataclasses import replace

    monkeypatch.setattr(
        moment_module, "decide", lambda at, limit: choose(replace(at, price=0.0), limit)
    )

    assert disagreements(decisions) > 0
