"""How likely is a history if customers may drop out after each purchase? (M)BG/CNBD-k.

While a customer is active, the times between purchases are Erlang-k (k stages, each passed at the
personal rate λ, gamma distributed over customers with shape r and rate α). After a purchase the
customer drops out with the personal probability p, beta (a, b) over customers; the first purchase
is such an occasion (M, modified) or is not. With κ = r + kx, m = 1 (modified) or 0, n = x + m,

    L = Γ(κ)/Γ(r) α^r B(a, b+n)/B(a, b) [ (α+T)^-κ S + a/(b+n-1) (α+t_x)^-κ ],
    S = Σ_{j<k} Γ(κ+j)/(Γ(κ) j!) ((T-t_x)/(α+T))^j:

active, with j stages behind them since the last purchase, or gone with it. The second term is
missing for x = 0 unless modified. Every term is positive.

What is left out is the density of the purchases' times given the first and the last one. For k = 1
it is the same for all parameters and all models with Poisson purchases. For other k,
`log_spacing` puts in its place what makes log-likelihoods comparable with those and with each
other: the density of (x, t_x) under k over that density's factor under k = 1.

Sources: Fader, Hardie and Lee (2005), "Counting your customers the easy way", Marketing Science
24(2), for k = 1, m = 0; Batislam, Denizel and Filiztekin (2007), International Journal of Research
in Marketing 24(3), and Wagner and Hoppe's erratum (2008, 25(3)), for k = 1, m = 1; Reutterer,
Platzer and Schröder (2021), International Journal of Research in Marketing 38(1), for k > 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, digamma, expit, gammaln

from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.quadrature import row_blocks

IndexArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class BetaGeometric:
    """Which model of the family, and its parameters on whatever time unit the histories have."""

    #: stages of a time between purchases; 1 makes purchases a Poisson process
    k: int
    #: m: 1 if customers may drop out with their first purchase, else 0
    at_first: int
    r: float
    alpha: float
    a: float
    b: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stages:
    """How far towards the next purchase an active customer is; arrays of shape (rows, k)."""

    #: probability of j stages since the last purchase, given active
    probability: FloatArray
    #: log S, shape (rows,)
    log_total: FloatArray


def stages(law: BetaGeometric, x: FloatArray, t_x: FloatArray, T: FloatArray) -> Stages:
    """Stages passed between the last purchase and T by a customer who is active at T."""
    if law.k == 1:
        return Stages(probability=np.ones((x.size, 1)), log_total=np.zeros_like(x))
    kappa, since = law.r + law.k * x, (T - t_x) / (law.alpha + T)
    terms = np.ones((x.size, law.k))
    for j in range(1, law.k):
        terms[:, j] = terms[:, j - 1] * since * (kappa + j - 1.0) / j
    total = terms.sum(axis=1)
    return Stages(probability=terms / total[:, None], log_total=np.log(total))


def dropped_out(
    law: BetaGeometric, x: FloatArray, t_x: FloatArray, T: FloatArray, passed: Stages
) -> FloatArray:
    """Log odds of having dropped out by T against being active; -inf where that is impossible."""
    occasions = x + law.at_first
    possible = occasions > 0
    longer = (law.r + law.k * x) * np.log1p((T - t_x) / (law.alpha + t_x))
    with np.errstate(divide="ignore"):
        share = np.log(law.a) - np.log(np.where(possible, law.b + occasions - 1.0, np.inf))
    odds: FloatArray = share + longer - passed.log_total
    return odds


def log_spacing(k: int, x: FloatArray, t_x: FloatArray) -> FloatArray:
    """Log density of the sum of x Erlang-k times over that of x exponential ones, but for λ.

    (k-1) x log t_x - log Γ(kx) + log Γ(x); 0 where x = 0 or k = 1. Beside the λ^((k-1)x) that the
    likelihood already has, this is all that distinguishes the densities of (x, t_x).
    """
    bought = x > 0
    count, time = np.where(bought, x, 1.0), np.where(bought, t_x, 1.0)
    spacing = (k - 1.0) * count * np.log(time) - gammaln(k * count) + gammaln(count)
    return np.where(bought, spacing, 0.0) if k > 1 else np.zeros_like(x)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharedCounts:
    """What of the likelihood depends on x alone, worked out once for each distinct x."""

    #: distinct x
    x: FloatArray
    #: sum of the weights of the rows with it
    weight: FloatArray

    @classmethod
    def of(cls, x: FloatArray, weight: FloatArray) -> "SharedCounts":
        """The distinct counts of weighted rows."""
        distinct, place = np.unique(x, return_inverse=True)
        total = np.zeros(distinct.size)
        np.add.at(total, place, weight)
        return cls(x=distinct, weight=total)


def weighted_log_likelihood(
    law: BetaGeometric,
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    weight: FloatArray,
    counts: SharedCounts,
) -> tuple[float, FloatArray]:
    """Sum of weight times log-likelihood, and its gradient in log(r, α, a, b), shape (4,).

    `counts` is `SharedCounts.of(x, weight)`.
    """
    r, a, b = law.r, law.a, law.b
    kappa, n = r + law.k * counts.x, counts.x + law.at_first
    survived = digamma(a + b) - digamma(a + b + n)
    value = gammaln(kappa) - gammaln(r) + betaln(a, b + n) - betaln(a, b)
    slopes = np.stack(
        [
            r * (digamma(kappa) - digamma(r)),
            np.full_like(kappa, r),
            a * survived,
            b * (digamma(b + n) - digamma(b) + survived),
        ]
    )
    total, gradient = float(counts.weight @ value), slopes @ counts.weight
    for rows in row_blocks(x.size):
        value, slopes = _of_times(law, x[rows], t_x[rows], T[rows])
        total += float(weight[rows] @ value)
        gradient += slopes @ weight[rows]
    return total, gradient


def _of_times(
    law: BetaGeometric, x: FloatArray, t_x: FloatArray, T: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """What depends on the times: log [α^r ((α+T)^-κ S + ...)] and its slopes."""
    r, alpha, b = law.r, law.alpha, law.b
    kappa = r + law.k * x
    passed = stages(law, x, t_x, T)
    log_odds = dropped_out(law, x, t_x, T, passed)
    alive, gone = expit(-log_odds), expit(log_odds)
    aged = np.log1p(T / alpha)
    value = np.logaddexp(0.0, log_odds) + passed.log_total - r * aged
    value -= law.k * x * np.log(alpha + T)
    still_r, still_alpha = aged, kappa
    if law.k > 1:
        index = np.arange(law.k)
        climb = 1.0 / (kappa[:, None] + index)
        climb = np.cumsum(climb, axis=1) - climb
        still_r = aged - np.einsum("ij,ij->i", passed.probability, climb)
        still_alpha = kappa + passed.probability @ index
    slopes = np.stack(
        [
            -r * (alive * still_r + gone * np.log1p(t_x / alpha)),
            -alpha * (alive * still_alpha / (alpha + T) + gone * kappa / (alpha + t_x)),
            gone,
            -b * gone / np.maximum(b + x + law.at_first - 1.0, b),
        ]
    )
    return value, slopes
