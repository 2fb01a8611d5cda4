"""What does a customer buy who is active and may drop out after each purchase? (M)BG/CNBD-k.

Given the probability p of dropping out (q = 1 - p), the n-th next purchase is made with probability
q^(n-1) if it falls into the window, which it does with F_n(v) by day v: kn - j stages must pass,
j being behind the customer. With z = v/(α+T), κ = r + kx + j and the k-th roots of unity ω_i,

    e(v) = Σ q^(n-1) F_n(v) = g^(j+1-k)/k Σ_i ω_i^(j+1) h(1 - g ω_i),    g = q^(1/k),
    h(c) = (1 - (1+cz)^-κ)/c,

expected purchases by day v, and its slope q de/dq = Σ (n-1) q^(n-1) F_n(v), expected pairs of
purchases. For k = 1 e is (1 - (1+pz)^-κ)/p. Where the sum over roots cancels (q or z small) the sum
over n is short and taken instead. Averaged over p, which given active is beta (a, b + n), on nodes
in log p/(1-p), no hypergeometric function is needed.

Source: own derivation from the assumptions in `beta_geometric_likelihood`; for k = 1 equal to the
hypergeometric forms of the papers named there, which the tests check, for k > 1 without the
approximation that Reutterer, Platzer and Schröder make.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.polynomial.chebyshev import chebval
from scipy.fft import dct
from scipy.special import betainc, betaln, expit, log_expit

from patronage.science.lifetime.beta_geometric_likelihood import BetaGeometric
from patronage.science.lifetime.histories import FloatArray

_NEGLIGIBLE: Final = 45.0
_NODES: Final = 96
_NEWTON_STEPS: Final = 12
_BISECTIONS: Final = 30
_MIDDLE_MARGIN: Final = 3.0
_TERMS: Final = 7
_SHORT_SUM_Q: Final = 1e-2
_SHORT_SUM_STAGES: Final = 0.3
_SMALL: Final = 1e-4
_SMALLEST: Final = 1e-300
#: log q below which only the sum over the next purchases is looked at
_LEAST_LOG_Q: Final = -100.0
_POINTS: Final = (32, 64, 128, 256)
_OFTEN: Final = 128
_INTERPOLATION_ERROR: Final = 1e-11

#: z of any shape -> expected purchases and expected pairs of purchases by then, of that shape
Growth = Callable[[FloatArray], tuple[FloatArray, FloatArray]]


def growth(
    law: BetaGeometric, x: float, j: int, *, furthest: float, evaluations: int, pairs: bool
) -> Growth:
    """Purchases expected by z from an active customer with x purchases and j stages behind.

    Arguments: `furthest`, the largest z that will be asked for; `evaluations`, about how often: if
    often, z is looked up between Chebyshev points in log(1 + (κ+1)z), of which everything is a
    smooth function; `pairs` are answered with 0 where not asked for.
    """
    kappa, survived = law.r + law.k * x + j, x + law.at_first
    dropout = Dropout.of(law.a, law.b + survived, kappa * furthest)

    def direct(z: FloatArray) -> tuple[FloatArray, FloatArray]:
        e, slope = _given_dropout(law.k, j, z[..., None], kappa, dropout, pairs=pairs)
        return e @ dropout.weight, slope @ dropout.weight

    def soon(z: FloatArray) -> tuple[FloatArray, FloatArray]:
        n = np.arange(_TERMS)
        made = np.exp(betaln(law.a, law.b + survived + n) - betaln(law.a, law.b + survived))
        by_then = betainc(law.k * (n + 1) - j, kappa, (z / (1.0 + z))[..., None])
        return by_then @ made, by_then @ (n * made)

    found = _tabulated(direct, kappa, furthest, int(law.k > 1)) if evaluations > _OFTEN else None
    at = direct if found is None else found
    if law.k == 1:
        return at

    def grown(z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """By interpolation, except where that loses the leading digits of very small numbers."""
        e, slope = at(z)
        early = z * (kappa + law.k) < _SHORT_SUM_STAGES
        if early.any():
            e[early], slope[early] = soon(z[early])
        return e, slope if pairs else np.zeros_like(e)

    return grown


def _tabulated(direct: Growth, kappa: float, furthest: float, first: int) -> Growth | None:
    """Chebyshev interpolation of both over κz and (κz)²; None where 256 points do not do."""
    scale, length = kappa + 1.0, np.log1p((kappa + 1.0) * furthest)
    if length == 0.0:
        return None
    for points in _POINTS[first:]:
        angle = np.cos(np.pi * (np.arange(points) + 0.5) / points)
        z = np.expm1((angle + 1.0) / 2.0 * length) / scale
        e, slope = direct(z)
        each = np.stack([e / (scale * z), slope / (scale * z) ** 2])
        coefficients = dct(each, axis=1) / points
        coefficients[:, 0] /= 2.0
        size = np.maximum(np.abs(coefficients).max(axis=1), _SMALLEST)
        if np.all(np.abs(coefficients[:, -4:]).max(axis=1) <= _INTERPOLATION_ERROR * size):
            break
    else:
        return None

    def looked_up(z: FloatArray) -> tuple[FloatArray, FloatArray]:
        place = 2.0 * np.log1p(scale * z) / length - 1.0
        e = chebval(place, coefficients[0]) * (scale * z)
        if not coefficients[1].any():
            return e, np.zeros_like(e)
        return e, chebval(place, coefficients[1]) * (scale * z) ** 2

    return looked_up


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dropout:
    """Nodes for the probability of dropping out; arrays of shape (nodes,)."""

    p: FloatArray
    #: log(1 - p), exact also where p is close to 0 or 1
    log_q: FloatArray
    #: node weights, adding up to 1
    weight: FloatArray

    @classmethod
    def of(cls, a: float, b: float, steepest: float) -> "Dropout":
        """Nodes for beta (a, b) and integrands that move from p = 1/steepest on.

        Trapezoids in u, where y = log p/(1-p) = u + e^(u-right) - e^(left-u): steps even in the
        middle, where the integrand moves, and ever longer in the tails, where only the density
        does. Everything is analytic in u about the real line, so that convergence is geometric.
        """
        lower, upper = _support(a, b)
        left, right = -np.log1p(steepest) - _MIDDLE_MARGIN, _MIDDLE_MARGIN
        u = np.linspace(_place(lower, left, right), _place(upper, left, right), _NODES)
        outward, inward = np.exp(u - right), np.exp(left - u)
        y = u + outward - inward
        log_p, log_q = log_expit(y), log_expit(-y)
        mass = np.exp(a * log_p + b * log_q - betaln(a, b)) * (1.0 + outward + inward)
        return cls(p=np.maximum(expit(y), _SMALLEST), log_q=log_q, weight=mass / mass.sum())


def _log_density(a: float, b: float, y: float) -> float:
    return float(a * log_expit(y) + b * log_expit(-y))


def _support(a: float, b: float) -> tuple[float, float]:
    """Between which y the density of beta (a, b) is above e^-45 of its peak.

    Newton's steps from outside, where the concave log density lies below its asymptotes, cannot
    pass the limits.
    """
    floor = _log_density(a, b, float(np.log(a / b))) - _NEGLIGIBLE
    lower, upper = floor / a, -floor / b
    for _ in range(_NEWTON_STEPS):
        lower += (floor - _log_density(a, b, lower)) / (a - (a + b) * float(expit(lower)))
        upper += (floor - _log_density(a, b, upper)) / (a - (a + b) * float(expit(upper)))
    return lower, upper


def _place(y: float, left: float, right: float) -> float:
    """u where u + e^(u-right) - e^(left-u) = y, by bisection: it need not be exact."""
    low = left - 2.0 - float(np.log1p(max(left - y, 0.0)))
    high = right + 2.0 + float(np.log1p(max(y - right, 0.0)))
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        if middle + np.exp(middle - right) - np.exp(left - middle) < y:
            low = middle
        else:
            high = middle
    return low


def _gone(c: FloatArray, z: FloatArray, kappa: float) -> FloatArray:
    """h(c) = (1 - (1+cz)^-κ)/c."""
    values: FloatArray = -np.expm1(-kappa * np.log1p(c * z)) / c
    return values


def _bent(c: FloatArray, z: FloatArray, kappa: float) -> FloatArray:
    """-h'(c) = z² (1 - (1+y)^-κ - κy (1+y)^(-κ-1))/y² with y = cz, also for small y."""
    y = c * z
    small = y * (kappa + 2.0) < _SMALL
    kept = np.where(small, 1.0, y)
    log = np.log1p(kept)
    direct = (-np.expm1(-kappa * log) - kappa * kept * np.exp(-(kappa + 1.0) * log)) / kept**2
    ahead = 1.0 - (2.0 / 3.0) * (kappa + 2.0) * y + (kappa + 2.0) * (kappa + 3.0) / 4.0 * y**2
    values: FloatArray = z**2 * np.where(small, kappa * (kappa + 1.0) / 2.0 * ahead, direct)
    return values


