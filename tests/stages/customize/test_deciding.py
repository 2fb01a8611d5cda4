"""The pure choice: one customer and all of them, price alone, different offers, no favourites."""

from __future__ import annotations

import tracemalloc
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from patronage.customize import deciding
from patronage.customize.budgeting import decide_all, used, used_of
from patronage.customize.deciding import Situation, decide
from patronage.customize.stocks import Stock
from patronage.govern.models import Boundary
from patronage.science.arbitration import Outcome, Reason


def made_up(*, seed: int, n: int = 400, offers: int = 6, channels: int = 2) -> Situation:
    """Any situation whatever, ties and unknowns among it."""
    random = np.random.default_rng(seed)
    k = offers * channels
    shape = (n, k)
    return Situation(
        eligible=random.choice(np.array([1, 1, 1, 0, -1], dtype=np.int8), shape),
        consented=random.random(shape) < 0.9,
        unfenced=random.random(shape) < 0.95,
        permitted=random.random(shape) < 0.9,
        within=random.random(shape) < 0.95,
        available=np.broadcast_to(random.random(k) < 0.95, shape),
        capped=random.random(shape) < 0.1,
        reserve=random.integers(1, 30, shape),
        budget_left=100_000,
        scarcity=random.integers(0, 3, k).astype(np.float64),
        price=0.0,
        response=random.integers(0, 20, shape) / 100,
        buys_anyway=random.random(shape),
        margin=random.integers(0, 4000, shape).astype(np.float64),
        redemption_cost=random.integers(0, 50, shape).astype(np.float64),
        preferred=random.integers(-3, 4, shape).astype(np.float64),
        contact_cost=random.integers(0, 3, k).astype(np.float64),
        fatigue=1.0,
        incrementality=0.3,
        held_out=random.random(n) < 0.1,
        tie_break=random.integers(0, 2**63, shape).astype(np.uint64),
        offer=np.repeat(np.arange(offers), channels),
    )


def one(situation: Situation, row: int) -> Situation:
    """The situation of one of the customers."""
    part = {
        each.name: getattr(situation, each.name)[row : row + 1]
        for each in fields(situation)
        if each.name not in ("contact_cost", "scarcity", "offer")
        and isinstance(getattr(situation, each.name), np.ndarray)
    }
    return replace(situation, **part)


@pytest.mark.parametrize("limit", [1, 3])
def test_deciding_all_is_deciding_each(limit: int) -> None:
    everybody = replace(made_up(seed=1), price=0.4)
    together = decide(everybody, limit)

    for row in range(len(everybody.held_out)):
        alone = decide(one(everybody, row), limit)
        assert alone.treatments[0].tolist() == together.treatments[row].tolist()
        assert alone.reasons[0].tolist() == together.reasons[row].tolist()
        assert alone.scores[0].tolist() == together.scores[row].tolist()
        assert alone.outcome[0] == together.outcome[row]


@pytest.mark.parametrize("limit", [1, 3])
def test_a_part_at_a_time_chooses_what_everybody_at_once_does(
    monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    everybody = replace(made_up(seed=1), price=0.4)
    at_once = decide(everybody, limit)

    monkeypatch.setattr(deciding, "CUSTOMERS_AT_ONCE", 57)
    in_parts = decide(everybody, limit)

    for each in fields(at_once):
        np.testing.assert_array_equal(getattr(in_parts, each.name), getattr(at_once, each.name))


def test_what_is_worked_out_on_the_way_takes_no_more_memory_for_more_customers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deciding, "CUSTOMERS_AT_ONCE", 500)

    def on_the_way(customers: int) -> int:
        situation = made_up(seed=4, n=customers)
        tracemalloc.start()
        chosen = decide(situation)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        kept = sum(int(getattr(chosen, each.name).nbytes) for each in fields(chosen))
        return peak - kept

    assert on_the_way(8_000) < 1.5 * on_the_way(2_000)


def test_several_treatments_are_of_different_offers() -> None:
    situation = made_up(seed=2)
    chosen = decide(situation, 3)

    for row in range(len(situation.held_out)):
        mine = [place for place in chosen.treatments[row].tolist() if place >= 0]
        offers = situation.offer[mine]
        assert len(set(offers.tolist())) == len(mine)
        won = np.isin(chosen.reasons[row], (Reason.CHOSEN, Reason.WITHHELD))
        assert sorted(mine) == np.flatnonzero(won).tolist()
    assert (chosen.treatments[:, 2] >= 0).any()


