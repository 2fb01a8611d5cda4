"""The Pareto/NBD likelihood of whole-day histories as the sum of two look-ups.

With f(u) = (α+u)^-k (β+u)^-(s+1), k = r + x, and D(d) = ∫_d^last f du, the likelihood of a history
is, up to factors of x alone,

    (β+T) f(T) + s ∫_{t_x}^{T} f du  =  [(β+T) f(T) - s D(T)] + s D(t_x):

one term that depends on (x, T), one on (x, t_x), and neither is negative, because
s ∫_T^∞ (β+u)^-(s+1) du = (β+T)^-s. For each x both are rows of a table by day, so a history costs
two look-ups whatever its frequency. From one x to the next f is divided by α+u, so that a row of
consecutive frequencies costs a multiplication a node. Rows are scaled to 1 at a reference day of
their own, before which they have no history.

The same model and sources as the direct likelihood, with which tests compare it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from patronage.science.lifetime.histories import BoolArray, FloatArray
from patronage.science.lifetime.pareto_nbd_likelihood import Shape
from patronage.science.lifetime.quadrature import unit_nodes

IndexArray = NDArray[np.intp]

#: direct integration of one history costs about as much as a row's this many days
DAYS_A_HISTORY: Final = 200
#: rows times days of a table
LARGEST_TABLE: Final = 10_000_000
#: nodes a day, the steepest fall of log f a day and the shortest scale that they resolve to 1e-11
_RULES: Final = ((5, 1.0, 8.0), (8, 5.0, 1.0))
#: fall of log f from a row's reference to the last day that a double holds with all its digits
_DEEPEST: Final = 600.0
_RESTART: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DayRows:
    """Which frequencies have rows in the tables; arrays of shape (rows,), ascending."""

    #: x of each row
    frequencies: FloatArray
    #: first day of each row, ascending, at which it is 1; no recency is shorter
    reference: IndexArray
    #: days from 0 to the oldest age, both included
    days: int

    def resolved(self, shape: Shape) -> BoolArray:
        """Of each row: do the nodes resolve it and does a double hold it, at these parameters?"""
        _, steepest, shortest = _RULES[-1]
        smooth = self._steepness(shape) <= steepest
        last = self.days - 1
        fall = (shape.r + self.frequencies) * np.log(
            (shape.alpha + last) / (shape.alpha + self.reference)
        ) + (shape.s + 1.0) * np.log((shape.beta + last) / (shape.beta + self.reference))
        held: BoolArray = smooth & (fall <= _DEEPEST)
        return held & (min(shape.alpha, shape.beta) >= shortest)

    def only(self, kept: BoolArray) -> "DayRows":
        """These rows only."""
        return DayRows(
            frequencies=self.frequencies[kept], reference=self.reference[kept], days=self.days
        )

    def nodes(self, shape: Shape) -> tuple[FloatArray, FloatArray]:
        """Where f is taken: days, shape (days, 1 + n), each day itself first; weights (1 + n,)."""
        steepest = float(self._steepness(shape).max(initial=0.0))
        shortest = min(shape.alpha, shape.beta)
        count = next(
            (n for n, most, least in _RULES if steepest <= most and shortest >= least),
            _RULES[-1][0],
        )
        inside, weights = unit_nodes(count)
        offsets = np.concatenate(([0.0], inside))
        u = np.arange(self.days, dtype=np.float64)[:, None] + offsets
        return u, np.concatenate(([0.0], weights))

    def integrands(self, shape: Shape, u: FloatArray) -> Iterator[tuple[int, FloatArray]]:
        """First day of each row, and f from there on at the nodes relative to f at that day."""
        to_alpha = np.log((shape.alpha + u) / shape.alpha)
        to_beta = (shape.s + 1.0) * np.log((shape.beta + u) / shape.beta)
        divisor = 1.0 / (shape.alpha + u)
        f, before, since = u, 0, 0
        for row, (x, first) in enumerate(
            zip(self.frequencies.tolist(), self.reference.tolist(), strict=True)
        ):
            follows = row > 0 and x == self.frequencies[row - 1] + 1.0 and since < _RESTART
            if follows:
                f = f[first - before :] * divisor[first:]
                f /= f[0, 0]
                since += 1
            else:
                exponent = (shape.r + x) * (to_alpha[first, 0] - to_alpha[first:])
                exponent += to_beta[first, 0] - to_beta[first:]
                f = np.exp(exponent, out=exponent)
                since = 0
            before = first
            yield first, f

    def _steepness(self, shape: Shape) -> FloatArray:
        at_alpha, at_beta = shape.alpha + self.reference, shape.beta + self.reference
        steep: FloatArray = (shape.r + self.frequencies) / at_alpha + (shape.s + 1.0) / at_beta
        return steep


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LikelihoodTables:
    """The tables at some parameters, shape (rows, days); 0 before a row's reference day."""

    #: D(d), the integral of f from each day to the last
    dropout: FloatArray
    #: (β+d) f(d): alive all the time until that day
    alive: FloatArray
    #: (β+d) f(d) - s D(d): what a history that ends at this age adds to s D(t_x)
    at_age: FloatArray


def likelihood_tables(rows: DayRows, shape: Shape) -> LikelihoodTables:
    """Build the tables of rows that are resolved at these parameters."""
    u, weights = rows.nodes(shape)
    to_beta = shape.beta + u[:, 0]
    dropout = np.zeros((rows.frequencies.size, rows.days))
    alive = np.zeros_like(dropout)
    for row, (first, f) in enumerate(rows.integrands(shape, u)):
        inside = np.einsum("dn,n->d", f[:-1], weights)
        np.cumsum(inside[::-1], out=dropout[row, first:-1][::-1])
        np.multiply(to_beta[first:], f[:, 0], out=alive[row, first:])
    return LikelihoodTables(dropout=dropout, alive=alive, at_age=alive - shape.s * dropout)
