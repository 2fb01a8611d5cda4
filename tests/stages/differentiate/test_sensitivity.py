"""What the value hangs on: every figure is a revaluation, checked against one really run."""

from __future__ import annotations

from datetime import date

import pytest

from patronage.access.company import load_company
from patronage.access.errors import NotAllowed, NotFound
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.differentiate import reads
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


@pytest.mark.parametrize(
    ("step", "old", "new"),
    [
        (
            Step(assumption="annual_discount_rate", change=0.02),
            "annual_discount_rate = 0.10",
            "annual_discount_rate = 0.12",
        ),
        (
            Step(assumption="horizon_days", change=-365),
            "horizon_days = 1095",
            "horizon_days = 730",
        ),
        (
            Step(assumption="costs", change=0.1),
            "cost_per_basket_minor = 90",
            "cost_per_basket_minor = 99",
        ),
    ],
)
def test_a_step_is_what_a_valuation_under_the_other_assumption_gives(
    history: History, step: Step, old: str, new: str
) -> None:
    run = value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    found = seen(step)
    assert found.total_minor == run.total_minor
    really = declared_as(old, new)
    # Each of the customers is rounded to the cent, on whichever of two routes.
    assert abs(found.moved[0].total_minor - really) <= run.customers
    assert found.moved[0].change_minor == found.moved[0].total_minor - found.total_minor


def test_a_slope_from_a_small_step_is_not_a_large_steps_answer(history: History) -> None:
    """Broken twin: ten times the small step misses what revaluation finds."""
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    small, large = seen(
        Step(assumption="horizon_days", change=-73), Step(assumption="horizon_days", change=-730)
    ).moved
    assert abs(10 * small.change_minor / large.change_minor - 1) > 0.05


def test_tiers_sum_to_the_total_at_every_step_and_signs_are_right(history: History) -> None:
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    found = seen()
    assert list(found.tiers) == ["top", "middle", "base"]
    assert sum(found.tiers.values()) == found.total_minor
    for each in found.moved:
        assert sum(each.tiers.values()) == each.total_minor
        dearer = each.step.assumption in ("annual_discount_rate", "costs")
        assert (each.change_minor < 0) == ((each.step.change > 0) == dearer)


def test_a_margin_point_is_a_point_of_what_will_be_spent(history: History) -> None:
    run = value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    down, up = seen(
        Step(assumption="margins", change=-0.01), Step(assumption="margins", change=0.01)
    ).moved
    assert abs(up.change_minor + down.change_minor) <= 2 * run.customers
    assert up.change_minor > 0


def test_who_stands_for_each_assumption_is_beside_it(history: History) -> None:
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    assert [each.is_approved for each in seen().provenance] == [False] * 4
    text = f"{COMPANY}\n[[provenance]]\nassumption = 'costs'\nowner = 'CFO'\n"
    text += "approved_by = 'Board'\napproved_on = '2026-01-10'\n"
    load_company(actor=SYSTEM, now=NOW, text=text, reason="approved")
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    costs = {each.assumption: each for each in seen().provenance}["costs"]
    assert (costs.owner, costs.approved_by, costs.approved_on) == ("CFO", "Board", "2026-01-10")


def test_who_may_not_see_profitability_sees_none_of_it(history: History) -> None:
    with pytest.raises(NotFound):
        seen()
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    with pytest.raises(NotAllowed):
        sensitivity(AGENT, NOW)
    assert reads.newest_run() is not None


def test_an_assumption_that_is_none_is_refused(history: History) -> None:
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    with pytest.raises(ValueError, match="weather"):
        seen(Step(assumption="weather", change=1.0))
