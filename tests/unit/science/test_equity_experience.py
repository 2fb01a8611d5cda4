"""If the model is true, nobody can show experience: on simulated customers it averages nothing.

Calibrated or not: the curve multiplies what is expected of a calendar day, whenever it is looked
at, so that it cannot make experience out of nothing.
"""

import numpy as np
import pytest
from benchmarks.experience import (
    ANNUAL,
    GROWTH,
    HORIZON,
    QUARTER,
    STEPS,
    TRUTH,
    Seen,
    bridged,
    errors_from_zero,
    simulate,
)
from numpy.typing import NDArray

from patronage.science.equity import BridgeLines, Levels, luck_band, sum_by, variance_of_draws
from patronage.science.lifetime import Calibration, ParetoNBD, calibrated_purchases

FloatArray = NDArray[np.float64]


def bridge_of(
    model: ParetoNBD, n: int, seed: int, curve: Calibration | None = None
) -> tuple[BridgeLines, Levels]:
    """The quarter's bridge of simulated customers under one model."""
    return bridged(model, curve or Calibration.identity(), *simulate(n, seed))


def standard_errors_from_zero(figures: NDArray[np.int64]) -> float:
    return abs(errors_from_zero(figures))


@pytest.mark.parametrize("curve", [None, STEPS])
def test_experience_is_nothing_but_luck_in_total_per_tier_and_per_portfolio(
    curve: Calibration | None,
) -> None:
    lines, _ = bridge_of(TRUTH, 80_000, seed=21, curve=curve)
    portfolios = np.random.default_rng(3).integers(0, 5, lines.opening.size)
    tiers = np.argsort(np.argsort(lines.opening)) * 5 // lines.opening.size
    for experience in (lines.experience_frequency, lines.experience_spend):
        assert standard_errors_from_zero(experience) < 3
        for part in range(5):
            assert standard_errors_from_zero(experience[tiers == part]) < 3
            assert standard_errors_from_zero(experience[portfolios == part]) < 3


def test_a_model_that_expects_too_much_is_found_out() -> None:
    rosy = ParetoNBD.from_parameters(r=0.9, alpha=60.0, s=1.3, beta=650.0)
    lines, _ = bridge_of(rosy, 80_000, seed=21)
    assert standard_errors_from_zero(lines.experience_frequency) > 3


def test_a_factor_by_horizon_instead_of_by_day_would_make_experience_of_nothing() -> None:
    """The twin's curve begins anew at every date: the same day has another factor each time."""
    honest, levels = bridge_of(TRUTH, 80_000, seed=21, curve=STEPS)
    _, after = simulate(80_000, seed=21)
    anew = calibrated_purchases(
        TRUTH,
        STEPS,
        after.x,
        after.t_x,
        after.T,
        start_days=0.0,
        horizon_days=HORIZON,
        annual_discount_rate=ANNUAL,
    )
    old_unit = levels.at_old_spend / np.where(levels.at_old_spend > 0, _window(after), 1.0)
    drifted = np.rint(old_unit * anew - levels.awaited).astype(np.int64)
    assert standard_errors_from_zero(honest.experience_frequency) < 3
    assert standard_errors_from_zero(drifted) > 3


def _window(after: Seen) -> FloatArray:
    return calibrated_purchases(
        TRUTH,
        STEPS,
        after.x,
        after.t_x,
        after.T,
        start_days=0.0,
        horizon_days=HORIZON,
        annual_discount_rate=ANNUAL,
        offset_days=QUARTER,
    )


def test_the_spread_of_experience_is_that_of_independent_customers() -> None:
    """Twenty bases of 4,000: the variance of their sums is the sum of the customers' variances."""
    lines, _ = bridge_of(TRUTH, 80_000, seed=24)
    sums = lines.experience_frequency.reshape(20, -1).sum(axis=1)
    variance = variance_of_draws(lines.experience_frequency[None, :]).sum() / 20
    # the variance of 20 sums is known to within a factor of about 2
    assert 0.4 < sums.var() / variance < 2.2
    assert sum(luck_band(int(each), float(variance)).is_signal for each in sums) <= 4


def test_time_passing_earns_the_discount_rate_on_average() -> None:
    lines, _ = bridge_of(TRUTH, 20_000, seed=22)
    total = lines.totals()
    assert total["unwinding"] / total["opening"] == pytest.approx(GROWTH - 1, abs=0.005)


def test_the_simulated_quarter_closes_in_every_portfolio() -> None:
    lines, _ = bridge_of(TRUTH, 5_000, seed=23)
    portfolios = sum_by(np.arange(5_000) % 7, lines)
    moved = sum(portfolios.lines.movements().values())
    assert np.all(portfolios.lines.opening + moved == portfolios.lines.closing)
    assert portfolios.lines.totals() == lines.totals()
    assert abs(lines.totals()["rounding"]) < 5_000
