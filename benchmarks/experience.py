"""Is experience nothing but chance where the model is true? 1,000,000 customers say.

    python -m benchmarks.experience            # 1,000,000 customers
    python -m benchmarks.experience 100000

Customers are simulated from known parameters over up to two years and the quarter that follows,
with spend; the bridge of each is made under the same parameters, once as the model stands and once
on a calibrated path. Printed are both lines of experience in total, by fifth of the opening value
and by portfolio, in standard errors from 0; the bar is 3. Then the luck band: of 10 portfolios, how
many figures lie outside what chance does in 1 of 20. The last line is the power of the test: the
same customers under a model that expects too much.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from patronage.science.equity import BridgeLines, Levels, bridge, luck_band, variance_of_draws
from patronage.science.lifetime import Calibration, GammaGamma, ParetoNBD, calibrated_purchases

FloatArray = NDArray[np.float64]

TRUTH: Final = ParetoNBD.from_parameters(r=0.9, alpha=60.0, s=1.3, beta=500.0)
ROSY: Final = ParetoNBD.from_parameters(r=0.9, alpha=60.0, s=1.3, beta=550.0)
SPEND: Final = GammaGamma.from_parameters(p=6.25, q=3.74, v=15.44)
HORIZON, QUARTER, ANNUAL, MARGIN = 1095.0, 91.0, 0.10, 0.3
GROWTH: Final = (1 + ANNUAL) ** (QUARTER / 365)
STEPS: Final = Calibration(knots_days=(0.0, 45.0, 120.0, 800.0), factors=(0.8, 1.15, 1.0, 1.3))
PORTFOLIOS, TIERS, BAR = 10, 5, 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Frequency, recency, age and average spend up to a date."""

    x: FloatArray
    t_x: FloatArray
    T: FloatArray
    z: FloatArray


def simulate(customers: int, seed: int) -> tuple[Seen, Seen]:
    """Draw rates, lifetimes and spend, and look at everybody at two dates."""
    rng = np.random.default_rng(seed)
    truth, spends = TRUTH.parameters, SPEND.parameters
    T = rng.integers(30, 700, customers).astype(np.float64)
    rate = rng.gamma(truth.r, 1 / truth.alpha, customers)
    lifetime = rng.exponential(1 / rng.gamma(truth.s, 1 / truth.beta, customers))
    nu = rng.gamma(spends.q, 1 / spends.v, customers)
    seen, more = np.minimum(lifetime, T), np.clip(lifetime - T, 0.0, QUARTER)
    x, extra = rng.poisson(rate * seen), rng.poisson(rate * more)
    t_x = np.where(x > 0, seen * rng.beta(np.maximum(x, 1), 1.0), 0.0)
    last = T + more * rng.beta(np.maximum(extra, 1), 1.0)
    spent = [np.where(n > 0, rng.gamma(spends.p * np.maximum(n, 1)) / nu, 0.0) for n in (x, extra)]
    both = x + extra
    return (
        Seen(x=x.astype(np.float64), t_x=t_x, T=T, z=spent[0] / np.maximum(x, 1)),
        Seen(
            x=both.astype(np.float64),
            t_x=np.where(extra > 0, last, t_x),
            T=T + QUARTER,
            z=(spent[0] + spent[1]) / np.maximum(both, 1),
        ),
    )


def bridged(
    model: ParetoNBD, curve: Calibration, before: Seen, after: Seen
) -> tuple[BridgeLines, Levels]:
    """The quarter's bridge of everybody under one model, and its levels; minor units.

    The curve begins at the first date.
    """

    def purchases(at: Seen, start: float, end: float, rate: float = ANNUAL) -> FloatArray:
        return calibrated_purchases(
            model,
            curve,
            at.x,
            at.t_x,
            at.T,
            start_days=start,
            horizon_days=end,
            annual_discount_rate=rate,
            offset_days=0.0 if at is before else QUARTER,
        )

    unit, later = (100 * MARGIN * SPEND.expected_spend(at.x, at.z) for at in (before, after))
    still, near = purchases(before, QUARTER, HORIZON), purchases(before, 0.0, QUARTER)
    nominal, window = purchases(before, 0.0, QUARTER, 0.0), purchases(after, 0.0, HORIZON)
    opening = unit * purchases(before, 0.0, HORIZON)
    levels = Levels.of(
        begins=np.rint(opening).astype(np.int64),
        ends=np.rint(later * window).astype(np.int64),
        expected_margin=unit * nominal,
        interest=unit * ((GROWTH - 1) * still + nominal - near),
        rolled=GROWTH * unit * purchases(before, HORIZON, HORIZON + QUARTER),
        awaited=GROWTH * unit * purchases(before, QUARTER, HORIZON + QUARTER),
        at_old_spend=unit * window,
        spend_effect=(later - unit) * window,
    )
    return bridge(levels), levels


def errors_from_zero(figures: NDArray[np.int64]) -> float:
    """Distance of the mean from 0 in standard errors."""
    return float(figures.mean() / (figures.std() / np.sqrt(figures.size)))


def report(title: str, lines: BridgeLines, portfolio: NDArray[np.int64]) -> float:
    """Print the distances of one bridge; give the largest."""
    tier = np.argsort(np.argsort(lines.opening)) * TIERS // lines.opening.size
    worst = 0.0
    for name in ("experience_frequency", "experience_spend"):
        figures = getattr(lines, name)
        total = errors_from_zero(figures)
        tiers = [errors_from_zero(figures[tier == each]) for each in range(TIERS)]
        parts = [errors_from_zero(figures[portfolio == each]) for each in range(PORTFOLIOS)]
        worst = max(worst, abs(total), *map(abs, tiers), *map(abs, parts))
        shown = " ".join(f"{each:+.2f}" for each in tiers)
        furthest = max(parts, key=abs)
        print(
            f"{title:<11} {name:<21} total {total:+.2f}  tiers {shown}  portfolio {furthest:+.2f}"
        )
    return worst


def luck(lines: BridgeLines, portfolio: NDArray[np.int64]) -> int:
    """How many of the portfolios' figures lie outside what chance does in 1 of 20."""
    outside = 0
    for name in ("experience_frequency", "experience_spend"):
        figures = getattr(lines, name)
        variance = variance_of_draws(figures[None, :]).mean()
        for each in range(PORTFOLIOS):
            theirs = figures[portfolio == each]
            outside += luck_band(int(theirs.sum()), float(variance * theirs.size)).is_signal
    return outside


def main() -> None:
    customers = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    started = time.process_time()
    before, after = simulate(customers, seed=2024)
    portfolio = np.random.default_rng(7).integers(0, PORTFOLIOS, customers)
    print(
        f"{customers:,} customers; distance of mean experience from 0 in standard errors, bar {BAR}"
    )
    plain, _ = bridged(TRUTH, Calibration.identity(), before, after)
    worst = report("model", plain, portfolio)
    calibrated, _ = bridged(TRUTH, STEPS, before, after)
    worst = max(worst, report("calibrated", calibrated, portfolio))
    print(f"luck band: {luck(plain, portfolio)} of {2 * PORTFOLIOS} figures outside, 1 expected")
    rosy, _ = bridged(ROSY, Calibration.identity(), before, after)
    found = errors_from_zero(rosy.experience_frequency)
    print(f"a model that expects too much (beta 550 for 500): {found:+.1f}")
    print(f"largest distance {worst:.2f}; {time.process_time() - started:.1f} CPU-s")


if __name__ == "__main__":
    main()
