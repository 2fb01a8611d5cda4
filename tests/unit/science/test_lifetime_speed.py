"""A million customers are ordinary: fitted and scored in seconds of processor time."""

import time
from collections.abc import Callable

import numpy as np
import pytest

from patronage.science.lifetime import Cells, ParetoNBD

MODEL = ParetoNBD.from_parameters(r=0.8, alpha=40.0, s=1.5, beta=400.0)


def processor_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def customers(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    T = rng.integers(1, 730, n).astype(np.float64)
    rate = rng.gamma(0.8, 1 / 40.0, n)
    seen = np.minimum(rng.exponential(1 / rng.gamma(1.5, 1 / 400.0, n)), T)
    x = rng.poisson(rate * seen)
    t_x = np.where(x > 0, np.ceil(seen * rng.beta(np.maximum(x, 1), 1.0)), 0.0)
    return np.minimum(x, t_x), t_x, T


def test_two_and_a_half_thousand_customers_are_fitted_within_a_second() -> None:
    x, t_x, T = customers(2_500)
    cells = Cells.from_customers(frequency=x, recency=t_x, age=T)
    assert processor_seconds(lambda: ParetoNBD.fit(cells)) < 1.0


@pytest.mark.parametrize("days", [1, 7])
def test_a_million_customers_are_scored_within_seconds(days: int) -> None:
    x, t_x, T = customers(1_000_000)
    seconds = processor_seconds(
        lambda: MODEL.purchase_moments(
            x, t_x / days, T / days, horizon_days=1095, annual_discount_rate=0.10
        )
    )
    assert seconds < 5.0


def test_a_million_customers_in_whole_days_are_fitted_within_seconds() -> None:
    x, t_x, T = customers(1_000_000)
    cells = Cells.from_customers(frequency=x, recency=t_x, age=T)
    assert processor_seconds(lambda: ParetoNBD.fit(cells)) < 10.0
