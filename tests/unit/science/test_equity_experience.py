"""If the model is true, nobody can show experience: on simulated customers it averages nothing."""

import numpy as np
import pytest
from numpy.typing import NDArray

from patronage.science.equity import BridgeLines, Levels, bridge, round_half_even_minor, sum_by
from patronage.science.lifetime import ParetoNBD

FloatArray = NDArray[np.float64]

TRUTH = ParetoNBD.from_parameters(r=0.9, alpha=60.0, s=1.3, beta=500.0)
HORIZON, QUARTER, ANNUAL, MARGIN_A_PURCHASE = 1095.0, 91.0, 0.10, 12.5


def two_dates(n: int, seed: int) -> tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]:
    """Histories of the same simulated customers at t0 and a quarter later."""
    rng = np.random.default_rng(seed)
    truth = TRUTH.parameters
    T = rng.integers(30, 700, n).astype(np.float64)
    rate = rng.gamma(truth.r, 1 / truth.alpha, n)
    lifetime = rng.exponential(1 / rng.gamma(truth.s, 1 / truth.beta, n))

    def last_of(count: NDArray[np.int64], days: FloatArray) -> FloatArray:
        return days * rng.beta(np.maximum(count, 1), 1.0)

    seen, more = np.minimum(lifetime, T), np.clip(lifetime - T, 0.0, QUARTER)
    x, extra = rng.poisson(rate * seen), rng.poisson(rate * more)
    t_x = np.where(x > 0, last_of(x, seen), 0.0)
    later = np.where(extra > 0, T + last_of(extra, more), t_x)
    return (x.astype(np.float64), t_x, T), ((x + extra).astype(np.float64), later, T + QUARTER)


def bridged(model: ParetoNBD, n: int, seed: int) -> tuple[BridgeLines, FloatArray]:
    """The quarter's bridge under one model, and P(alive) at the opening."""
    before, after = two_dates(n, seed)
    forward = (1 + ANNUAL) ** (QUARTER / 365)

    def worth(history: tuple[FloatArray, ...], start: float, end: float) -> FloatArray:
        return MARGIN_A_PURCHASE * model.discounted_expected_purchases(
            *history, start_days=start, horizon_days=end, annual_discount_rate=ANNUAL
        )

    nominal = model.expected_purchases(*before, horizon_days=QUARTER)
    closing = round_half_even_minor(worth(after, 0.0, HORIZON))
    levels = Levels.of(
        opening=round_half_even_minor(worth(before, 0.0, HORIZON)),
        expected_margin=round_half_even_minor(MARGIN_A_PURCHASE * nominal),
        remaining=round_half_even_minor(forward * worth(before, QUARTER, HORIZON)),
        rolled=round_half_even_minor(forward * worth(before, HORIZON, HORIZON + QUARTER)),
        closing_old_model=closing,
        closing=closing,
    )
    return bridge(levels), model.probability_alive(*before)


def standard_errors_from_zero(figures: NDArray[np.int64]) -> float:
    return float(abs(figures.mean()) / (figures.std() / np.sqrt(figures.size)))


def test_experience_is_nothing_but_luck_in_total_and_in_every_opening_tier() -> None:
    lines, alive = bridged(TRUTH, 200_000, seed=21)
    assert standard_errors_from_zero(lines.experience) < 3
    for tier in np.array_split(np.argsort(alive), 5):
        assert standard_errors_from_zero(lines.experience[tier]) < 3.5


def test_a_model_that_expects_too_much_is_found_out() -> None:
    rosy = ParetoNBD.from_parameters(r=0.9, alpha=60.0, s=1.3, beta=650.0)
    lines, _ = bridged(rosy, 200_000, seed=21)
    assert standard_errors_from_zero(lines.experience) > 5


def test_time_passing_earns_the_discount_rate_on_average() -> None:
    lines, _ = bridged(TRUTH, 20_000, seed=22)
    total = lines.totals()
    earned = (1 + ANNUAL) ** (QUARTER / 365) - 1
    assert total["unwinding"] / total["opening"] == pytest.approx(earned, abs=0.005)


def test_the_simulated_quarter_closes_in_every_portfolio() -> None:
    lines, alive = bridged(TRUTH, 5_000, seed=23)
    portfolios = sum_by((alive * 7).astype(np.int64), lines)
    moved = sum(portfolios.lines.movements().values())
    assert np.all(portfolios.lines.opening + moved == portfolios.lines.closing)
    assert portfolios.lines.totals() == lines.totals()
