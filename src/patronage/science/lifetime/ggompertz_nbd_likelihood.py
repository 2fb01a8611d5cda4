"""How likely is a history if the risk of dropping out grows with age? GGompertz/NBD.

Purchases come as a Poisson process whose rate is gamma distributed over customers (shape r, rate
α); lifetimes are Gompertz with the common scale b and a personal η, gamma distributed over
customers (shape s, rate β), so that a customer lives to age u with probability

    S(u) = (β/(β - 1 + e^(bu)))^s = e^(s log β - s y(u)),   y(u) = log(β - 1 + e^(bu)),

and the lifetime has the density s y'(u) S(u), y' = bρ, ρ(u) = e^(bu - y(u)). With k = r + x,

    L = Γ(k)/Γ(r) α^r [ (α+T)^-k S(T) + ∫_{t_x}^{T} (α+u)^-k s y'(u) S(u) du ]:

alive at T, or dropped out at some u after the last purchase. As b → 0 with β/b fixed this becomes
Pareto/NBD with the scale β/b.

The integrals are taken panel by panel on Gauss-Legendre nodes in log(m + u), m being the distance
of the nearest pole of the integrand; around log(β)/b, where the risk rises, panels are a few 1/b
long. Tails that hold less than e^-45 are cut.

Source: Bemmaor and Glady (2012), "Modeling purchasing behavior with sudden 'death': a flexible
customer lifetime model", Management Science 58(5), 1012-1021; Adler's comment (2022) on its
conditional expectation.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from scipy.special import digamma, expit, gammaln

from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.quadrature import row_blocks, unit_nodes

_NODES, _WEIGHTS = unit_nodes(24)
_NEGLIGIBLE: Final = 45.0
_LARGEST_STRETCH: Final = 60.0
#: in units of 1/b: how long one panel may be, and how far from log(β)/b the risk still moves
_LONGEST_PANEL: Final = 16.0
_STILL_MOVING: Final = 9.0
_OVERFLOWS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gompertz:
    """Parameters on whatever time unit the histories have."""

    r: float
    alpha: float
    #: scale of the Gompertz distribution: by how much risk grows, in 1 / time unit
    b: float
    s: float
    #: rate of η's distribution, without a unit
    beta: float

    def log_rise(self, u: FloatArray) -> FloatArray:
        """y(u) - log β = log(1 + (e^(bu) - 1)/β), from 0 at u = 0."""
        grown = self.b * u
        near: FloatArray = np.log1p(np.expm1(np.minimum(grown, _OVERFLOWS)) / self.beta)
        if grown.max(initial=0.0) < _OVERFLOWS:
            return near
        far = grown - np.log(self.beta) + np.log1p((self.beta - 1.0) * np.exp(-grown))
        rise: FloatArray = np.where(grown < _OVERFLOWS, near, far)
        return rise

    def age_at_rise(self, rise: FloatArray) -> FloatArray:
        """The inverse of `log_rise`."""
        level = rise + np.log(self.beta)
        near = np.log1p(np.expm1(np.minimum(rise, _OVERFLOWS)) * self.beta)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            far = level + np.log1p((1.0 - self.beta) * np.exp(-level))
        age: FloatArray = np.where(rise < _OVERFLOWS, near, far) / self.b
        return age

    @property
    def log_beta(self) -> float:
        """log β, and how much the risk can grow at most if above 0."""
        return float(np.log(self.beta))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ages:
    """Nodes u and their weights du; arrays of shape (rows, nodes)."""

    u: FloatArray
    du: FloatArray

    @classmethod
    def between(
        cls, law: Gompertz, lower: FloatArray, upper: FloatArray, power: FloatArray | float
    ) -> "Ages":
        """For integrands like (α+u)^-power S(u) y'(u) from `lower` to `upper`, shape (rows,)."""
        end = np.minimum(upper, _cut(law, lower, power))
        pole = -np.log1p(-law.beta) / law.b if law.beta < 1.0 else np.inf
        nearest = min(law.alpha, pole)
        edges = [lower, *_breaks(law, lower, end), end]
        u, du = [], []
        for first, last in pairwise(edges):
            at = nearest + first
            width = np.log1p((last - first) / at)
            further = np.expm1(width[:, None] * _NODES)
            u.append(first[:, None] + at[:, None] * further)
            du.append((width * at)[:, None] * (1.0 + further) * _WEIGHTS)
        return cls(u=np.concatenate(u, axis=1), du=np.concatenate(du, axis=1))


def _cut(law: Gompertz, lower: FloatArray, power: FloatArray | float) -> FloatArray:
    """Where either factor alone has fallen so far that the rest is negligible."""
    negligible = _NEGLIGIBLE + max(law.log_beta, 0.0)
    decay = np.maximum(np.asarray(power) - 1.0, negligible / _LARGEST_STRETCH)
    by_power = lower + (law.alpha + lower) * np.expm1(negligible / decay)
    by_risk = law.age_at_rise(law.log_rise(lower) + negligible / law.s)
    cut: FloatArray = np.fmin(by_power, by_risk)
    return cut


