"""One objective each, by rule; it changes when the rules mean it, or a person says so and why."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from django.db import IntegrityError, transaction

from patronage.access.errors import NotAllowed, NotFound
from patronage.access.models import AuditEntry
from patronage.access.ports import ObjectiveChanged, objective_changed
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.access.scope import Scope, customer_scope
from patronage.differentiate import actions, reads
from patronage.differentiate.errors import (
    NoOverride,
    OverrideOver,
    ReasonMissing,
    UnknownObjective,
)
from patronage.differentiate.jobs import value
from patronage.differentiate.models import LatestValuation, ObjectiveOverride
from patronage.differentiate.reads.objectives import objective_of
from patronage.differentiate.valuation.objectives import objectives
from patronage.identify.models import Customer
from patronage.vocabulary.company import Company, parse_company

from .history import COMPANY, NOW, History

AS_OF = date(2024, 12, 31)
BOSS = Actor(id="usr_boss", name="Boss", roles=frozenset({Role.EXECUTIVE}))
AGENT = Actor(id="usr_agent", name="Agent", roles=frozenset({Role.AGENT}))
MANAGER = Actor(id="usr_ana", name="Ana", roles=frozenset({Role.MANAGER}))

RULES = """
[[objectives]]
objective = "acquire"
reason = "In the first 90 days"
when = "age_days < 90"
at_once = true
[[objectives]]
objective = "convert"
reason = "Would pay if served more cheaply"
when = "value_minor < 0 AND value_if_converted_minor >= 0"
clearly = "value_minor < -500 AND value_if_converted_minor >= 0"
[[objectives]]
objective = "exit"
reason = "Costs more to serve than it earns"
when = "value_minor < 0"
clearly = "value_minor < -500"
[[objectives]]
objective = "retain"
reason = "Among the most valuable"
when = "tier = 'top'"
[[objectives]]
objective = "grow"
reason = "Far from what look-alikes are worth"
when = "share_of_customer < 0.5"
[[objectives]]
objective = "retain"
reason = "Nothing else is asked of them"
"""


def declared(times: int = 2) -> Company:
    start, rest = COMPANY.split("[[objectives]]", 1)
    end = rest.split("[[portfolios]]", 1)[1]
    text = f"objective_after_valuations = {times}\n{start}{RULES}[[portfolios]]{end}"
    return parse_company(text)


def customer(**known: object) -> pl.DataFrame:
    """One customer as rules see them."""
    row = {
        "customer_id": "cus_1",
        "age_days": 400,
        "value_minor": 10_000,
        "value_if_converted_minor": None,
        "tier": "middle",
        "share_of_customer": 0.8,
    } | known
    schema = {
        "customer_id": pl.String,
        "age_days": pl.Int64,
        "value_minor": pl.Int64,
        "value_if_converted_minor": pl.Int64,
        "tier": pl.String,
        "share_of_customer": pl.Float64,
    }
    return pl.DataFrame([row], schema=schema)


def lived(company: Company, *quarters: pl.DataFrame) -> list[dict[str, object]]:
    """What one customer's objective is, valuation after valuation."""
    before, history = None, []
    for number, fields in enumerate(quarters):
        before = objectives(fields, before, company, AS_OF + timedelta(days=91 * number))
        history.append(before.to_dicts()[0])
    return history


def named(history: list[dict[str, object]]) -> list[object]:
    return [each["objective"] for each in history]


# --- what the rules mean --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "objective", "reason"),
    [
        ({"age_days": 89}, "acquire", "In the first 90 days"),
        ({"age_days": 90}, "retain", "Nothing else is asked of them"),
        ({"value_minor": -1}, "exit", "Costs more to serve than it earns"),
        (
            {"value_minor": -1, "value_if_converted_minor": 0},
            "convert",
            "Would pay if served more cheaply",
        ),
        (
            {"value_minor": -9, "value_if_converted_minor": -1},
            "exit",
            "Costs more to serve than it earns",
        ),
        ({"tier": "top", "share_of_customer": 0.1}, "retain", "Among the most valuable"),
        ({"share_of_customer": 0.49}, "grow", "Far from what look-alikes are worth"),
        ({"share_of_customer": None}, "retain", "Nothing else is asked of them"),
    ],
)
def test_everybody_has_the_objective_that_their_figures_call_for(
    known: dict[str, object], objective: str, reason: str
) -> None:
    (first,) = lived(declared(), customer(**known))
    assert (first["objective"], first["objective_reason"]) == (objective, reason)
    assert first["objective_since"] == AS_OF


