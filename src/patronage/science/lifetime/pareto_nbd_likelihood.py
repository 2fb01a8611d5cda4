"""How likely is a history under the Pareto/NBD model?

Purchases come as a Poisson process whose rate is gamma distributed over customers (shape r, rate
α); lifetimes are exponential with a gamma distributed rate (shape s, rate β). With k = r + x,

    L = Γ(k)/Γ(r) α^r β^s [ (α+T)^-k (β+T)^-s + s ∫_{t_x}^{T} (α+u)^-k (β+u)^-(s+1) du ]:

either the customer is alive at T, or dropped out at some u after the last purchase. Integrating the
dropout time out last leaves one smooth, positive integrand, and no difference of large terms.

Source: Schmittlein, Morrison and Colombo (1987), "Counting your customers", Management Science
33(1); the individual likelihood as in Fader and Hardie's note on deriving the Pareto/NBD model
(2005).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, expit, gammaln

from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.quadrature import PowerLaws, power_laws, row_blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Parameters on whatever time unit the histories have."""

    r: float
    alpha: float
    s: float
    beta: float


def dropped_out(
    shape: Shape, x: FloatArray, t_x: FloatArray, T: FloatArray
) -> tuple[FloatArray, PowerLaws]:
    """Log odds of having dropped out by T against being alive, and the dropout density behind it.

    Odds: s ∫_{t_x}^{T} ((α+T)/(α+u))^k ((β+T)/(β+u))^s du/(β+u); -inf where t_x = T.
    """
    laws = power_laws(shape.r + x, shape.s + 1.0, shape.alpha, shape.beta, t_x, T)
    longer_alpha = np.log1p((T - t_x) / (shape.alpha + t_x))
    longer_beta = np.log1p((T - t_x) / (shape.beta + t_x))
    with np.errstate(divide="ignore"):
        log_total = np.log(laws.total)
    log_odds: FloatArray = (
        (shape.r + x) * longer_alpha
        + shape.s * longer_beta
        + np.log(shape.s)
        - np.log(shape.beta + t_x)
        + log_total
    )
    return log_odds, laws


def weighted_log_likelihood(
    shape: Shape, x: FloatArray, t_x: FloatArray, T: FloatArray, weight: FloatArray
) -> tuple[float, FloatArray]:
    """Sum of weight times log-likelihood, and its gradient in log(r, α, s, β), shape (4,)."""
    total, gradient = 0.0, np.zeros(4)
    for rows in row_blocks(x.size):
        value, slopes = _with_gradient(shape, x[rows], t_x[rows], T[rows])
        total += float(weight[rows] @ value)
        gradient += slopes @ weight[rows]
    return total, gradient


def _with_gradient(
    shape: Shape, x: FloatArray, t_x: FloatArray, T: FloatArray
) -> tuple[FloatArray, FloatArray]:
    r, alpha, s, beta = shape.r, shape.alpha, shape.s, shape.beta
    k = r + x
    log_odds, laws = dropped_out(shape, x, t_x, T)
    alive, gone = expit(-log_odds), expit(log_odds)
    aged_alpha, aged_beta = np.log1p(T / alpha), np.log1p(T / beta)
    value = (
        gammaln(k)
        - gammaln(r)
        - r * aged_alpha
        - x * np.log(alpha + T)
        - s * aged_beta
        + np.logaddexp(0.0, log_odds)
    )
    gone_alpha = np.log1p(t_x / alpha) + laws.mean_of(laws.log_alpha)
    gone_beta = np.log1p(t_x / beta) + laws.mean_of(laws.log_beta)
    inverse_alpha = laws.mean_of(1.0 / ((alpha + t_x)[:, None] + laws.offset))
    inverse_beta = laws.mean_of(1.0 / ((beta + t_x)[:, None] + laws.offset))
    slopes = np.stack(
        [
            r * (digamma(k) - digamma(r) - alive * aged_alpha - gone * gone_alpha),
            r - alpha * k * (alive / (alpha + T) + gone * inverse_alpha),
            gone - s * (alive * aged_beta + gone * gone_beta),
            s - beta * (alive * s / (beta + T) + gone * (s + 1.0) * inverse_beta),
        ]
    )
    return value, slopes
