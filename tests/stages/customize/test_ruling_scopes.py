"""A ruling may be on a segment or on one customer, and until a date; the most specific counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from patronage.access.errors import NotFound
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM
from patronage.customize import reads, stakes
from patronage.customize.actions import decide_now, preview_ruling, rule, take_back_ruling
from patronage.customize.actions.decisions import DecisionAnswer
from patronage.customize.errors import RulingRefused
from patronage.customize.jobs import decide
from patronage.customize.models import Contact, Decision, DecisionRun, Ruling
from patronage.customize.replay import replay
from patronage.customize.scoped import Scopes
from patronage.customize.serving import serve
from patronage.govern.models import Standing

from ..differentiate.history import NOW
from .rules import allow_preferences, generated, publish
from .test_speeds import disagreements
from .world import AS_OF, BEGINNING, World

SOON = NOW + timedelta(minutes=5)
TOMORROW = NOW + timedelta(days=1)


def say(world: World, effect: str, category: str = "APPLES", **changes: Any) -> Ruling:
    """Ana rules in her portfolio, as of long ago unless said otherwise."""
    asked: dict[str, Any] = {
        "actor": world.ana,
        "now": NOW,
        "offer_id": world.offers[category].id,
        "portfolio_id": world.portfolios["Top"].id,
        "effect": effect,
        "reason_code": "fits" if effect == "allow" else "price",
        "valid_from": BEGINNING,
    }
    return rule(**(asked | changes))


def members(world: World) -> list[str]:
    """Ana's customers."""
    rows = Standing.objects.filter(portfolio=world.portfolios["Top"])
    return sorted(rows.values_list("customer_id", flat=True))


def asked(world: World, customer_id: str, now: datetime = SOON) -> DecisionAnswer:
    return decide_now(actor=world.ana, now=now, customer_id=customer_id)


def blocked(world: World, customer_id: str, now: datetime = SOON) -> bool:
    """Whether apples are blocked for somebody; only asked of whom they could be offered to."""
    apples = world.offers["APPLES"].id
    reasons = {e.reason for e in asked(world, customer_id, now).candidates if e.offer_id == apples}
    return reasons == {"blocked"}


@pytest.fixture
def decided(world: World) -> World:
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    return world


def eligible(world: World) -> list[str]:
    """Ana's customers to whom apples could be said by every other standard."""
    apples = world.offers["APPLES"].id
    return [
        who
        for who in members(world)
        if not {e.reason for e in asked(world, who).candidates if e.offer_id == apples}
        & {"ineligible", "unknown", "no_consent", "blocked"}
    ]


def test_a_customers_ruling_counts_before_a_segments_and_that_before_the_portfolios(
    decided: World,
) -> None:
    one, other = eligible(decided)[:2]
    say(decided, "block")
    assert blocked(decided, one)
    say(decided, "allow", when="orders_90d >= 0 OR orders_90d IS NULL")
    assert not blocked(decided, one)
    say(decided, "block", customer_id=one)
    assert blocked(decided, one)
    assert not blocked(decided, other)
    # written later, but less specific
    say(decided, "allow", now=SOON, valid_from=SOON)
    assert blocked(decided, one)


def test_the_newest_of_the_same_kind_counts(decided: World) -> None:
    one = eligible(decided)[0]
    say(decided, "block", when="true")
    say(decided, "allow", when="orders_90d >= 0 OR orders_90d IS NULL", now=SOON)
    assert not blocked(decided, one)
    say(decided, "block", when="true", now=SOON + timedelta(seconds=1))
    assert blocked(decided, one, SOON + timedelta(seconds=1))


def test_who_is_outside_the_segment_or_unknown_to_it_keeps_the_portfolios_ruling(
    decided: World,
) -> None:
    who = eligible(decided)
    say(decided, "block", when="call_reason = 'complaint'")
    assert not any(blocked(decided, each) for each in who[:3])
    say(decided, "block", when="tier = 'base'")
    assert not any(blocked(decided, each) for each in who[:3])


