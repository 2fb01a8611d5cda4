"""How far are P(alive) and totals off the truth, on customers of a known Pareto/NBD model?

Every purchase of a customer falls on an instant, so that the same customers can be looked at twice:
at instants, which is the time the model is written in, and by date, which is what a shop's history
holds: a date with several purchases counts once, and days are counted to the end of the last date.
The difference between the two is what whole days cost, apart from the fit, and `alive_by_date`
shows that two losses account for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from patronage.science.lifetime import Cells, ParetoNBD
from patronage.science.lifetime.quadrature import power_laws

TRUTH = ParetoNBD.from_parameters(r=0.8, alpha=40.0, s=1.5, beta=400.0)
HORIZON_DAYS = 1095
Columns = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """Customers of the true model; arrays of shape (customers,)."""

    #: x, t_x, T at instants, in days from the first purchase
    instants: Columns
    #: the same by date: repeat dates, days to the last of them, days to the date of the look
    dates: Columns
    #: alive when the date of the look ends
    alive: np.ndarray


def drawn(customers: int, seed: int = 1) -> Drawn:
    """Customers who first bought at any time of a day 1 to 729 days before the date of the look."""
    rng, true = np.random.default_rng(seed), TRUTH.parameters
    days = rng.integers(1, 730, customers).astype(np.float64)
    first = rng.random(customers)
    age = days + 1.0 - first
    rate = rng.gamma(true.r, 1 / true.alpha, customers)
    lifetime = rng.exponential(1 / rng.gamma(true.s, 1 / true.beta, customers))
    seen = np.minimum(lifetime, age)
    count = rng.poisson(rate * seen)
    who = np.repeat(np.arange(customers), count)
    when = rng.random(who.size) * seen[who]
    last = np.zeros(customers)
    np.maximum.at(last, who, when)
    date = np.floor(first[who] + when).astype(np.int64)
    width = int(days.max()) + 1
    of_whom, date = np.divmod(np.unique(who * width + date), width)
    repeats, last_date = np.bincount(of_whom[date > 0], minlength=customers), np.zeros(customers)
    np.maximum.at(last_date, of_whom, date.astype(np.float64))
    return Drawn(
        instants=(count.astype(np.float64), last, age),
        dates=(repeats.astype(np.float64), last_date, days),
        alive=lifetime > age,
    )


def alive_by_date(x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
    """P(alive) of the true model from dates, with what dates lose put back; shape (customers,).

    A day holds a purchase or none, the one with 1 - exp(-λ): λ^x exp(-λ T) of a Poisson process
    becomes (exp(λ) - 1)^x exp(-λ T), about λ^x exp(-λ (T - x/2)), so that α + T is less by x/2. And
    who bought on a date may have dropped out before it ended, half a day on average.
    """
    true, alive = TRUTH.parameters, np.empty(x.size)
    beta = true.beta + 0.5
    for count in np.unique(x):
        rows = x == count
        alpha, last, now = true.alpha - count / 2, t_x[rows], T[rows]
        k = np.full(last.size, true.r + count)
        later = power_laws(k, true.s + 1.0, alpha, beta, last, now).total
        gone = np.log(true.s * (later + 0.5) / (beta + last))
        gone += k * np.log1p((now - last) / (alpha + last))
        gone += true.s * np.log1p((now - last) / (beta + last))
        alive[rows] = expit(-gone)
    return alive


def worst_decile(expected: np.ndarray, alive: np.ndarray) -> float:
    """Largest distance of mean P(alive) from the share alive, over deciles of P(alive)."""
    deciles = np.array_split(np.argsort(expected), 10)
    return float(max(abs(expected[rows].mean() - alive[rows].mean()) for rows in deciles))


def fitted(history: Columns) -> ParetoNBD:
    x, t_x, T = history
    return ParetoNBD.fit(Cells.from_customers(frequency=x, recency=t_x, age=T))


def measured_truth(customers: int) -> dict[str, float]:
    """Distances from the truth at instants and by date, fitted and with the true parameters."""
    base = drawn(customers)
    model, by_date = fitted(base.instants), fitted(base.dates)
    looks = {
        "instants": (model, base.instants),
        "instants_true": (TRUTH, base.instants),
        "dates": (by_date, base.dates),
        "dates_true": (TRUTH, base.dates),
    }
    found = {
        name: worst_decile(asked.probability_alive(*history), base.alive)
        for name, (asked, history) in looks.items()
    }
    found["dates_restored"] = worst_decile(alive_by_date(*base.dates), base.alive)
    total, known = (
        asked.expected_purchases(*base.instants, horizon_days=HORIZON_DAYS).sum()
        for asked in (model, TRUTH)
    )
    future = TRUTH.simulate(*base.instants, days=HORIZON_DAYS, rng=np.random.default_rng(4))
    return found | {
        "total_to_known": float(total / known - 1),
        "total_to_drawn": float(total / future.purchases.sum() - 1),
    }
