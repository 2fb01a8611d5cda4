"""If the model is true, nobody can show experience: on simulated customers it averages nothing.

Calibrated or not: the curve multiplies what is expected of a calendar day, whenever it is looked
at, so that it cannot make experience out of nothing.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from patronage.science.equity import (
    BridgeLines,
    Levels,
    bridge,
    luck_band,
    round_half_even_minor,
    sum_by,
    variance_of_draws,
)
from patronage.science.lifetime import Calibration, GammaGamma, ParetoNBD, calibrated_purchases

FloatArray = NDArray[np.float64]

TRUTH = ParetoNBD.from_parameters(r=0.9, alpha=60.0, s=1.3, beta=500.0)
SPEND = GammaGamma.from_parameters(p=6.25, q=3.74, v=15.44)
HORIZON, QUARTER, ANNUAL, MARGIN = 1095.0, 91.0, 0.10, 0.3
GROWTH = (1 + ANNUAL) ** (QUARTER / 365)
STEPS = Calibration(knots_days=(0.0, 45.0, 120.0, 800.0), factors=(0.8, 1.15, 1.0, 1.3))


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Frequency, recency, age and average spend of simulated customers."""

    x: FloatArray
    t_x: FloatArray
    T: FloatArray
    z: FloatArray


def two_dates(n: int, seed: int) -> tuple[History, History]:
    """Histories of the same simulated customers at t0 and a quarter later."""
    rng = np.random.default_rng(seed)
    truth, spends = TRUTH.parameters, SPEND.parameters
    T = rng.integers(30, 700, n).astype(np.float64)
    rate = rng.gamma(truth.r, 1 / truth.alpha, n)
    lifetime = rng.exponential(1 / rng.gamma(truth.s, 1 / truth.beta, n))
    nu = rng.gamma(spends.q, 1 / spends.v, n)

    def last_of(count: NDArray[np.int64], days: FloatArray) -> FloatArray:
        return days * rng.beta(np.maximum(count, 1), 1.0)

    def spent(count: NDArray[np.int64]) -> FloatArray:
        return np.where(count > 0, rng.gamma(spends.p * np.maximum(count, 1)) / nu, 0.0)

    seen, more = np.minimum(lifetime, T), np.clip(lifetime - T, 0.0, QUARTER)
    x, extra = rng.poisson(rate * seen), rng.poisson(rate * more)
    t_x = np.where(x > 0, last_of(x, seen), 0.0)
    later = np.where(extra > 0, T + last_of(extra, more), t_x)
    total, added = spent(x), spent(extra)

    def mean(amount: FloatArray, count: NDArray[np.int64]) -> FloatArray:
        return np.divide(amount, count, out=np.zeros_like(amount), where=count > 0)

    before = History(x=x.astype(np.float64), t_x=t_x, T=T, z=mean(total, x))
    both = x + extra
    after = History(
        x=both.astype(np.float64), t_x=later, T=T + QUARTER, z=mean(total + added, both)
    )
    return before, after


def bridged(
    model: ParetoNBD, n: int, seed: int, curve: Calibration | None = None
) -> tuple[BridgeLines, Levels]:
    """The quarter's bridge under one model; the curve begins at t0."""
    before, after = two_dates(n, seed)
    path = curve or Calibration.identity()

    def purchases(at: History, start: float, end: float, rate: float = ANNUAL) -> FloatArray:
        return calibrated_purchases(
            model,
            path,
            at.x,
            at.t_x,
            at.T,
            start_days=start,
            horizon_days=end,
            annual_discount_rate=rate,
            offset_days=0.0 if at is before else QUARTER,
        )

    unit, later_unit = (100 * MARGIN * SPEND.expected_spend(at.x, at.z) for at in (before, after))
    still, discounted = purchases(before, QUARTER, HORIZON), purchases(before, 0.0, QUARTER)
    nominal = purchases(before, 0.0, QUARTER, 0.0)
    window = purchases(after, 0.0, HORIZON)
    worth = unit * purchases(before, 0.0, HORIZON), later_unit * window
    levels = Levels.of(
        begins=round_half_even_minor(worth[0], minor_per_major=1),
        ends=round_half_even_minor(worth[1], minor_per_major=1),
        corrected=worth[0],
        frozen=worth[0],
        expected_margin=unit * nominal,
        interest=unit * ((GROWTH - 1) * still + nominal - discounted),
        rolled=GROWTH * unit * purchases(before, HORIZON, HORIZON + QUARTER),
        awaited=GROWTH * unit * purchases(before, QUARTER, HORIZON + QUARTER),
        at_old_spend=unit * window,
        spend_effect=(later_unit - unit) * window,
        old_model=worth[1],
        new_model=worth[1],
    )
    return bridge(levels), levels


def standard_errors_from_zero(figures: NDArray[np.int64]) -> float:
    return float(abs(figures.mean()) / (figures.std() / np.sqrt(figures.size)))


@pytest.mark.parametrize("curve", [None, STEPS])
def test_experience_is_nothing_but_luck_in_total_per_tier_and_per_portfolio(
    curve: Calibration | None,
) -> None:
    lines, _ = bridged(TRUTH, 80_000, seed=21, curve=curve)
    portfolios = np.random.default_rng(3).integers(0, 5, lines.opening.size)
    tiers = np.argsort(np.argsort(lines.opening)) * 5 // lines.opening.size
    for experience in (lines.experience_frequency, lines.experience_spend):
        assert standard_errors_from_zero(experience) < 3
        for part in range(5):
            assert standard_errors_from_zero(experience[tiers == part]) < 3
            assert standard_errors_from_zero(experience[portfolios == part]) < 3


def test_a_model_that_expects_too_much_is_found_out() -> None:
    rosy = ParetoNBD.from_parameters(r=0.9, alpha=60.0, s=1.3, beta=650.0)
    lines, _ = bridged(rosy, 80_000, seed=21)
    assert standard_errors_from_zero(lines.experience_frequency) > 3


def test_a_factor_by_horizon_instead_of_by_day_would_make_experience_of_nothing() -> None:
    """The twin's curve begins anew at every date: the same day has another factor each time."""
    honest, levels = bridged(TRUTH, 80_000, seed=21, curve=STEPS)
    _, after = two_dates(80_000, seed=21)
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


def _window(after: History) -> FloatArray:
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
    lines, _ = bridged(TRUTH, 80_000, seed=24)
    sums = lines.experience_frequency.reshape(20, -1).sum(axis=1)
    variance = variance_of_draws(lines.experience_frequency[None, :]).sum() / 20
    # the variance of 20 sums is known to within a factor of about 2
    assert 0.4 < sums.var() / variance < 2.2
    assert sum(luck_band(int(each), float(variance)).is_signal for each in sums) <= 4


def test_time_passing_earns_the_discount_rate_on_average() -> None:
    lines, _ = bridged(TRUTH, 20_000, seed=22)
    total = lines.totals()
    assert total["unwinding"] / total["opening"] == pytest.approx(GROWTH - 1, abs=0.005)


def test_the_simulated_quarter_closes_in_every_portfolio() -> None:
    lines, _ = bridged(TRUTH, 5_000, seed=23)
    portfolios = sum_by(np.arange(5_000) % 7, lines)
    moved = sum(portfolios.lines.movements().values())
    assert np.all(portfolios.lines.opening + moved == portfolios.lines.closing)
    assert portfolios.lines.totals() == lines.totals()
    assert abs(lines.totals()["rounding"]) < 5_000