def test_a_segment_ends_at_the_portfolio(decided: World) -> None:
    say(decided, "block", when="true")
    others = decide(actor=SYSTEM, now=SOON, as_of=AS_OF)
    chosen = Decision.objects.filter(run=others, treatment__offer=decided.offers["APPLES"])
    assert not chosen.filter(portfolio=decided.portfolios["Top"]).exists()
    assert chosen.filter(portfolio=decided.portfolios["Everybody else"]).exists()


def test_a_customers_ruling_stays_behind_when_the_customer_moves(decided: World) -> None:
    one = eligible(decided)[0]
    say(decided, "block", customer_id=one)
    row = Standing.objects.get(customer_id=one)
    row.portfolio = decided.portfolios["Everybody else"]
    row.save()
    answer = decide_now(actor=decided.ben, now=SOON, customer_id=one)
    apples = decided.offers["APPLES"].id
    assert "blocked" not in {e.reason for e in answer.candidates if e.offer_id == apples}


def test_after_its_last_day_what_held_before_holds_again_with_nobody_acting(
    decided: World,
) -> None:
    one = eligible(decided)[0]
    say(decided, "block", valid_until=TOMORROW)
    assert blocked(decided, one)
    assert blocked(decided, one, TOMORROW - timedelta(microseconds=1))
    assert not blocked(decided, one, TOMORROW)