# --- hysteresis -----------------------------------------------------------------------------------


def flip_flop(company: Company, quarters: int = 8) -> list[object]:
    """A customer whose share lies now on this side of the line, now on that."""
    sides = [customer(share_of_customer=0.49 + 0.02 * (n % 2)) for n in range(quarters)]
    return named(lived(company, *sides))


def test_a_figure_that_wavers_about_the_line_changes_nothing() -> None:
    assert set(flip_flop(declared())) == {"grow"}


def test_without_hysteresis_the_same_customer_changes_every_quarter() -> None:
    assert flip_flop(declared(times=1)) == ["grow", "retain"] * 4


def test_asked_for_twice_in_a_row_it_changes_and_says_since_when() -> None:
    grows, settled = customer(share_of_customer=0.4), customer(share_of_customer=0.9)
    history = lived(declared(), grows, settled, settled, settled)

    assert named(history) == ["grow", "grow", "retain", "retain"]
    assert [each["objective_asked"] for each in history] == ["grow", "retain", "retain", "retain"]
    assert [each["objective_asked_times"] for each in history] == [1, 1, 2, 3]
    assert history[1]["objective_reason"] == "Far from what look-alikes are worth"
    changed = AS_OF + timedelta(days=2 * 91)
    assert [each["objective_since"] for each in history] == [AS_OF, AS_OF, changed, changed]


def test_a_condition_that_holds_by_a_margin_does_not_wait() -> None:
    barely, clearly = customer(value_minor=-400), customer(value_minor=-600)
    assert named(lived(declared(), customer(), barely)) == ["retain", "retain"]
    assert named(lived(declared(), customer(), clearly)) == ["retain", "exit"]


def test_an_age_does_not_waver_so_that_nobody_is_won_for_half_a_year() -> None:
    history = lived(declared(), customer(age_days=30), customer(age_days=121))
    assert named(history) == ["acquire", "retain"]


def test_two_different_askings_are_not_twice_the_same() -> None:
    history = lived(
        declared(), customer(), customer(share_of_customer=0.1), customer(tier="top"), customer()
    )
    assert named(history) == ["retain"] * 4
    assert history[2]["objective_reason"] == "Among the most valuable"


def test_each_valuation_remembers_the_one_before(history: History) -> None:
    earlier = value(actor=SYSTEM, now=NOW, as_of=date(2024, 9, 30))
    later = value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    both = reads.valuations(earlier).join(
        reads.valuations(later), on="customer_id", suffix="_later"
    )

    same = both.filter(pl.col("objective_asked") == pl.col("objective_asked_later"))
    assert len(same) > 20
    assert (same["objective_asked_times_later"] == 2).all()
    waits = both.filter(pl.col("objective_asked_later") != pl.col("objective"))
    waits = waits.filter(pl.col("objective_asked_later") != pl.col("objective_asked"))
    assert len(waits) > 0
    assert (waits["objective_later"] == waits["objective"]).all()
    assert later.input_digest != earlier.input_digest


# --- a person's word ------------------------------------------------------------------------------


def somebody() -> str:
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    rows = LatestValuation.objects.exclude(rule_objective="exit").order_by("customer_id")
    return str(rows[0].customer_id)


def override(customer_id: str, *, reason: str = "Moves abroad", **more: object) -> None:
    asked: dict[str, object] = {"objective": "exit", "actor": BOSS, "now": NOW} | more
    actions.override_objective(customer_id=customer_id, reason=reason, **asked)  # type: ignore[arg-type]


def test_a_word_is_in_force_at_once_in_lists_rules_and_history(history: History) -> None:
    customer_id = somebody()
    by_rule = LatestValuation.objects.get(pk=customer_id).rule_objective
    heard: list[ObjectiveChanged] = []
    with objective_changed.handled_by(heard.append):
        override(customer_id)

    row = LatestValuation.objects.get(pk=customer_id)
    assert (row.objective, row.objective_reason) == ("exit", "Moves abroad")
    assert row.rule_objective == by_rule
    assert heard == [ObjectiveChanged(customer_id=customer_id, objective="exit")]
    assert reads.field_values(customer_id, NOW)["objective"] == "exit"
    assert reads.field_values(customer_id, NOW - timedelta(days=1))["objective"] == by_rule
    shown = objective_of(BOSS, customer_id, NOW)
    assert (shown.objective, shown.by_rule, shown.is_override) == ("exit", by_rule, True)
    assert (shown.set_by, shown.reason) == ("usr_boss", "Moves abroad")
    assert AuditEntry.objects.filter(action="set objective").count() == 1