def _given_dropout(
    k: int, j: int, z: FloatArray, kappa: float, dropout: Dropout, *, pairs: bool
) -> tuple[FloatArray, FloatArray]:
    """e and q de/dq for z of shape (..., 1) on the nodes, shape (..., nodes).

    The latter is 0 where `pairs` are not asked for.
    """
    if k == 1:
        e = _gone(dropout.p, z, kappa)
        bent = _bent(dropout.p, z, kappa) if pairs else np.zeros_like(e)
        return e, np.exp(dropout.log_q) * bent
    log_g = np.maximum(dropout.log_q, _LEAST_LOG_Q) / k
    g, real = np.exp(log_g), np.maximum(-np.expm1(log_g), _SMALLEST)
    e = _gone(real, z, kappa)
    turned = _bent(real, z, kappa) if pairs else np.zeros_like(e)
    for i in range(1, k // 2 + 1):
        root, times = np.exp(2j * np.pi * i / k), 1.0 if 2 * i == k else 2.0
        c = 1.0 - g * root
        y = c * z
        left = np.exp(-kappa * np.log(1.0 + y))
        e += times * np.real(root ** (j + 1) / c * (1.0 - left))
        if pairs:
            bent = 1.0 - left * (1.0 + kappa * y / (1.0 + y))
            turned += times * np.real(root ** (j + 2) / c**2 * bent)
    e *= g ** (j + 1 - k) / k
    slope = ((j + 1 - k) * e + g ** (j + 2 - k) / k * turned) / k if pairs else np.zeros_like(e)
    short = (dropout.log_q < np.log(_SHORT_SUM_Q)) | (z * (kappa + k) < _SHORT_SUM_STAGES)
    few, few_pairs = _short_sums(k, j, z, kappa, np.exp(dropout.log_q))
    return np.where(short, few, e), np.where(short, few_pairs, slope) if pairs else slope


def _short_sums(
    k: int, j: int, z: FloatArray, kappa: float, q: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The sums over the next purchases, cut where q^n or F_n is negligible."""
    share = z / (1.0 + z)
    e, slope = np.zeros_like(q), np.zeros_like(q)
    for n in range(_TERMS, 0, -1):
        by_then = betainc(k * n - j, kappa, share)
        e = e * q + by_then
        slope = slope * q + (n - 1) * by_then
    return e, slope
