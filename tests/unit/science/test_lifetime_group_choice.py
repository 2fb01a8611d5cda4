"""A group has a model of its own only where its own outcomes carry it."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.unit.science.families import chance_days, regular_days

from patronage.science.lifetime import group_choice
from patronage.science.lifetime.backtest import Backtest, backtest
from patronage.science.lifetime.group_choice import (
    LEADS,
    NO_LEAD,
    TOO_LITTLE,
    GroupChoice,
    group_choices,
)
from patronage.science.lifetime.panel import IntArray, Panel
from patronage.science.lifetime.purchase_model import PURCHASE_MODELS
from patronage.science.lifetime.rolling import rolling_origins

TWO = {name: PURCHASE_MODELS[name] for name in ("Pareto/NBD", "CNBD-k")}
LAST = 539
Days = Callable[[int, int, np.random.Generator], NDArray[np.bool_]]


def found_of(kinds: Sequence[tuple[Days, int]]) -> tuple[Backtest, IntArray]:
    """A backtest of as many groups as kinds, and each customer's group."""
    rng = np.random.default_rng(3)
    who, day = np.nonzero(np.concatenate([kind(size, LAST + 1, rng) for kind, size in kinds]))
    panel = Panel.of(customer=who, day=day, spend=rng.gamma(2.0, 5.0, who.size))
    days = rolling_origins(panel, last_day=LAST, horizon_days=91, step_days=56)
    found = backtest(panel, days, models=TWO, challenger=False)
    return found, np.repeat(np.arange(len(kinds)), [size for _, size in kinds])


def chosen(found: Backtest, labels: IntArray) -> list[GroupChoice]:
    assert found.learnt is not None
    groups = {each.day: labels for each in found.origins}
    return list(
        group_choices(found.origins, groups, models=list(TWO), choice=found.learnt.champion)
    )


@pytest.fixture(scope="module")
def different() -> tuple[Backtest, IntArray]:
    return found_of([(regular_days, 700), (chance_days, 1200)])


def test_two_families_are_given_two_models(different: tuple[Backtest, IntArray]) -> None:
    regular, chance = chosen(*different)

    assert (regular.chosen, chance.chosen) == ("CNBD-k", "Pareto/NBD")
    assert {regular.reason, chance.reason} == {LEADS, NO_LEAD}
    for each in (regular, chance):
        assert each.customers == (700, 1200)[each.group]
        assert each.scores[each.chosen] == max(each.scores.values())
        assert each.happened + each.did_not == sum(
            int((labels_of(different, result.customers) == each.group).sum())
            for result in different[0].origins
        )


def labels_of(found: tuple[Backtest, IntArray], customers: IntArray) -> IntArray:
    return found[1][customers]


def test_who_is_alike_goes_with_everybody() -> None:
    found, labels = found_of([(chance_days, 900), (chance_days, 900)])
    assert found.learnt is not None

    assert [each.chosen for each in chosen(found, labels)] == [found.learnt.champion] * 2
    assert {each.reason for each in chosen(found, labels)} == {NO_LEAD}


def test_customers_mixed_at_random_choose_nothing(different: tuple[Backtest, IntArray]) -> None:
    """Many groups, none of them special: no interval of all of them lies above 0."""
    found, labels = different
    assert found.learnt is not None
    mixed = np.random.default_rng(8).integers(0, 6, labels.size)

    assert {each.chosen for each in chosen(found, mixed)} == {found.learnt.champion}


def test_few_customers_or_few_dates_choose_nothing(
    different: tuple[Backtest, IntArray], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, labels = different
    assert found.learnt is not None
    (own,) = [each for each in chosen(found, labels) if each.reason == LEADS]
    few = np.where((labels == own.group) & (np.arange(labels.size) % 10 == 0), 0, -1)
    (found_few,) = chosen(found, few)
    groups = {each.day: np.full_like(labels, -1) for each in found.origins}
    groups |= {each.day: labels for each in found.origins[-2:]}
    late = group_choices(found.origins, groups, models=list(TWO), choice=found.learnt.champion)

    assert (found_few.customers, found_few.reason) == (70, TOO_LITTLE)
    assert {each.reason for each in late} == {TOO_LITTLE}
    assert {each.chosen for each in late} == {found.learnt.champion}
    monkeypatch.setattr(group_choice, "FEWEST_ORIGINS", 1)
    again = group_choices(found.origins, groups, models=list(TWO), choice=found.learnt.champion)
    assert TOO_LITTLE not in {each.reason for each in again}
