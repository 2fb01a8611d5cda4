"""What was worked out of a run for a page is not worked out again to look at it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from patronage.access import datasets
from patronage.access.roles import SYSTEM
from patronage.customize import deciding, reads, stakes
from patronage.customize.actions import rule
from patronage.customize.ahead import Ahead
from patronage.customize.jobs import decide
from patronage.customize.situations import situation
from patronage.customize.terms import Terms

from ..differentiate.history import NOW
from .world import AS_OF, World

LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def decided(world: World) -> World:
    """Decided once, so that there is something to look at."""
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    return world


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the choices made, by the offers among which they are made, and the datasets read."""
    done: Counter[str] = Counter()

    def counted(name: Callable[..., str], function: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*arguments: Any, **named: Any) -> Any:
            done[name(*arguments)] += 1
            return function(*arguments, **named)

        return counting

    offers = counted(lambda at: f"choices among {at.offer.max() + 1} offers", deciding.decide)
    monkeypatch.setattr(stakes, "decide", offers)
    monkeypatch.setattr(datasets, "read", counted(lambda name, *_: name, datasets.read))
    return done


def test_the_gate_looked_at_again_decides_nothing_and_reads_no_candidate(
    decided: World, work: Counter[str]
) -> None:
    first = reads.gate(decided.ana, LATER)
    assert work == {"choices among 1 offers": len(decided.offers), "decision_candidates": 1}

    work.clear()
    assert reads.gate(decided.ana, LATER) == first
    assert not work


def test_another_ruling_works_out_the_offer_that_it_rules_and_no_other(
    decided: World, work: Counter[str]
) -> None:
    reads.gate(decided.ana, LATER)
    work.clear()

    rule(
        actor=decided.ana,
        now=NOW,
        offer_id=decided.offers["APPLES"].id,
        portfolio_id=decided.portfolios["Top"].id,
        effect="adapt",
        reason_code="channel",
        reason="They read no letters",
        adaptation={"channels": ["app"]},
    )
    after = {each.offer_id: each.at_stake_minor for each in reads.gate(decided.ana, LATER)}

    assert work == {"choices among 1 offers": 1}
    stakes._base.cache_clear()
    stakes._best_of.cache_clear()
    afresh = {each.offer_id: each.at_stake_minor for each in reads.gate(decided.ana, LATER)}
    assert after == afresh


def test_offers_kept_one_by_one_come_to_what_all_at_once_do(decided: World) -> None:
    """Each alone, put side by side, is the choice among all of them at the same terms."""
    run = stakes.last_run()
    assert run is not None
    top = decided.portfolios["Top"].id
    base = stakes._base(run.id, top)
    together = deciding.decide(situation(base.policy, base.people, base.means))

    ruled = [base.policy.terms(top, each) for each in base.policy.offers]
    alone = [stakes._best(run.id, top, place, terms) for place, terms in enumerate(ruled)]
    best = max(range(len(alone)), key=lambda place: alone[place].sum())
    rows = together.treatments[:, 0] >= 0
    scores = together.scores[rows, together.treatments[rows, 0]]

    assert rows.any()
    assert alone[best].sum() > 0
    assert [max(column) for column in zip(*alone, strict=True)] == pytest.approx(
        [score if won else 0.0 for won, score in _merged(rows, scores)]
    )
    assert not stakes._best(run.id, top, best, Terms(effect="block")).any()


def _merged(rows: Any, scores: Any) -> list[tuple[bool, float]]:
    found = iter(scores.tolist())
    return [(bool(won), next(found) if won else 0.0) for won in rows]


def test_an_owners_offers_looked_at_again_read_no_candidate(
    decided: World, work: Counter[str]
) -> None:
    first = reads.my_offers(decided.olga, LATER)
    assert work == {"decision_candidates": 1}

    work.clear()
    assert reads.my_offers(decided.olga, LATER) == first
    assert reads.offers(decided.ana, LATER)
    assert not work


def test_what_a_server_works_out_ahead_is_all_that_a_first_look_needs(
    world: World, work: Counter[str]
) -> None:
    ahead = Ahead()
    assert not ahead.step(LATER)
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)

    parts = len(world.portfolios) + 1
    assert [ahead.step(LATER) for _ in range(parts + 1)] == [True] * parts + [False]

    work.clear()
    assert reads.gate(world.ana, LATER)
    assert reads.gate(world.ben, LATER)
    assert reads.my_offers(world.olga, LATER)
    assert not work


def test_a_part_that_fails_ahead_is_left_to_the_page(
    decided: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = Ahead()
    with monkeypatch.context() as broken:
        broken.setattr(stakes, "of_offers", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ahead.step(LATER)

    assert reads.gate(decided.ana, LATER)
    while ahead.step(LATER):
        pass
