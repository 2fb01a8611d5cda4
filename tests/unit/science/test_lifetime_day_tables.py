"""Look-up by whole days answers exactly what direct integration answers, for very many cells."""

import numpy as np
import pytest

from patronage.science.lifetime import Cells, ParetoNBD
from patronage.science.lifetime.pareto_nbd_day_tables import DayTables
from patronage.science.lifetime.pareto_nbd_likelihood import Shape, weighted_log_likelihood


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
    return whole_day_customers(60_000, seed=1)


@pytest.mark.parametrize(
    "shape",
    [
        Shape(r=0.8, alpha=40.0, s=1.5, beta=400.0),
        Shape(r=2.0, alpha=4.0, s=0.3, beta=20.0),
        Shape(r=0.1, alpha=500.0, s=300.0, beta=1e6),
        Shape(r=30.0, alpha=900.0, s=0.02, beta=3.0),
    ],
)
def test_look_up_equals_direct_integration(cells: Cells, shape: Shape) -> None:
    tables = DayTables.of(cells)
    assert tables is not None
    assert tables.are_exact_at(shape)
    value, slopes = tables.weighted_log_likelihood(shape)
    direct, direct_slopes = weighted_log_likelihood(
        shape, cells.frequency, cells.recency, cells.age, cells.weight
    )
    assert value == pytest.approx(direct, rel=1e-9)
    np.testing.assert_allclose(slopes, direct_slopes, rtol=0, atol=1e-8 * cells.customers)


def test_look_up_knows_where_it_would_be_wrong(cells: Cells) -> None:
    tables = DayTables.of(cells)
    assert tables is not None
    steep = Shape(r=0.05, alpha=0.01, s=0.5, beta=0.02)
    assert not tables.are_exact_at(steep)
    value, _ = tables.weighted_log_likelihood(steep)
    direct, _ = weighted_log_likelihood(
        steep, cells.frequency, cells.recency, cells.age, cells.weight
    )
    assert abs(value / direct - 1) > 1e-6


def test_look_up_needs_whole_days_and_enough_of_them(cells: Cells) -> None:
    fractional = Cells.from_customers(
        frequency=cells.frequency, recency=cells.recency / 7, age=cells.age / 7
    )
    few = Cells.from_customers(frequency=[0, 1, 2], recency=[0, 5, 9], age=[3000, 3000, 3000])
    assert DayTables.of(fractional) is None
    assert DayTables.of(few) is None


def test_both_routes_lead_to_the_same_fit(cells: Cells) -> None:
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
