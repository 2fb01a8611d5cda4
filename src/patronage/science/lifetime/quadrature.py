"""Integrals of products of two power laws, without hypergeometric functions.

Every Pareto/NBD quantity that is not elementary is

    J(p, q, a, b) = ∫_a^b ((α+a)/(α+u))^p ((β+a)/(β+u))^q du,

the integrand being 1 at u = a and falling. In w = log((m+u)/(m+a)) with m = min(α, β) it is
analytic in a strip of half-width π whatever the parameters, so that Gauss–Legendre nodes converge
geometrically. The tail beyond the point where either power law alone, integrated, has fallen by
e^-40 holds less than e^-40 of the integral and is cut, which keeps the nodes where the mass is at
any frequency.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from patronage.science.lifetime.histories import FloatArray

_NEGLIGIBLE: Final = 40.0
_LARGEST_STRETCH: Final = 60.0
_ROWS_AT_ONCE: Final = 4096


@cache
def unit_nodes(count: int) -> tuple[FloatArray, FloatArray]:
    """Gauss–Legendre nodes and weights on [0, 1], read-only."""
    found = np.polynomial.legendre.leggauss(count)
    nodes, weights = (found[0] + 1.0) / 2.0, found[1] / 2.0
    nodes.flags.writeable = weights.flags.writeable = False
    return nodes, weights


def sum_of_products(a: FloatArray, b: FloatArray) -> float:
    """Σ a b over all places of two arrays of one shape.

    For long arrays: the product that NumPy hands to its linear algebra library wakes that library's
    threads, whose waiting costs more processor time than the sum.
    """
    return float(np.einsum("i,i->", a.ravel(), b.ravel()))


_NODES, _WEIGHTS = unit_nodes(32)


def row_blocks(rows: int) -> list[slice]:
    """Blocks of rows whose node arrays fit the processor's cache."""
    return [slice(start, start + _ROWS_AT_ONCE) for start in range(0, rows, _ROWS_AT_ONCE)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerLaws:
    """The integrand evaluated on its nodes; arrays of shape (rows, nodes)."""

    #: integrand times node weight
    mass: FloatArray
    #: u - a
    offset: FloatArray
    #: log((α+u)/(α+a))
    log_alpha: FloatArray
    #: log((β+u)/(β+a))
    log_beta: FloatArray
    #: integral per row, shape (rows,)
    total: FloatArray

    def mean_of(self, values: FloatArray) -> FloatArray:
        """Average of `values`, shape (rows, nodes), under the integrand; shape (rows,)."""
        weighted: FloatArray = np.einsum("ij,ij->i", self.mass, values)
        average: FloatArray = weighted / self.mass.sum(axis=1)
        return average


def _cut(exponent: FloatArray | float, edge: FloatArray) -> FloatArray:
    """How far from the lower end ((edge)/(edge+d))^(exponent-1) takes to become negligible."""
    decay = np.maximum(np.asarray(exponent) - 1.0, _NEGLIGIBLE / _LARGEST_STRETCH)
    distance: FloatArray = edge * np.expm1(_NEGLIGIBLE / decay)
    return distance


def power_laws(
    p: FloatArray, q: float, alpha: float, beta: float, lower: FloatArray, upper: FloatArray
) -> PowerLaws:
    """Evaluate J for rows of (p, lower, upper), all of shape (rows,), lower <= upper.

    A row with lower = upper has the integral 0, and averages equal to the value at that point.
    """
    at_alpha, at_beta = alpha + lower, beta + lower
    span = np.minimum(upper - lower, np.minimum(_cut(p, at_alpha), _cut(q, at_beta)))
    nearest = np.minimum(at_alpha, at_beta)
    width = np.log1p(span / nearest)
    w = width[:, None] * _NODES
    offset = nearest[:, None] * np.expm1(w)
    log_alpha = w if alpha <= beta else np.log1p(offset / at_alpha[:, None])
    log_beta = w if beta <= alpha else np.log1p(offset / at_beta[:, None])
    mass = np.exp(w - p[:, None] * log_alpha - q * log_beta)
    mass *= _WEIGHTS
    return PowerLaws(
        mass=mass,
        offset=offset,
        log_alpha=log_alpha,
        log_beta=log_beta,
        total=width * nearest * mass.sum(axis=1),
    )