def _breaks(law: Gompertz, lower: FloatArray, upper: FloatArray) -> list[FloatArray]:
    """Between panels; none where the risk hardly moves within any row."""
    if float(np.max(upper - lower)) * law.b <= _LONGEST_PANEL:
        return []
    middle = max(law.log_beta, _STILL_MOVING) / law.b
    reach = _STILL_MOVING / law.b
    return [np.clip(middle + place, lower, upper) for place in (-reach, 0.0, reach)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DropoutAges:
    """When customers who dropped out between t_x and T did; arrays of shape (rows, nodes)."""

    ages: Ages
    #: probability of each node, adding up to 1 in each row
    probability: FloatArray
    #: log(α + u) and y(u) - log β
    log_alpha: FloatArray
    log_rise: FloatArray

    def mean_of(self, values: FloatArray) -> FloatArray:
        """Average of `values`, shape (rows, nodes); shape (rows,)."""
        average: FloatArray = np.einsum("ij,ij->i", self.probability, values)
        return average


def dropped_out(
    law: Gompertz, x: FloatArray, t_x: FloatArray, T: FloatArray
) -> tuple[FloatArray, DropoutAges]:
    """Log odds of having dropped out by T against being alive, and when; -inf where t_x = T."""
    k = law.r + x
    ages = Ages.between(law, t_x, T, k)
    log_alpha, log_rise = np.log(law.alpha + ages.u), law.log_rise(ages.u)
    exponent = law.b * ages.u - (law.s + 1.0) * log_rise - k[:, None] * log_alpha
    highest = exponent.max(axis=1, keepdims=True)
    mass = np.exp(exponent - highest) * ages.du
    total = mass.sum(axis=1)
    at_T = -law.s * law.log_rise(T) - k * np.log(law.alpha + T)
    with np.errstate(divide="ignore"):
        log_odds = highest[:, 0] + np.log(total) - at_T + np.log(law.s * law.b) - law.log_beta
    certain = np.where(total > 0, total, 1.0)[:, None]
    first = np.zeros_like(mass)
    first[:, 0] = 1.0
    return log_odds, DropoutAges(
        ages=ages,
        probability=np.where(total[:, None] > 0, mass / certain, first),
        log_alpha=log_alpha,
        log_rise=log_rise,
    )


def weighted_log_likelihood(
    law: Gompertz, x: FloatArray, t_x: FloatArray, T: FloatArray, weight: FloatArray
) -> tuple[float, FloatArray]:
    """Sum of weight times log-likelihood, and its gradient in log(r, α, b, s, β), shape (5,)."""
    total, gradient = 0.0, np.zeros(5)
    for rows in row_blocks(x.size):
        value, slopes = _with_gradient(law, x[rows], t_x[rows], T[rows])
        total += float(weight[rows] @ value)
        gradient += slopes @ weight[rows]
    return total, gradient


def _with_gradient(
    law: Gompertz, x: FloatArray, t_x: FloatArray, T: FloatArray
) -> tuple[FloatArray, FloatArray]:
    r, alpha, b, s = law.r, law.alpha, law.b, law.s
    k = r + x
    log_odds, went = dropped_out(law, x, t_x, T)
    alive, gone = expit(-log_odds), expit(log_odds)
    aged, risen = np.log1p(T / alpha), law.log_rise(T)
    value = (
        gammaln(k)
        - gammaln(r)
        - r * aged
        - x * np.log(alpha + T)
        - s * risen
        + np.logaddexp(0.0, log_odds)
    )
    u = went.ages.u
    #: e^(log β - y) and ρ, at T and at the ages of dropping out
    inverse, inverses = np.exp(-risen), np.exp(-went.log_rise)
    surplus = (1.0 - law.beta) / law.beta
    share, shares = 1.0 + surplus * inverse, 1.0 + surplus * inverses
    slopes = np.stack(
        [
            r
            * (
                digamma(k)
                - digamma(r)
                - alive * aged
                - gone * (went.mean_of(went.log_alpha) - np.log(alpha))
            ),
            r - alpha * k * (alive / (alpha + T) + gone * went.mean_of(1.0 / (alpha + u))),
            -alive * s * b * T * share
            + gone * (1.0 + b * went.mean_of(u * (1.0 - (s + 1.0) * shares))),
            gone - s * (alive * risen + gone * went.mean_of(went.log_rise)),
            s - alive * s * inverse - gone * (s + 1.0) * went.mean_of(inverses),
        ]
    )
    return value, slopes
