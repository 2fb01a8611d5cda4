"""Small segments are pulled towards the base, large ones keep their own parameters."""

from collections.abc import Mapping
from dataclasses import asdict, astuple

import numpy as np
import pytest

from patronage.science.lifetime import (
    Cells,
    CNBDk,
    InconsistentHistory,
    NotIdentified,
    ParetoNBD,
    SegmentFits,
    fit_segments,
)
from patronage.science.lifetime.segment_objectives import _by_differences, segment_objective
from patronage.science.lifetime.segments import pooled

BASE = ParetoNBD.from_parameters(r=0.9, alpha=9.0, s=0.8, beta=20.0)
WEEKS = 40
SIZES = (50, 50, 50, 50, 300, 300, 300, 2000, 9000)
#: standard deviation of the true log-parameters between segments
SPREAD = np.array([0.4, 0.6, 0.2, 0.2])


def customers_of(model: ParetoNBD, customers: int, rng: np.random.Generator) -> Cells:
    """New customers over their first weeks, times rounded up to whole weeks."""
    new = np.zeros(customers)
    seen = model.simulate(new, new, new, days=WEEKS, rng=rng)
    return Cells.from_customers(
        frequency=seen.frequency, recency=np.ceil(seen.recency), age=seen.age
    )


def truths(rng: np.random.Generator) -> dict[str, ParetoNBD]:
    away = rng.normal(0.0, SPREAD, (len(SIZES), 4))
    points = np.exp(np.log(astuple(BASE.parameters)) + away)
    names = ("r", "alpha", "s", "beta")
    models = [
        ParetoNBD.from_parameters(**dict(zip(names, point, strict=True)))
        for point in points.tolist()
    ]
    return {f"segment {at}": model for at, model in enumerate(models)}


@pytest.fixture(scope="module")
def world() -> tuple[Mapping[str, ParetoNBD], Mapping[str, Cells]]:
    rng = np.random.default_rng(41)
    models = truths(rng)
    cells = {
        name: customers_of(model, size, rng)
        for (name, model), size in zip(models.items(), SIZES, strict=True)
    }
    return models, cells


@pytest.fixture(scope="module")
def fits(world: tuple[Mapping[str, ParetoNBD], Mapping[str, Cells]]) -> SegmentFits[ParetoNBD]:
    return fit_segments(ParetoNBD, world[1])


def log_expected(model: ParetoNBD) -> float:
    return float(np.log(model.expected_purchases_new_customer(horizon_days=WEEKS)))


def test_segments_are_closer_to_the_truth_than_the_base_and_than_their_own_fits(
    world: tuple[Mapping[str, ParetoNBD], Mapping[str, Cells]], fits: SegmentFits[ParetoNBD]
) -> None:
    errors: dict[str, list[float]] = {"shrunken": [], "base": [], "own": []}
    for name, truth in world[0].items():
        segment = fits.segments[name]
        own = segment.own if segment.own is not None else fits.base
        for kind, model in (("shrunken", segment.model), ("base", fits.base), ("own", own)):
            x, t_x = np.array([0, 2, 8]), np.array([0, 20, 38])
            asked = model.expected_purchases(x, t_x, WEEKS, horizon_days=52)
            right = truth.expected_purchases(x, t_x, WEEKS, horizon_days=52)
            errors[kind].append(float(np.mean(np.log(asked / right) ** 2)))
    mean = {kind: float(np.mean(values)) for kind, values in errors.items()}
    assert mean["shrunken"] < 0.8 * mean["base"], mean
    assert mean["shrunken"] < 0.8 * mean["own"], mean


def test_small_segments_lean_on_the_base_and_large_ones_on_themselves(
    fits: SegmentFits[ParetoNBD],
) -> None:
    weights = [fits.segments[f"segment {at}"].own_weight for at in range(len(SIZES))]
    assert max(weights[:4]) < min(weights[-2:])
    assert np.mean(weights[:4]) < np.mean(weights[4:7]) < np.mean(weights[-2:])
    large = fits.segments["segment 8"]
    assert large.own is not None
    assert log_expected(large.model) == pytest.approx(log_expected(large.own), abs=0.01)
    assert large.model.converged
    assert all(segment.model.converged for segment in fits.segments.values())


def test_the_spread_between_segments_is_found(fits: SegmentFits[ParetoNBD]) -> None:
    """Nine segments know a spread within a factor of two, no better."""
    for name, true in (("r", SPREAD[0]), ("alpha", SPREAD[1])):
        assert true / 2 < fits.spread[name] < 2 * true, fits.spread


