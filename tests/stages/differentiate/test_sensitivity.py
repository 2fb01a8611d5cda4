"""What the value hangs on: every figure is a revaluation, checked against one really run."""

from __future__ import annotations

from datetime import date

import pytest

from patronage.access.company import load_company
from patronage.access.errors import NotAllowed, NotFound
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.differentiate.jobs import value
from patronage.differentiate.reads.sensitivity import STEPS, Sensitivity, Step, sensitivity

from .history import COMPANY, NOW, History

AS_OF = date(2024, 12, 31)
BOSS = Actor(id="usr_boss", name="Boss", roles=frozenset({Role.EXECUTIVE}))
AGENT = Actor(id="usr_agent", name="Agent", roles=frozenset({Role.AGENT}))


def seen(*steps: Step) -> Sensitivity:
    return sensitivity(BOSS, NOW, steps=steps or STEPS)


def declared_as(old: str, new: str) -> int:
    """The total of a valuation that was really run under another declaration."""
    assert old in COMPANY
    load_company(actor=SYSTEM, now=NOW, text=COMPANY.replace(old, new), reason="what if")
    return value(actor=SYSTEM, now=NOW, as_of=AS_OF).total_minor


_REALLY = (
    (
        Step(assumption="annual_discount_rate", change=0.02),
        "annual_discount_rate = 0.10",
        "annual_discount_rate = 0.12",
    ),
    (Step(assumption="horizon_days", change=-365), "horizon_days = 1095", "horizon_days = 730"),
    (
        Step(assumption="costs", change=0.1),
        "cost_per_basket_minor = 90",
        "cost_per_basket_minor = 99",
    ),
)


def test_a_step_is_what_a_valuation_under_the_other_assumption_gives(history: History) -> None:
    run = value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    found = seen(*(step for step, _, _ in _REALLY))
    assert found.total_minor == run.total_minor
    for moved, (_, old, new) in zip(found.moved, _REALLY, strict=True):
        # Each of the customers is rounded to the cent, on whichever of two routes.
        assert abs(moved.total_minor - declared_as(old, new)) <= run.customers
        assert moved.change_minor == moved.total_minor - found.total_minor


def test_tiers_sum_to_the_total_at_every_step_and_signs_are_right(history: History) -> None:
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    found = seen()
    assert list(found.tiers) == ["top", "middle", "base"]
    assert sum(found.tiers.values()) == found.total_minor
    for each in found.moved:
        assert sum(each.tiers.values()) == each.total_minor
        dearer = each.step.assumption in ("annual_discount_rate", "costs")
        assert (each.change_minor < 0) == ((each.step.change > 0) == dearer)
    down, up = (each.change_minor for each in found.moved if each.step.assumption == "margins")
    assert abs(up + down) <= 2 * found.customers
    # Broken twin: ten times a small step is not what revaluation finds for the large one.
    small, large = seen(
        Step(assumption="horizon_days", change=-73), Step(assumption="horizon_days", change=-730)
    ).moved
    assert abs(10 * small.change_minor / large.change_minor - 1) > 0.05


def test_who_stands_for_each_assumption_is_beside_it(history: History) -> None:
    text = f"{COMPANY}\n[[provenance]]\nassumption = 'costs'\nowner = 'CFO'\n"
    text += "approved_by = 'Board'\napproved_on = '2026-01-10'\n"
    load_company(actor=SYSTEM, now=NOW, text=text, reason="approved")
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    costs = {each.assumption: each for each in seen().provenance}["costs"]
    assert (costs.owner, costs.approved_by, costs.approved_on) == ("CFO", "Board", "2026-01-10")


def test_who_may_not_see_profitability_sees_none_of_it(history: History) -> None:
    with pytest.raises(NotFound):
        seen()
    with pytest.raises(NotAllowed):
        sensitivity(AGENT, NOW)


def test_an_assumption_that_is_none_is_refused(history: History) -> None:
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    with pytest.raises(ValueError, match="weather"):
        seen(Step(assumption="weather", change=1.0))
    assert [each.is_approved for each in seen().provenance] == [False] * 4