def test_an_ended_ruling_kept_in_memory_would_be_noticed(
    decided: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin: what is served is not looked at again when a ruling ends."""
    one = eligible(decided)[0]
    say(decided, "block", valid_until=TOMORROW)
    assert blocked(decided, one)
    monkeypatch.setattr("patronage.customize.serving._holds", lambda *_: True)
    assert blocked(decided, one, TOMORROW)


def test_taken_back_what_held_before_holds_again(decided: World) -> None:
    one = eligible(decided)[0]
    say(decided, "block")
    ruling = say(decided, "allow", customer_id=one)
    assert not blocked(decided, one)
    take_back_ruling(actor=decided.ana, now=SOON, ruling_id=ruling.id, reason="a mistake")
    assert blocked(decided, one, SOON)
    entry = AuditEntry.objects.get(action="take back ruling")
    assert (entry.reason, entry.subject_id) == ("a mistake", decided.offers["APPLES"].id)
    with pytest.raises(RulingRefused, match="ended already"):
        take_back_ruling(actor=decided.ana, now=SOON, ruling_id=ruling.id, reason="again")


def test_a_default_is_not_taken_back_and_a_foreign_ruling_looks_absent(decided: World) -> None:
    default = Ruling.objects.filter(portfolio=decided.portfolios["Top"]).first()
    assert default is not None
    with pytest.raises(RulingRefused, match="default"):
        take_back_ruling(actor=decided.ana, now=SOON, ruling_id=default.id, reason="no")
    mine = say(decided, "block")
    for ruling_id in (mine.id, "rul_nowhere"):
        with pytest.raises(NotFound):
            take_back_ruling(actor=decided.ben, now=SOON, ruling_id=ruling_id, reason="no")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_everybody_gets_the_same_at_night_and_in_the_moment(world: World, seed: int) -> None:
    """Any rulings whatever on segments and customers, together with any rules."""
    allow_preferences()
    publish(world, "Top", *generated(seed, 6))
    random = np.random.default_rng(seed)
    conditions = ("orders_90d >= 2", "need = 'fresh'", "recency_days < 40", "true")
    for place in range(14):
        effect = str(random.choice(["allow", "adapt", "block"]))
        category = str(random.choice(["APPLES", "CEREAL", "SOAP", "TINS"]))
        more: dict[str, Any] = {"now": NOW + timedelta(seconds=place)}
        if effect == "adapt":
            more["adaptation"] = {"face_value_minor": int(random.integers(0, 80))}
        if effect == "block" and place % 2:
            more["test_share"] = 0.05
        if place % 3 == 1:
            more["when"] = str(random.choice(conditions))
        if place % 3 == 2:
            more["customer_id"] = str(random.choice(members(world)))
        say(world, effect, category, **more)
    run = decide(actor=SYSTEM, now=SOON, as_of=AS_OF)
    Contact.objects.all().delete()
    run.budget.reserved_minor = 0
    run.budget.save()
    decisions = list(Decision.objects.filter(run=run).order_by("customer_id"))
    assert len(serve(SOON).policy.special) >= 8
    assert disagreements(decisions) == 0
    assert all(replay(each).equal for each in decisions)


def test_a_moment_that_forgets_customers_would_disagree(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin."""
    monkeypatch.setattr(Scopes, "_on_customer", {})
    one = members(world)[0]
    for category in world.offers:
        say(world, "block", category, customer_id=one)
    run = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    monkeypatch.undo()
    Contact.objects.all().delete()
    before = Decision.objects.get(run=run, customer_id=one)
    assert before.treatment_id is not None
    assert disagreements([before]) == 1


def test_a_decision_names_the_ruling_that_decided_and_replays_after_it_is_gone(
    decided: World,
) -> None:
    one = eligible(decided)[0]
    whole = say(decided, "block")
    own = say(decided, "block", customer_id=one)
    answer = asked(decided, one)
    apples = decided.offers["APPLES"].id
    assert {e.ruling_id for e in answer.candidates if e.offer_id == apples} == {own.id}
    run = decide(actor=SYSTEM, now=SOON, as_of=AS_OF)
    named = {}
    for each in Decision.objects.filter(run=run, customer_id__in=members(decided)):
        view = reads.decision(SYSTEM, each.id, SOON)
        named[each.customer_id] = {
            e.ruling_id for e in view.candidates if e.offer_id == apples and e.reason == "blocked"
        }
    assert named.pop(one) == {own.id}
    assert {whole.id} in named.values()
    take_back_ruling(actor=decided.ana, now=SOON, ruling_id=own.id, reason="gone")
    say(decided, "allow", now=SOON)
    looked_at = Decision.objects.filter(run=run).values_list("id", flat=True)[:20]
    for decision_id in (answer.id, *looked_at):
        assert replay(Decision.objects.get(id=decision_id)).equal


def test_what_a_segment_forgoes_is_what_the_next_run_loses(decided: World) -> None:
    """Nothing but the ruling differs between two runs, and the budget binds in neither."""
    whole = preview_ruling(
        actor=decided.ana,
        now=NOW,
        offer_id=decided.offers["APPLES"].id,
        portfolio_id=decided.portfolios["Top"].id,
        effect="block",
    )
    ruling = say(decided, "block", when="orders_90d >= 12")
    assert ruling.forgone_minor is not None
    assert whole.forgone_minor is not None
    assert ruling.gross_forgone_minor is not None
    assert 0 < ruling.forgone_minor < whole.forgone_minor
    assert ruling.forgone_minor <= ruling.gross_forgone_minor
    before = worth(decided)
    Contact.objects.all().delete()
    decide(actor=SYSTEM, now=SOON, as_of=AS_OF)
    assert before - worth(decided) == pytest.approx(ruling.forgone_minor, abs=0.6)


def test_what_a_customers_ruling_forgoes_is_theirs_alone(decided: World) -> None:
    run = DecisionRun.objects.get()
    won = Decision.objects.filter(
        run=run,
        outcome="offered",
        portfolio=decided.portfolios["Top"],
        treatment__offer=decided.offers["APPLES"],
    ).first()
    assert won is not None
    ruling = say(decided, "block", customer_id=won.customer_id)
    stake = stakes.of_ruling(ruling, SOON)
    assert stake is not None
    assert stake.covered == 1
    assert ruling.forgone_minor is not None
    before = worth(decided)
    Contact.objects.all().delete()
    decide(actor=SYSTEM, now=SOON, as_of=AS_OF)
    assert before - worth(decided) == pytest.approx(ruling.forgone_minor, abs=0.6)


def worth(world: World) -> float:
    """What the newest run offers to Ana's customers."""
    newest = reads.decision_runs(world.ana)[0]
    offered = Decision.objects.filter(run=newest, portfolio=world.portfolios["Top"], held_out=False)
    return sum(score for score in offered.values_list("score_minor", flat=True) if score)


def test_a_segment_ruled_beside_a_customer_forgoes_nothing_of_that_customers(
    decided: World,
) -> None:
    one = eligible(decided)[0]
    say(decided, "block", customer_id=one)

    def covered() -> int | None:
        return preview_ruling(
            actor=decided.ana,
            now=SOON,
            offer_id=decided.offers["APPLES"].id,
            portfolio_id=decided.portfolios["Top"].id,
            effect="block",
            when="true",
        ).covered

    inside = Decision.objects.filter(portfolio=decided.portfolios["Top"], run__isnull=False)
    assert covered() == inside.filter(held_out=False).count() - 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"when": "orders_90d >"}, "segment"),
        ({"when": "secret = 1"}, "secret"),
        ({"when": "true", "customer_id": "cus_1"}, "leave one"),
        ({"valid_until": NOW}, "ends in the future"),
        ({"test_share": 0.06}, "test share is 0 to"),
        ({"test_share": -0.01}, "test share is 0 to"),
        ({"test_share": float("nan")}, "is a number"),
        ({"test_share": True}, "is a number"),
        ({"effect": "allow", "test_share": 0.02}, "Only a block"),
    ],
)
def test_a_scope_that_makes_no_sense_is_refused(
    world: World, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(RulingRefused, match=says):
        say(world, **({"effect": "block"} | changes))
    assert not Ruling.objects.filter(by_default=False).exists()


def test_a_customer_of_another_portfolio_looks_absent(world: World) -> None:
    foreign = Standing.objects.exclude(portfolio=world.portfolios["Top"]).first()
    assert foreign is not None
    for customer_id in (foreign.customer_id, "cus_nowhere"):
        with pytest.raises(NotFound):
            say(world, "block", customer_id=customer_id)


@pytest.mark.parametrize(
    "changes",
    [
        {"test_share": 0.2},
        {"test_share": 0.02, "effect": "allow"},
        {"about": "x"},
        {"by_default": True, "about": "x", "when": "true"},
        {"valid_until": BEGINNING},
    ],
)
def test_the_store_itself_refuses_what_no_ruling_can_be(
    world: World, changes: dict[str, Any]
) -> None:
    made = say(world, "block")
    with pytest.raises(IntegrityError), transaction.atomic():
        Ruling.objects.filter(id=made.id).update(**changes)


def test_the_gate_and_the_history_tell_what_is_said_of_some(decided: World) -> None:
    one = eligible(decided)[0]
    whole = say(decided, "block", valid_until=TOMORROW)
    some = say(decided, "allow", when="orders_90d > 3")
    own = say(decided, "allow", customer_id=one)
    apples, top = decided.offers["APPLES"].id, decided.portfolios["Top"].id
    (row,) = [each for each in reads.gate(decided.ana, SOON) if each.offer_id == apples]
    assert (row.effect, row.exceptions, row.valid_until) == ("block", 2, TOMORROW)
    take_back_ruling(actor=decided.ana, now=SOON, ruling_id=some.id, reason="no")
    found = {
        each.ruling.id: each.state
        for each in reads.rulings(decided.ana, apples, top, TOMORROW + timedelta(days=1))
    }
    assert (found[whole.id], found[some.id], found[own.id]) == ("ended", "taken back", "in force")
    first = reads.rulings(decided.ana, apples, top, TOMORROW)[0].ruling
    assert first.by_default
