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

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln, expit, log_expit

from patronage.science.lifetime.beta_geometric_likelihood import IndexArray
from patronage.science.lifetime.histories import FloatArray

_NEGLIGIBLE: Final = 45.0
_NODES: Final = 96
_NEWTON_STEPS: Final = 12
_TERMS: Final = 7
_SHORT_SUM_Q: Final = 1e-2
_SHORT_SUM_STAGES: Final = 0.3
_SMALL: Final = 1e-4
_SMALLEST: Final = 1e-300
#: log q below which only the sum over the next purchases is looked at
_LEAST_LOG_Q: Final = -100.0

ComplexOrFloatArray = NDArray[np.float64] | NDArray[np.complex128]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dropout:
    """Nodes for the probability of dropping out; arrays of shape (rows, nodes)."""

    p: FloatArray
    #: log(1 - p), exact also where p is close to 0 or 1
    log_q: FloatArray
    #: node weights, adding up to 1 in each row
    weight: FloatArray

    @classmethod
    def of(cls, a: float, b: FloatArray, steepest: FloatArray) -> "Dropout":
        """Nodes for beta (a, b) of shape (rows,) and integrands that move from p = 1/steepest on.

        Trapezoids in u, where y = log p/(1-p) = u + e^(u-right) - e^(left-u): steps even in the
        middle, where the integrand moves, and ever longer in the tails, where only the density
        does. Everything is analytic in u about the real line, so that convergence is geometric.
        """
        lower, upper = _support(a, b)
        left, right = -np.log1p(steepest) - 3.0, np.full(b.shape, 3.0)
        first, last = _place(lower, left, right), _place(upper, left, right)
        u = first[:, None] + (last - first)[:, None] * np.linspace(0.0, 1.0, _NODES)
        outward, inward = np.exp(u - right[:, None]), np.exp(left[:, None] - u)
        y = u + outward - inward
        log_p, log_q = log_expit(y), log_expit(-y)
        log_density = a * log_p + b[:, None] * log_q - betaln(a, b)[:, None]
        mass = np.exp(log_density) * (1.0 + outward + inward)
        p = np.maximum(expit(y), _SMALLEST)
        return cls(p=p, log_q=log_q, weight=mass / mass.sum(axis=1, keepdims=True))

    def rows(self, which: IndexArray) -> "Dropout":
        """The nodes of some rows, repeated as asked."""
        return Dropout(p=self.p[which], log_q=self.log_q[which], weight=self.weight[which])


def _log_density(a: float, b: FloatArray, y: FloatArray) -> FloatArray:
    density: FloatArray = a * log_expit(y) + b * log_expit(-y)
    return density


def _support(a: float, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Between which y the density of beta (a, b) is above e^-45 of its peak.

    Newton's steps from outside, where the concave log density lies below its asymptotes, cannot
    pass the limits.
    """
    floor = _log_density(a, b, np.log(a / b)) - _NEGLIGIBLE
    lower, upper = floor / a, -floor / b
    for _ in range(_NEWTON_STEPS):
        below, above = expit(lower), expit(upper)
        lower = lower + (floor - _log_density(a, b, lower)) / (a - (a + b) * below)
        upper = upper + (floor - _log_density(a, b, upper)) / (a - (a + b) * above)
    return lower, upper


def _place(y: FloatArray, left: FloatArray, right: FloatArray) -> FloatArray:
    """u where u + e^(u-right) - e^(left-u) = y, by bisection: it need not be exact."""
    low = np.where(y < left, left - np.log1p(np.maximum(left - y, 0.0)) - 1.0, left - 2.0)
    high = np.where(y > right, right + np.log1p(np.maximum(y - right, 0.0)) + 1.0, right + 2.0)
    for _ in range(30):
        middle = (low + high) / 2.0
        short = middle + np.exp(middle - right) - np.exp(left - middle) < y
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return low


def _gone(c: ComplexOrFloatArray, z: FloatArray, kappa: FloatArray) -> ComplexOrFloatArray:
    """h(c) = (1 - (1+cz)^-κ)/c."""
    values: ComplexOrFloatArray = -np.expm1(-kappa * np.log1p(c * z)) / c
    return values


def _bent(c: ComplexOrFloatArray, z: FloatArray, kappa: FloatArray) -> ComplexOrFloatArray:
    """-h'(c) = z² (1 - (1+y)^-κ - κy (1+y)^(-κ-1))/y² with y = cz, also for small y."""
    y = c * z
    small = np.abs(y) * (kappa + 2.0) < _SMALL
    kept = np.where(small, 1.0, y)
    log = np.log1p(kept)
    direct = (-np.expm1(-kappa * log) - kappa * kept * np.exp(-(kappa + 1.0) * log)) / kept**2
    ahead = 1.0 - (2.0 / 3.0) * (kappa + 2.0) * y + (kappa + 2.0) * (kappa + 3.0) / 4.0 * y**2
    series = kappa * (kappa + 1.0) / 2.0 * ahead
    values: ComplexOrFloatArray = z**2 * np.where(small, series, direct)
    return values


def purchases_given_dropout(
    k: int, j: int, z: FloatArray, kappa: FloatArray, dropout: Dropout, *, pairs: bool
) -> tuple[FloatArray, FloatArray]:
    """e and q de/dq on the nodes of each row, shape (rows, nodes); z and κ of shape (rows,).

    The latter is 0 where `pairs` are not asked for.
    """
    z_column, shape = z[:, None], kappa[:, None]
    if k == 1:
        e = np.real(_gone(dropout.p, z_column, shape))
        bent = np.real(_bent(dropout.p, z_column, shape)) if pairs else np.zeros_like(e)
        return e, np.exp(dropout.log_q) * bent
    root = np.exp(2j * np.pi / k)
    log_g = np.maximum(dropout.log_q, _LEAST_LOG_Q) / k
    g = np.exp(log_g)
    e, turned = np.zeros_like(g), np.zeros_like(g)
    for i in range(k // 2 + 1):
        times = 1.0 if i == 0 or 2 * i == k else 2.0
        c = np.maximum(-np.expm1(log_g), _SMALLEST) if i == 0 else 1.0 - g * root**i
        e += times * np.real(root ** (i * (j + 1)) * _gone(c, z_column, shape))
        if pairs:
            turned += times * np.real(root ** (i * (j + 2)) * _bent(c, z_column, shape))
    e *= g ** (j + 1 - k) / k
    slope = ((j + 1 - k) * e + g ** (j + 2 - k) / k * turned) / k
    short = (dropout.log_q < np.log(_SHORT_SUM_Q)) | (z * (kappa + k) < _SHORT_SUM_STAGES)[:, None]
    few, few_pairs = _short_sums(k, j, z, kappa, np.exp(dropout.log_q))
    return np.where(short, few, e), np.where(short, few_pairs, slope)


def _short_sums(
    k: int, j: int, z: FloatArray, kappa: FloatArray, q: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The sums over the next purchases, cut where q^n or F_n is negligible."""
    share = z / (1.0 + z)
    e, slope = np.zeros_like(q), np.zeros_like(q)
    for n in range(_TERMS, 0, -1):
        by_then = betainc(k * n - j, kappa, share)[:, None]
        e = e * q + by_then
        slope = slope * q + (n - 1) * by_then
    return e, slope
