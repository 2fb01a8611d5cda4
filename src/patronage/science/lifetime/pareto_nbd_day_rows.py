"""The Pareto/NBD likelihood of whole-day histories as the sum of two look-ups.

With f(u) = (α+u)^-k (β+u)^-(s+1), k = r + x, and D(d) = ∫_d^last f du, the likelihood of a history
is, up to factors of x alone,

    (β+T) f(T) + s ∫_{t_x}^{T} f du  =  [(β+T) f(T) - s D(T)] + s D(t_x):

one term that depends on (x, T), one on (x, t_x), and neither is negative, because
s ∫_T^∞ (β+u)^-(s+1) du = (β+T)^-s. For each x both are rows of a table by day, so a history costs
two look-ups whatever its frequency. From one x to the next f is divided by α+u, so that a band of
neighbouring frequencies costs one multiplication a node. A band is scaled to 1 at a reference day,
before which none of its histories has a recency.

The same model and sources as the direct likelihood, with which tests compare it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from patronage.science.lifetime.histories import BoolArray, FloatArray
from patronage.science.lifetime.pareto_nbd_likelihood import Shape
from patronage.science.lifetime.quadrature import unit_nodes

IndexArray = NDArray[np.intp]

#: direct integration of one history costs about as much as a row's this many days
DAYS_A_HISTORY: Final = 100
#: rows times days of a table: 200 MB at most while it is worked out
LARGEST_TABLE: Final = 2_000_000
#: nodes a day, the steepest fall of log f a day and the shortest scale that they resolve to 1e-11
_RULES: Final = ((5, 1.0, 8.0), (8, 5.0, 1.0))
#: fall of log f from a row's reference to the last day that a double holds with all its digits
_DEEPEST: Final = 650.0
#: frequencies in a band, so that its nodes stay in the processor's cache
_BAND: Final = 16


def pays_for_a_row(histories: IndexArray, days: int) -> BoolArray:
    """Of each frequency: have enough histories it for a row, the commonest first where many do?"""
    pays: BoolArray = histories * DAYS_A_HISTORY >= days
    most = LARGEST_TABLE // days
    if pays.sum() > most:
        pays[np.argsort(-histories, kind="stable")[most:]] = False
    return pays


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Band:
    """Neighbouring rows that are worked out together."""

    #: rows from `start` to before `stop`
    start: int
    stop: int
    #: the day at which f is 1, and before which the band is left empty
    first: int
    #: f at the nodes relative to f on the first day, shape (1 + n, rows of the band, days on)
    f: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DayRows:
    """Which frequencies have rows in the tables; arrays of shape (rows,), ascending."""

    #: x of each row
    frequencies: FloatArray
    #: a day of each row that no recency of this or a higher frequency comes before
    soonest: IndexArray
    #: days from 0 to the oldest age, both included
    days: int

    def resolved(self, shape: Shape) -> BoolArray:
        """Of each row: do the nodes resolve it and does a double hold it, at these parameters?

        It then holds of these rows without the others too, whose bands may be other ones.
        """
        resolved = self._resolved_as_banded(shape)
        while not (again := self.only(resolved)._resolved_as_banded(shape)).all():
            resolved[resolved] = again
        return resolved

    def only(self, kept: BoolArray) -> "DayRows":
        """These rows only."""
        return DayRows(
            frequencies=self.frequencies[kept], soonest=self.soonest[kept], days=self.days
        )

    def nodes(self, shape: Shape) -> tuple[FloatArray, FloatArray]:
        """Where f is taken: days, shape (1 + n, days), each day itself first; weights (1 + n,)."""
        steepest = float(self._steepness(shape).max(initial=0.0))
        shortest = min(shape.alpha, shape.beta)
        enough = [n for n, most, least in _RULES if steepest <= most and shortest >= least]
        inside, weights = unit_nodes(min(enough, default=_RULES[-1][0]))
        offsets = np.concatenate(([0.0], inside))
        u = offsets[:, None] + np.arange(self.days, dtype=np.float64)
        return u, np.concatenate(([0.0], weights))

    @property
    def reference(self) -> IndexArray:
        """The first day of each row's band."""
        reference = np.empty_like(self.soonest)
        for start, stop in self._bands():
            reference[start:stop] = self.soonest[start]
        return reference

    def bands(self, shape: Shape, u: FloatArray) -> list[Band]:
        """The integrand of every row, band by band."""
        to_alpha = np.log1p(u / shape.alpha)
        to_beta = (shape.s + 1.0) * np.log1p(u / shape.beta)
        powers = _powers(shape.alpha / (shape.alpha + u))
        found = []
        for start, stop in self._bands():
            first, x = int(self.soonest[start]), self.frequencies[start:stop]
            exponent = (shape.r + x[0]) * (to_alpha[0, first] - to_alpha[:, first:])
            exponent += to_beta[0, first] - to_beta[:, first:]
            lowest = np.exp(exponent, out=exponent)
            above = (x - x[0]).astype(np.intp)
            rising = powers[above] if above[-1] >= above.size else powers[: above.size]
            f = lowest[:, None] * rising[:, :, first:].transpose(1, 0, 2)
            f *= (1.0 / rising[:, 0, first])[:, None]
            found.append(Band(start=start, stop=stop, first=first, f=f))
        return found

    def _resolved_as_banded(self, shape: Shape) -> BoolArray:
        _, steepest, shortest = _RULES[-1]
        last, reference = self.days - 1, self.reference
        across = np.log((shape.alpha + last) / (shape.alpha + reference))
        fall = (shape.r + self.frequencies + _BAND) * across + (shape.s + 1.0) * np.log(
            (shape.beta + last) / (shape.beta + reference)
        )
        held = fall + _BAND * np.log1p(reference / shape.alpha) <= _DEEPEST
        smooth = self._steepness(shape) <= steepest
        resolved: BoolArray = smooth & held & (min(shape.alpha, shape.beta) >= shortest)
        return resolved

    def _bands(self) -> list[tuple[int, int]]:
        """Rows from and to: frequencies less than `_BAND` apart."""
        bands, start = [], 0
        while start < self.frequencies.size:
            end = self.frequencies[start] + _BAND
            stop = int(np.searchsorted(self.frequencies, end))
            bands.append((start, stop))
            start = stop
        return bands

    def _steepness(self, shape: Shape) -> FloatArray:
        at_alpha, at_beta = shape.alpha + self.reference, shape.beta + self.reference
        steep: FloatArray = (shape.r + self.frequencies) / at_alpha + (shape.s + 1.0) / at_beta
        return steep


