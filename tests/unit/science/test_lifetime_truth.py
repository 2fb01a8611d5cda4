"""On customers simulated from the model, what is fitted and expected is what is true."""

import numpy as np
import pytest

from patronage.science.lifetime import Cells, ParetoNBD

TRUTH = ParetoNBD.from_parameters(r=0.8, alpha=40.0, s=1.5, beta=400.0)
N = 100_000
DAYS = 1095


@pytest.fixture(scope="module")
def world() -> dict[str, np.ndarray]:
    """Whole-day histories; who is alive; purchases in three years by the same rates."""
    rng = np.random.default_rng(21)
    T = rng.integers(1, 730, N).astype(np.float64)
    rate = rng.gamma(0.8, 1 / 40.0, N)
    lifetime = rng.exponential(1 / rng.gamma(1.5, 1 / 400.0, N))
    x = rng.poisson(rate * np.minimum(lifetime, T))
    seen = np.minimum(lifetime, T)
    t_x = np.where(x > 0, np.ceil(seen * rng.beta(np.maximum(x, 1), 1.0)), 0.0)
    future = rng.poisson(rate * np.clip(lifetime - T, 0.0, DAYS))
    return {
        "x": np.minimum(x, t_x),
        "t_x": t_x,
        "T": T,
        "alive": lifetime > T,
        "future": future.astype(np.float64),
    }


@pytest.fixture(scope="module")
def fitted(world: dict[str, np.ndarray]) -> ParetoNBD:
    return ParetoNBD.fit(
        Cells.from_customers(frequency=world["x"], recency=world["t_x"], age=world["T"])
    )


def histories(world: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return world["x"], world["t_x"], world["T"]


def furthest_decile(model: ParetoNBD, world: dict[str, np.ndarray]) -> float:
    """Of the deciles by P(alive): the largest distance from who is alive, in standard errors."""
    expected = model.probability_alive(*histories(world))
    distances = []
    for rows in np.array_split(np.argsort(expected), 10):
        share = expected[rows].mean()
        error = np.sqrt((expected[rows] * (1 - expected[rows])).sum()) / rows.size
        distances.append(abs(share - world["alive"][rows].mean()) / error)
    return float(max(distances))


def test_as_many_are_alive_in_each_decile_as_expected(
    world: dict[str, np.ndarray], fitted: ParetoNBD
) -> None:
    assert fitted.converged
    assert furthest_decile(TRUTH, world) < 4
    # the fit's own error comes on top
    assert furthest_decile(fitted, world) < 7


def test_another_model_misses_the_deciles(world: dict[str, np.ndarray]) -> None:
    wrong = ParetoNBD.from_parameters(r=0.8, alpha=40.0, s=1.5, beta=300.0)
    assert furthest_decile(wrong, world) > 10


def test_three_years_bring_as_many_purchases_as_expected(
    world: dict[str, np.ndarray], fitted: ParetoNBD
) -> None:
    moments = TRUTH.purchase_moments(*histories(world), horizon_days=DAYS)
    bought = world["future"].sum()
    assert abs(moments.mean.sum() - bought) < 4 * np.sqrt(moments.variance.sum())
    expected = fitted.expected_purchases(*histories(world), horizon_days=DAYS).sum()
    assert expected == pytest.approx(bought, rel=0.04)
