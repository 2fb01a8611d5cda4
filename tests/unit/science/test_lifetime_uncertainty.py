"""Bootstrapped parameters and predictive intervals hold the truth as often as they say."""

import numpy as np
import pytest
from numpy.typing import NDArray

from patronage.science.lifetime import Cells, InvalidParameter, NotIdentified, ParetoNBD
from patronage.science.lifetime.bootstrap import bootstrap
from patronage.science.lifetime.intervals import (
    moments_over,
    purchase_interval,
    total_interval,
)
from patronage.science.lifetime.pareto_nbd_refits import ParetoNBDRefits

FloatArray = NDArray[np.float64]
#: rates that a few hundred customers tell apart
TRUTH = ParetoNBD.from_parameters(r=1.2, alpha=12.0, s=1.6, beta=120.0)


def base(
    n: int, rng: np.random.Generator, days: int = 300
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Customers of the true model in whole days, so that cells and tables are at work."""
    nobody = np.zeros(n)
    future = TRUTH.simulate(nobody, nobody, nobody, days=days, rng=rng)
    recency = np.ceil(future.recency)
    return np.minimum(future.frequency, recency), recency, future.age


def cells_of(histories: tuple[FloatArray, FloatArray, FloatArray]) -> Cells:
    return Cells.from_customers(frequency=histories[0], recency=histories[1], age=histories[2])


def columns_of(cells: Cells) -> tuple[FloatArray, FloatArray, FloatArray]:
    return cells.frequency, cells.recency, cells.age


def test_the_spread_of_refits_is_the_standard_error() -> None:
    cells = cells_of(base(2500, np.random.default_rng(1)))
    drawn = bootstrap(cells, ParetoNBD, refits=50, rng=np.random.default_rng(2))
    assert (len(drawn.models), drawn.failed) == (50, 0)
    assert isinstance(drawn.fitted, ParetoNBD)
    for name in ("r", "alpha", "s", "beta"):
        spread = np.std([np.log(getattr(parameters, name)) for parameters in drawn.parameters])
        error = getattr(drawn.fitted.standard_errors, name) / getattr(drawn.fitted.parameters, name)
        # the standard error of a standard deviation of 50 draws is 10 % of it
        assert spread == pytest.approx(error, rel=0.35), name
        low, high = drawn.interval(name)
        assert low < getattr(drawn.fitted.parameters, name) < high


def test_threads_change_no_draw() -> None:
    cells = cells_of(base(400, np.random.default_rng(3), days=150))
    alone, side_by_side = (
        bootstrap(cells, ParetoNBD, refits=6, rng=np.random.default_rng(4), threads=threads)
        for threads in (1, 3)
    )
    assert alone.parameters == side_by_side.parameters


@pytest.mark.parametrize("unit", [1.0, 7.0])
def test_a_refit_is_the_fit_to_the_drawn_customers(unit: float) -> None:
    x, t_x, T = base(2000, np.random.default_rng(5))
    cells = cells_of((x, t_x / unit, T / unit))
    weight = np.random.default_rng(6).poisson(cells.weight).astype(np.float64)
    by_refit = ParetoNBDRefits.of(ParetoNBD.fit(cells), cells).refit(weight)
    assert by_refit is not None
    repeated = np.repeat(np.arange(cells.size), weight.astype(np.intp))
    columns = (cells.frequency, cells.recency, cells.age)
    x, t_x, T = (column[repeated] for column in columns)
    directly = ParetoNBD.fit(cells_of((x, t_x, T)))
    for name in ("r", "alpha", "s", "beta"):
        assert getattr(by_refit.parameters, name) == pytest.approx(
            getattr(directly.parameters, name), rel=1e-5
        )


def test_a_base_that_tells_parameters_apart_by_chance_only_is_refused() -> None:
    cells = Cells.from_customers(
        frequency=[0, 0, 0, 0, 1], recency=[0, 0, 0, 0, 5], age=[10, 20, 30, 40, 50]
    )
    with pytest.raises(NotIdentified):
        bootstrap(cells, ParetoNBD, refits=5, rng=np.random.default_rng(7))


def test_the_total_is_spread_by_chance_and_by_what_is_not_known_of_the_parameters() -> None:
    """The spread over refits is that of the delta method; how often the interval holds the total
    is counted by benchmarks/lifetime_coverage.py."""
    histories = base(2500, np.random.default_rng(8))
    cells = cells_of(histories)
    drawn = bootstrap(cells, ParetoNBD, refits=50, rng=np.random.default_rng(9))
    total = total_interval(
        drawn.models, *columns_of(cells), weights=cells.weight, horizon_days=1000
    )
    refits = ParetoNBDRefits.of(ParetoNBD.fit(cells), cells)
    assert refits.inverse is not None

    def expected(logs: FloatArray) -> float:
        r, alpha, s, beta = np.exp(logs).tolist()
        model = ParetoNBD.from_parameters(r=r, alpha=alpha, s=s, beta=beta)
        found = model.expected_purchases(*columns_of(cells), horizon_days=1000)
        return float(found @ cells.weight)

    slopes = [
        (expected(refits.peak + step) - expected(refits.peak - step)) / 0.02
        for step in 0.01 * np.eye(4)
    ]
    by_delta = np.sqrt(slopes @ refits.inverse @ slopes / cells.customers)
    # 50 refits tell a spread to 10 % of it
    assert total.spread_of_parameters == pytest.approx(by_delta, rel=0.35)
    known = total_interval(
        [drawn.fitted], *columns_of(cells), weights=cells.weight, horizon_days=1000
    )
    assert known.spread_of_parameters == 0.0
    assert total.high - total.low > 1.2 * (known.high - known.low)


def test_intervals_of_a_total_are_the_quantiles_of_simulated_totals() -> None:
    rng, customers, repeats = np.random.default_rng(10), 150, 800
    other = ParetoNBD.from_parameters(r=1.2, alpha=12.0, s=1.6, beta=90.0)
    x, t_x, T = base(customers, rng)
    copies = [np.tile(column, repeats) for column in (x, t_x, T)]
    draws = [model.simulate(*copies, days=500, rng=rng).purchases for model in (TRUTH, other)]
    totals = np.concatenate([draw.reshape(repeats, customers).sum(axis=1) for draw in draws])
    interval = total_interval([TRUTH, other], x, t_x, T, horizon_days=500)
    assert interval.mean == pytest.approx(totals.mean(), rel=0.03)
    assert (totals < interval.low).mean() == pytest.approx(0.05, abs=0.02)
    assert (totals > interval.high).mean() == pytest.approx(0.05, abs=0.02)


def test_intervals_of_customers_hold_what_they_buy() -> None:
    rng = np.random.default_rng(9)
    histories = base(4000, rng)
    moments = moments_over([TRUTH], *histories, horizon_days=180)
    bounds = purchase_interval(moments)
    bought = TRUTH.simulate(*histories, days=180, rng=rng).purchases
    within = (bounds.low <= bought) & (bought <= bounds.high)
    assert 0.89 < within.mean() < 0.99
    buyers = moments.mean > 3
    assert 0.87 < within[buyers].mean() < 0.97
    narrow = purchase_interval(moments, level=0.5)
    assert np.all(narrow.high <= bounds.high)
    assert ((narrow.low <= bought) & (bought <= narrow.high))[buyers].mean() < 0.75


def test_moments_over_models_add_the_spread_between_them() -> None:
    other = ParetoNBD.from_parameters(r=1.6, alpha=40.0, s=1.5, beta=400.0)
    one, two = (model.purchase_moments(3, 90, 200, horizon_days=365) for model in (TRUTH, other))
    both = moments_over([TRUTH, other], 3, 90, 200, horizon_days=365)
    assert both.mean[0] == pytest.approx((one.mean[0] + two.mean[0]) / 2)
    within = (one.variance[0] + two.variance[0]) / 2
    between = ((one.mean[0] - two.mean[0]) / 2) ** 2
    assert both.variance[0] == pytest.approx(within + between)


def test_totals_of_nobody_and_of_nothing_are_answered() -> None:
    empty = total_interval([TRUTH], 3, 90, 200, horizon_days=0)
    assert (empty.mean, empty.low, empty.high) == (0.0, 0.0, 0.0)
    one = total_interval([TRUTH], 0, 0, 700, horizon_days=30)
    assert one.low == 0.0
    weighted = total_interval([TRUTH], [3, 0], [90, 0], [200, 9], weights=[5, 0], horizon_days=99)
    repeated = total_interval([TRUTH], [3] * 5, [90] * 5, [200] * 5, horizon_days=99)
    assert weighted.high == pytest.approx(repeated.high)
    assert weighted.spread_of_parameters == 0.0


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(InvalidParameter, match="models is empty"):
        total_interval([], 3, 90, 200, horizon_days=30)
    with pytest.raises(InvalidParameter, match="models is empty"):
        moments_over([], 3, 90, 200, horizon_days=30)
    with pytest.raises(InvalidParameter, match="level"):
        total_interval([TRUTH], 3, 90, 200, horizon_days=30, level=1.0)
    with pytest.raises(InvalidParameter, match="weights"):
        total_interval([TRUTH], 3, 90, 200, horizon_days=30, weights=-1.0)