def test_the_next_valuation_leaves_the_word_in_force(history: History) -> None:
    customer_id = somebody()
    override(customer_id)
    value(actor=SYSTEM, now=NOW, as_of=date(2025, 3, 31))
    assert LatestValuation.objects.get(pk=customer_id).objective == "exit"


def test_it_ends_on_its_date_or_when_it_is_revoked(history: History) -> None:
    customer_id = somebody()
    by_rule = LatestValuation.objects.get(pk=customer_id).rule_objective
    today = date(2026, 1, 15)
    override(customer_id, until=today)
    assert objective_of(BOSS, customer_id, NOW).objective == "exit"
    assert objective_of(BOSS, customer_id, NOW + timedelta(days=1)).objective == by_rule
    next_day = NOW + timedelta(days=1)
    assert reads.field_values(customer_id, next_day)["objective"] == by_rule

    later = NOW + timedelta(hours=1)
    override(customer_id, objective="convert", reason="Takes the app", now=later)
    assert objective_of(BOSS, customer_id, next_day).objective == "convert"
    actions.revoke_override(
        actor=BOSS, now=next_day, customer_id=customer_id, reason="Was a mistake"
    )
    assert LatestValuation.objects.get(pk=customer_id).objective == by_rule
    kept = ObjectiveOverride.objects.filter(customer_id=customer_id).order_by("set_at")
    assert [each.revoked_reason for each in kept] == ["superseded", "Was a mistake"]
    with pytest.raises(NoOverride):
        actions.revoke_override(actor=BOSS, now=next_day, customer_id=customer_id, reason="Again")


def test_decisions_as_of_a_date_see_the_words_that_stood_then(history: History) -> None:
    run = value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    customer_id = reads.valuations(run)["customer_id"][0]
    override(customer_id)
    after = reads.features(run).filter(customer_id=customer_id)["objective"][0]
    assert after == reads.valuations(run)["objective"][0]

    ObjectiveOverride.objects.update(set_at=NOW - timedelta(days=700))
    assert reads.features(run).filter(customer_id=customer_id)["objective"][0] == "exit"


def test_a_word_without_reason_is_refused_and_changes_nothing(history: History) -> None:
    customer_id = somebody()
    for empty in ("", "   "):
        with pytest.raises(ReasonMissing):
            override(customer_id, reason=empty)
    with pytest.raises(UnknownObjective):
        override(customer_id, objective="ignore")
    with pytest.raises(OverrideOver):
        override(customer_id, until=date(2026, 1, 14))
    assert not ObjectiveOverride.objects.exists()
    assert not objective_of(BOSS, customer_id, NOW).is_override


def test_the_store_refuses_a_word_without_reason_and_two_that_stand(history: History) -> None:
    person = Customer.objects.all()[0]
    said = {"customer": person, "objective": "exit", "since": AS_OF, "set_at": NOW}
    with pytest.raises(IntegrityError), transaction.atomic():
        ObjectiveOverride.objects.create(reason="", set_by="usr_1", **said)
    ObjectiveOverride.objects.create(reason="Why", set_by="usr_1", **said)
    with pytest.raises(IntegrityError), transaction.atomic():
        ObjectiveOverride.objects.create(reason="Why not", set_by="usr_2", **said)


def test_only_who_is_in_charge_of_the_customer_may_say(history: History) -> None:
    customer_id = somebody()
    with pytest.raises(NotAllowed):
        override(customer_id, actor=AGENT)
    with customer_scope.answered_by(lambda actor, now: Scope()), pytest.raises(NotFound):
        override(customer_id, actor=MANAGER)
    assert not ObjectiveOverride.objects.exists()


def test_a_prospect_is_to_be_acquired(history: History) -> None:
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    prospect = Customer.objects.create(
        id="cus_prospect", kind="household", label="P", entered_at=NOW, created_at=NOW
    )
    assert objective_of(BOSS, prospect.id, NOW).objective == "acquire"
