"""Look-up by whole days answers exactly what direct integration answers, for very many cells."""

from dataclasses import replace

import numpy as np
import pytest

from patronage.science.lifetime import Cells, ParetoNBD, pareto_nbd_day_rows
from patronage.science.lifetime.pareto_nbd_day_tables import DayTables
from patronage.science.lifetime.pareto_nbd_likelihood import Shape, weighted_log_likelihood

SHAPES = [
    Shape(r=0.8, alpha=40.0, s=1.5, beta=400.0),
    Shape(r=2.0, alpha=4.0, s=0.3, beta=20.0),
    Shape(r=0.1, alpha=500.0, s=300.0, beta=1e6),
    Shape(r=30.0, alpha=900.0, s=0.02, beta=3.0),
]


def whole_day_customers(n: int, seed: int) -> Cells:
    rng = np.random.default_rng(seed)
    rate = rng.gamma(0.8, 1 / 40.0, n)
    lifetime = rng.exponential(1 / rng.gamma(1.5, 1 / 400.0, n))
    age = rng.integers(0, 365, n).astype(np.float64)
    seen = np.minimum(lifetime, age)
    x = rng.poisson(rate * seen)
    t_x = np.where(x > 0, np.ceil(seen * rng.beta(np.maximum(x, 1), 1.0)), 0.0)
    return Cells.from_customers(frequency=np.minimum(x, t_x), recency=t_x, age=age)


@pytest.fixture(scope="module")
def cells() -> Cells:
    return whole_day_customers(20_000, seed=1)


def directly(shape: Shape, cells: Cells) -> tuple[float, np.ndarray]:
    return weighted_log_likelihood(shape, cells.frequency, cells.recency, cells.age, cells.weight)


@pytest.mark.parametrize("shape", SHAPES)
def test_look_up_equals_direct_integration(cells: Cells, shape: Shape) -> None:
    tables = DayTables.of(cells)
    assert tables is not None
    assert tables.rows.resolved(shape).all()
    value, slopes = tables.weighted_log_likelihood(shape)
    direct, direct_slopes = directly(shape, cells)
    assert value == pytest.approx(direct, rel=1e-11)
    np.testing.assert_allclose(slopes, direct_slopes, rtol=0, atol=1e-10 * cells.customers)


@pytest.mark.parametrize(
    "shape",
    [
        Shape(r=0.05, alpha=0.01, s=0.5, beta=0.02),
        Shape(r=9.0, alpha=1.5, s=4.0, beta=2.0),
        Shape(r=990.0, alpha=20.0, s=1.0, beta=30.0),
    ],
)
def test_frequencies_too_steep_for_look_up_are_integrated(cells: Cells, shape: Shape) -> None:
    tables = DayTables.of(cells)
    assert tables is not None
    assert not tables.rows.resolved(shape).all()
    value, slopes = tables.weighted_log_likelihood(shape)
    direct, direct_slopes = directly(shape, cells)
    assert value == pytest.approx(direct, rel=1e-11)
    np.testing.assert_allclose(slopes, direct_slopes, rtol=1e-9, atol=1e-9 * cells.customers)


def test_look_up_alone_would_be_wrong_there(cells: Cells, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the check of what the nodes resolve, the test above would fail."""
    tables = DayTables.of(cells)
    assert tables is not None
    steep = Shape(r=0.05, alpha=0.01, s=0.5, beta=0.02)
    everything = np.ones(tables.rows.frequencies.size, dtype=np.bool_)
    monkeypatch.setattr(pareto_nbd_day_rows.DayRows, "resolved", lambda *_: everything)
    value, _ = tables.weighted_log_likelihood(steep)
    assert abs(value / directly(steep, cells)[0] - 1) > 1e-6


def test_frequencies_of_few_customers_are_integrated_beside_the_others(cells: Cells) -> None:
    rare = Cells.from_customers(
        frequency=np.append(cells.frequency, [300.0, 301.0, 364.0]),
        recency=np.append(cells.recency, [310.0, 364.0, 364.0]),
        age=np.append(cells.age, [364.0, 364.0, 364.0]),
        weights=np.append(cells.weight, [2.0, 1.0, 1.0]),
    )
    tables = DayTables.of(rare)
    assert tables is not None
    assert 0 < tables.row.size < rare.size
    value, slopes = tables.weighted_log_likelihood(SHAPES[0])
    direct, direct_slopes = directly(SHAPES[0], rare)
    assert value == pytest.approx(direct, rel=1e-11)
    np.testing.assert_allclose(slopes, direct_slopes, rtol=0, atol=1e-10 * rare.customers)


def test_other_weights_on_the_same_cells(cells: Cells) -> None:
    weight = np.random.default_rng(2).poisson(1.0, cells.size) * cells.weight
    tables = DayTables.of(cells)
    assert tables is not None
    value, _ = tables.reweighted(weight).weighted_log_likelihood(SHAPES[0])
    assert value == pytest.approx(directly(SHAPES[0], replace(cells, weight=weight))[0], rel=1e-11)


def test_look_up_needs_whole_days_and_enough_of_them(cells: Cells) -> None:
    fractional = Cells.from_customers(
        frequency=cells.frequency, recency=cells.recency / 7, age=cells.age / 7
    )
    few = Cells.from_customers(frequency=[0, 1, 2], recency=[0, 5, 9], age=[3000, 3000, 3000])
    assert DayTables.of(fractional) is None
    assert DayTables.of(few) is None


def test_both_routes_lead_to_the_same_fit() -> None:
    cells = whole_day_customers(4_000, seed=3)
    assert DayTables.of(cells) is not None
    by_day = ParetoNBD.fit(cells)
    in_fractions = ParetoNBD.fit(
        Cells.from_customers(
            frequency=cells.frequency,
            recency=cells.recency / 7,
            age=cells.age / 7,
            weights=cells.weight,
        )
    )
    assert by_day.converged
    weekly = by_day.parameters_per(days=7)
    for name in ("r", "alpha", "s", "beta"):
        assert getattr(weekly, name) == pytest.approx(
            getattr(in_fractions.parameters, name), rel=1e-6
        )
    assert by_day.log_likelihood_per(days=7) == pytest.approx(
        in_fractions.log_likelihood, rel=1e-10
    )