def test_segments_that_do_not_differ_stay_at_the_base() -> None:
    rng = np.random.default_rng(42)
    cells = {str(at): customers_of(BASE, 1500, rng) for at in range(4)}
    fits = fit_segments(ParetoNBD, cells)
    own_away, away = [], []
    for segment in fits.segments.values():
        away.append(abs(log_expected(segment.model) - log_expected(fits.base)))
        if segment.own is not None:
            own_away.append(abs(log_expected(segment.own) - log_expected(fits.base)))
    assert np.mean(away) < 0.6 * np.mean(own_away)
    assert fits.spread["alpha"] < SPREAD[1] / 2


def test_a_segment_that_cannot_be_fitted_alone_has_an_answer(
    world: tuple[Mapping[str, ParetoNBD], Mapping[str, Cells]],
) -> None:
    few = {"segment 5", "segment 6", "segment 7"}
    cells = {name: cells for name, cells in world[1].items() if name in few}
    cells["one-time buyers"] = Cells.from_customers(frequency=[0] * 5, recency=0, age=[9] * 5)
    cells["one customer"] = Cells.from_customers(frequency=[15], recency=[39], age=[40])
    fits = fit_segments(ParetoNBD, cells)
    assert fits.segments["one-time buyers"].own is None
    assert fits.segments["one customer"].own is None
    for name in ("one-time buyers", "one customer"):
        assert fits.segments[name].model.converged
        assert fits.segments[name].own_weight < 0.5
    busy, idle = (fits.segments[name].model for name in ("one customer", "one-time buyers"))
    assert log_expected(busy) > log_expected(fits.base) > log_expected(idle)


def test_another_purchase_model_has_segments_too(
    world: tuple[Mapping[str, ParetoNBD], Mapping[str, Cells]],
) -> None:
    """What is a whole number, such as its stages, stays the base's."""
    few = {name: cells for name, cells in world[1].items() if cells.customers in (50, 2000)}
    base = CNBDk.fit(pooled(few), k=2, dropout_at_first=True)
    fits = fit_segments(CNBDk, few, base=base)
    for segment in fits.segments.values():
        assert segment.model.converged
        assert segment.model.parameters.k == 2
    large = fits.segments["segment 7"]
    assert large.own is not None
    first = [
        one.expected_purchases_new_customer(horizon_days=WEEKS)
        for one in (fits.base, large.model, large.own)
    ]
    assert abs(np.log(first[1] / first[2])) < 0.2 * abs(np.log(first[0] / first[2]))


def test_another_unit_of_time_changes_no_answer(
    world: tuple[Mapping[str, ParetoNBD], Mapping[str, Cells]],
) -> None:
    few = {name: cells for name, cells in world[1].items() if cells.customers == 300}
    in_days = {
        name: Cells.from_customers(
            frequency=cells.frequency,
            recency=7 * cells.recency,
            age=7 * cells.age,
            weights=cells.weight,
        )
        for name, cells in few.items()
    }
    fits, again = fit_segments(ParetoNBD, few), fit_segments(ParetoNBD, in_days)
    for name, segment in fits.segments.items():
        expected = asdict(segment.model.parameters)
        found = asdict(again.segments[name].model.parameters_per(days=7))
        assert found == pytest.approx(expected, rel=1e-4)


def test_the_likelihood_of_a_segment_has_one_gradient_however_it_is_taken() -> None:
    """Exactly and by differences, also where the base has a parameter at its limit."""
    rng = np.random.default_rng(44)
    cells = customers_of(BASE, 300, rng)
    geometric = CNBDk.from_parameters(k=2, dropout_at_first=1, r=0.8, alpha=4.0, a=0.7, b=2.0)
    for base, names in (
        (BASE, ("r", "alpha", "s", "beta")),
        (BASE, ("r", "alpha", "beta")),
        (geometric, ("r", "alpha", "a", "b")),
        (geometric, ("alpha", "b")),
    ):
        values = asdict(base.parameters)
        point = np.log([values[name] for name in names]) + 0.1
        exact = segment_objective(base, cells, names)(point)
        rough = _by_differences(base, cells, names)(point)
        assert exact[0] == pytest.approx(rough[0], rel=1e-10)
        np.testing.assert_allclose(exact[1], rough[1], atol=1e-6)


def test_one_segment_does_not_say_how_segments_differ() -> None:
    rng = np.random.default_rng(43)
    with pytest.raises(NotIdentified, match="1 of 1 segments"):
        fit_segments(ParetoNBD, {"all": customers_of(BASE, 2000, rng)})
    with pytest.raises(InconsistentHistory, match="No customers"):
        fit_segments(ParetoNBD, {})
    idle = Cells.from_customers(frequency=0, recency=0, age=[5, 6])
    with pytest.raises(NotIdentified, match="bought again"):
        fit_segments(ParetoNBD, {"a": idle, "b": idle})