def _powers(ratio: FloatArray) -> FloatArray:
    """The ratio to the powers 0, 1, … below the width of a band, shape (width, …)."""
    powers = np.ones((_BAND, *ratio.shape))
    for power in range(1, _BAND):
        np.multiply(powers[power - 1], ratio, out=powers[power])
    return powers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LikelihoodTables:
    """The tables at some parameters, shape (rows, days); 0 before a row's reference day."""

    #: D(d), the integral of f from each day to the last
    dropout: FloatArray
    #: (β+d) f(d): alive all the time until that day
    alive: FloatArray
    #: (β+d) f(d) - s D(d): what a history that ends at this age adds to s D(t_x)
    at_age: FloatArray
    #: what they were made of
    bands: list[Band]


def likelihood_tables(rows: DayRows, shape: Shape) -> LikelihoodTables:
    """Build the tables of rows that are resolved at these parameters."""
    u, weights = rows.nodes(shape)
    to_beta = shape.beta + u[0]
    dropout = np.zeros((rows.frequencies.size, rows.days))
    alive = np.zeros_like(dropout)
    bands = rows.bands(shape, u)
    for band in bands:
        here, first = slice(band.start, band.stop), band.first
        inside = np.einsum("nrd,n->rd", band.f[:, :, :-1], weights)
        np.add.accumulate(inside[:, ::-1], axis=1, out=dropout[here, first:-1][:, ::-1])
        np.multiply(to_beta[first:], band.f[0], out=alive[here, first:])
    at_age = alive - shape.s * dropout
    return LikelihoodTables(dropout=dropout, alive=alive, at_age=at_age, bands=bands)