def test_the_first_of_several_is_the_one_chosen_alone() -> None:
    situation = made_up(seed=3)

    assert (decide(situation, 4).treatments[:, 0] == decide(situation).treatments[:, 0]).all()


def test_who_buys_anyway_earns_nothing_by_being_asked() -> None:
    """What they would have bought is no gain, and the coupon is paid for all the same."""
    made = made_up(seed=4)
    situation = replace(made, incrementality=0.0, preferred=np.zeros_like(made.preferred))

    assert (decide(situation).outcome == Outcome.NOTHING).all()


@pytest.mark.parametrize("share", [0.1, 0.4, 0.8])
@pytest.mark.parametrize("seed", [5, 6, 7])
def test_the_choice_at_the_price_fits_a_scarce_budget_and_is_nearly_the_best(
    seed: int, share: float
) -> None:
    free = made_up(seed=seed, n=1500)
    wanted = used(free, decide(free))
    scarce = replace(free, budget_left=int(share * wanted))

    priced = decide_all(scarce, seed=1)

    assert used(priced.situation, priced.chosen) <= scarce.budget_left
    assert priced.situation.price > 0
    assert 0 <= priced.certificate["gap"] < 0.01
    # The same price gives each customer the same, one at a time.
    for row in range(0, 1500, 50):
        alone = decide(one(priced.situation, row))
        assert alone.treatments[0, 0] == priced.chosen.treatments[row, 0]


@pytest.mark.parametrize("share", [0.3, 1.0])
@pytest.mark.parametrize("seed", [5, 6, 7])
def test_the_choice_at_the_prices_fits_budget_and_stocks_together(seed: int, share: float) -> None:
    free = made_up(seed=seed, n=1500)
    free = replace(free, scarcity=np.zeros(12), available=np.ones_like(free.capped))
    wanted = decide(free)
    stocks = [
        Stock(row=Boundary(id=f"bnd_{place}", name=str(place)), left=20 * place, takes=takes)
        for place, takes in enumerate((free.offer == 0, free.offer <= 2, free.offer >= 4), start=1)
    ]
    assert all(used_of(each, wanted) > each.left for each in stocks)
    scarce = replace(free, budget_left=int(share * used(free, wanted)))

    priced = decide_all(scarce, 1, stocks)

    assert used(priced.situation, priced.chosen) <= scarce.budget_left
    assert all(used_of(each, priced.chosen) <= each.left for each in stocks)
    assert any(each.price > 0 for each in priced.stocks)
    assert (priced.situation.price > 0) == (share < 0.5)
    assert 0 <= priced.certificate["gap"] < 0.03
    for row in range(0, 1500, 50):
        alone = decide(one(priced.situation, row))
        assert alone.treatments[0, 0] == priced.chosen.treatments[row, 0]


def test_choosing_without_the_price_overspends() -> None:
    """The broken twin: the same budget, nobody told what it is worth."""
    free = made_up(seed=5, n=1500)
    scarce = replace(free, budget_left=used(free, decide(free)) // 4)

    assert used(scarce, decide(scarce)) > scarce.budget_left


def test_an_ample_budget_costs_nothing() -> None:
    assert decide_all(made_up(seed=8), seed=1).situation.price == 0.0


def test_without_any_budget_nothing_that_costs_is_offered() -> None:
    priced = decide_all(replace(made_up(seed=9), budget_left=0), seed=1)

    assert not (priced.chosen.outcome == Outcome.OFFERED).any()


def test_customers_who_are_all_alike_keep_to_the_budget_too() -> None:
    alike = made_up(seed=10, n=1)
    open_to_all: dict[str, Any] = {
        "eligible": np.ones_like(alike.eligible),
        "consented": np.ones_like(alike.consented),
        "permitted": np.ones_like(alike.permitted),
        "capped": np.zeros_like(alike.capped),
        "held_out": np.array([False]),
    }
    rows = replace(alike, **open_to_all)
    repeated: dict[str, Any] = {
        each.name: np.repeat(getattr(rows, each.name), 300, axis=0)
        for each in fields(rows)
        if each.name not in ("contact_cost", "scarcity", "offer")
        and isinstance(getattr(rows, each.name), np.ndarray)
    }
    many = replace(rows, **repeated, budget_left=100)

    priced = decide_all(many, seed=1)

    assert used(priced.situation, priced.chosen) <= 100
