"""Many customers at once cost a fraction of what each would cost alone.

Times are compared within one process, with wide margins; benchmarks/lifetime.py prints them.
"""

import time
from collections.abc import Callable

import numpy as np
import pytest

from patronage.science.lifetime import Cells, ParetoNBD, cells
from patronage.science.lifetime.pareto_nbd_day_tables import DayTables
from patronage.science.lifetime.pareto_nbd_likelihood import Shape, weighted_log_likelihood
from patronage.science.lifetime.pareto_nbd_scoring import WholeDays

MODEL = ParetoNBD.from_parameters(r=0.8, alpha=40.0, s=1.5, beta=400.0)
SHAPE = Shape(r=0.8, alpha=40.0, s=1.5, beta=400.0)
N = 100_000


def processor_seconds(work: Callable[[], object]) -> float:
    """The least of three, since whatever else the machine does only adds."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


@pytest.fixture(scope="module")
def customers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    T = rng.integers(1, 730, N).astype(np.float64)
    rate = rng.gamma(0.8, 1 / 40.0, N)
    seen = np.minimum(rng.exponential(1 / rng.gamma(1.5, 1 / 400.0, N)), T)
    x = rng.poisson(rate * seen)
    t_x = np.where(x > 0, np.ceil(seen * rng.beta(np.maximum(x, 1), 1.0)), 0.0)
    return np.minimum(x, t_x), t_x, T


def test_scoring_by_tables_costs_a_fraction_of_integration(
    customers: tuple[np.ndarray, np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_tables = processor_seconds(
        lambda: MODEL.probability_of_purchase(*customers, horizon_days=91)
    )
    monkeypatch.setattr(WholeDays, "of", lambda *_: None)
    directly = processor_seconds(lambda: MODEL.probability_of_purchase(*customers, horizon_days=91))
    assert directly > 4 * by_tables


def test_a_likelihood_by_tables_costs_a_fraction_of_integration(
    customers: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    x, t_x, T = customers
    base = Cells.from_customers(frequency=x, recency=t_x, age=T)
    tables = DayTables.of(base)
    assert tables is not None
    by_tables = processor_seconds(lambda: tables.weighted_log_likelihood(SHAPE))
    columns = (base.frequency, base.recency, base.age, base.weight)
    directly = processor_seconds(lambda: weighted_log_likelihood(SHAPE, *columns))
    assert directly > 4 * by_tables


def test_cells_of_whole_days_cost_a_fraction_of_sorting_rows(
    customers: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    x, t_x, T = customers
    one_each = np.ones(N)
    by_keys = processor_seconds(lambda: cells._distinct(x, t_x, T, None))
    by_rows = processor_seconds(lambda: cells._distinct_fractions(x, t_x, T, one_each))
    assert by_rows > 2 * by_keys
