"""How likely is a history of discrete opportunities under the BG/BB model?

Alive through opportunity j and buying at x of them has probability (averaged over customers)
B(α+x, β+j-x)/B(α,β); living exactly j opportunities B(γ+1, δ+j)/B(γ,δ), at least n of them
B(γ, δ+n)/B(γ,δ). A history of x purchases in n opportunities, the last at t_x, is the sum over the
possible lifetimes,

    L = Σ_{j=t_x}^{n-1} B(α+x, β+j-x) B(γ+1, δ+j) / B(α,β)B(γ,δ) + B(α+x, β+n-x) B(γ, δ+n) / same:

Fader, Hardie and Shang (2010), "Customer-base analysis in a discrete-time noncontractual setting",
Marketing Science 29(6), equation 5. Sums are taken in logs, so that no history underflows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, digamma

from patronage.science.lifetime.histories import FloatArray

_TERMS_AT_ONCE: Final = 400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscreteShape:
    """Parameters of the two beta distributions."""

    alpha: float
    beta: float
    gamma: float
    delta: float


class _Terms(NamedTuple):
    """Every possible lifetime of every history, flat; the last one of each is alive at n."""

    #: first term of each history
    first: NDArray[np.intp]
    #: history of each term
    owner: NDArray[np.intp]
    #: opportunities lived through
    lived: FloatArray
    #: 1 where the customer dropped out after them, 0 where alive at n
    gone: FloatArray


def _terms(t_x: FloatArray, n: FloatArray) -> _Terms:
    counts = (n - t_x).astype(np.intp) + 1
    first = np.concatenate(([0], np.cumsum(counts)[:-1]))
    owner = np.repeat(np.arange(counts.size), counts)
    lived = t_x[owner] + (np.arange(owner.size) - first[owner])
    return _Terms(first, owner, lived, (lived < n[owner]).astype(np.float64))


def _blocks(t_x: FloatArray, n: FloatArray) -> Iterator[slice]:
    """Rows whose terms together fit the memory set aside."""
    ends = np.cumsum(n - t_x + 1.0)
    start = 0
    while start < n.size:
        before = ends[start - 1] if start else 0.0
        stop = int(np.searchsorted(ends, before + _TERMS_AT_ONCE, side="right"))
        yield slice(start, max(stop, start + 1))
        start = max(stop, start + 1)


def log_likelihoods(
    shape: DiscreteShape, x: FloatArray, t_x: FloatArray, n: FloatArray
) -> FloatArray:
    """Log-likelihood of each history, shape (rows,)."""
    return np.concatenate(
        [_weighed(shape, x[rows], t_x[rows], n[rows]).value for rows in _blocks(t_x, n)]
    )


def weighted_log_likelihood(
    shape: DiscreteShape, x: FloatArray, t_x: FloatArray, n: FloatArray, weight: FloatArray
) -> tuple[float, FloatArray]:
    """Sum of weight times log-likelihood, and its gradient in log(α, β, γ, δ), shape (4,)."""
    total, gradient = 0.0, np.zeros(4)
    for rows in _blocks(t_x, n):
        weighed = _weighed(shape, x[rows], t_x[rows], n[rows])
        total += float(weight[rows] @ weighed.value)
        share = weighed.share * weight[rows][weighed.terms.owner]
        gradient += _slopes(shape, x[rows], weighed.terms) @ share
    gradient -= float(weight.sum()) * _slopes_at_start(shape)
    return total, gradient * (shape.alpha, shape.beta, shape.gamma, shape.delta)


class _Weighed(NamedTuple):
    """What each possible lifetime contributes to the likelihood of its history."""

    terms: _Terms
    #: posterior probability of each lifetime
    share: FloatArray
    #: log-likelihood of each history
    value: FloatArray


def _weighed(shape: DiscreteShape, x: FloatArray, t_x: FloatArray, n: FloatArray) -> _Weighed:
    alpha, beta, gamma, delta = shape.alpha, shape.beta, shape.gamma, shape.delta
    terms = _terms(t_x, n)
    bought, lived = x[terms.owner], terms.lived
    log_term: FloatArray = betaln(alpha + bought, beta + lived - bought) + betaln(
        gamma + terms.gone, delta + lived
    )
    highest = np.asarray(np.maximum.reduceat(log_term, terms.first), dtype=np.float64)
    share = np.exp(log_term - highest[terms.owner])
    total = np.asarray(np.add.reduceat(share, terms.first), dtype=np.float64)
    start = float(betaln(alpha, beta) + betaln(gamma, delta))
    share = share / total[terms.owner]
    return _Weighed(terms, share, np.log(total) + highest - start)


def _slopes(shape: DiscreteShape, x: FloatArray, terms: _Terms) -> FloatArray:
    """Slopes of the log of each term in (α, β, γ, δ), shape (4, terms)."""
    bought, lived, gone = x[terms.owner], terms.lived, terms.gone
    chances = digamma(shape.alpha + shape.beta + lived)
    lives = digamma(shape.gamma + shape.delta + gone + lived)
    return np.stack(
        [
            digamma(shape.alpha + bought) - chances,
            digamma(shape.beta + lived - bought) - chances,
            digamma(shape.gamma + gone) - lives,
            digamma(shape.delta + lived) - lives,
        ]
    )


def _slopes_at_start(shape: DiscreteShape) -> FloatArray:
    """Slopes of log B(α, β) and log B(γ, δ)."""
    both, lifetimes = digamma(shape.alpha + shape.beta), digamma(shape.gamma + shape.delta)
    return np.array(
        [
            digamma(shape.alpha) - both,
            digamma(shape.beta) - both,
            digamma(shape.gamma) - lifetimes,
            digamma(shape.delta) - lifetimes,
        ]
    )
