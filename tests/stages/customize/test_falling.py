"""A proposal that nobody answers ages for all to see, and falls to the declared default once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from patronage.access.company import current, load_company
from patronage.access.errors import NotAllowed, Refused
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM
from patronage.customize import reads
from patronage.customize.actions import fall_to_default, take_back_ruling
from patronage.customize.models import Ruling
from patronage.customize.waiting import offers_waiting
from patronage.govern.actions import set_up_portfolios
from patronage.govern.models import Portfolio

from ..differentiate.history import NOW
from .test_ruling_scopes import say
from .world import BEGINNING, COMPANY, World

LATE = NOW + timedelta(days=14)


def fall(world: World, now: object = LATE) -> int:
    return fall_to_default(actor=SYSTEM, now=now)  # type: ignore[arg-type]  # an instant


def test_what_nobody_answered_falls_once_and_says_so(world: World) -> None:
    pairs = len(world.offers) * len(world.portfolios)
    waits = [each for each in reads.gate(world.ana, NOW) if each.waits]
    assert {each.falls_at for each in waits} == {LATE}
    assert fall(world, LATE - timedelta(microseconds=1)) == 0
    assert fall(world) == pairs
    assert fall(world) == 0
    assert fall(world, LATE + timedelta(days=90)) == 0
    rows = reads.gate(world.ana, LATE)
    assert {(each.by_default, each.reason_code, each.waits) for each in rows} == {
        (True, "unanswered", False)
    }
    assert {each.reason for each in rows} == {"Nobody ruled within 14 days."}
    assert reads.gate(world.ana, LATE, state="waiting") == []
    assert offers_waiting(world.ana, LATE) == 0
    entry = AuditEntry.objects.get(action="let proposals fall to the default")
    assert len(entry.change["rulings"]) == pairs


def test_it_falls_to_what_is_declared_now_and_is_ruled_on_as_before(world: World) -> None:
    Portfolio.objects.filter(name="Top").update(default_ruling="block")
    fall(world)
    mine = {each.effect for each in reads.gate(world.ana, LATE)}
    assert mine == {"block"}
    say(world, "allow", now=LATE, valid_from=LATE)
    (ruled,) = [each for each in reads.gate(world.ana, LATE) if not each.by_default]
    assert ruled.effect == "allow"


def test_what_was_answered_does_not_fall_and_taken_back_it_waits_anew(world: World) -> None:
    made = say(world, "block")
    assert fall(world) == len(world.offers) * len(world.portfolios) - 1
    take_back_ruling(actor=world.ana, now=LATE, ruling_id=made.id, reason="not sure")
    (row,) = reads.gate(world.ana, LATE, state="waiting")
    assert (row.waits_since, row.falls_at) == (LATE, LATE + timedelta(days=14))
    assert fall(world, LATE + timedelta(days=13)) == 0
    assert fall(world, LATE + timedelta(days=14)) == 1


def test_a_word_on_some_is_no_answer_for_the_portfolio(world: World) -> None:
    say(world, "block", when="orders_90d > 3")
    assert len(reads.gate(world.ana, NOW, state="waiting")) == len(world.offers)
    assert fall(world) == len(world.offers) * len(world.portfolios)


def test_without_days_it_waits_for_ever(world: World) -> None:
    text = COMPANY.format(budget=100_000).replace(
        'name = "Top"\nmanager', 'name = "Top"\ngate_days = 0\nmanager'
    )
    load_company(actor=SYSTEM, now=NOW, text=text, reason="tests")
    set_up_portfolios(actor=SYSTEM, now=NOW, company=current().company, starts_at=BEGINNING)
    assert fall(world, LATE + timedelta(days=900)) == len(world.offers)
    assert {each.falls_at for each in reads.gate(world.ana, LATE)} == {None}


def test_days_beyond_a_year_are_refused(world: World) -> None:
    text = COMPANY.format(budget=1).replace('name = "Top"\n', 'name = "Top"\ngate_days = 366\n', 1)
    with pytest.raises(Refused, match="gate_days"):
        load_company(actor=SYSTEM, now=NOW, text=text, reason="tests")


def test_a_fall_that_forgets_what_fell_would_be_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin: what fell is taken for what still waits."""
    monkeypatch.setattr("patronage.customize.actions.falling.UNANSWERED", "default")
    first = fall(world)
    assert fall(world, LATE + timedelta(days=14)) == first
    assert Ruling.objects.count() == 3 * first


def test_only_who_decides_everybody_lets_proposals_fall(world: World) -> None:
    with pytest.raises(NotAllowed):
        fall_to_default(actor=world.ana, now=LATE)
