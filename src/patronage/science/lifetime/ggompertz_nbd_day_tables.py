"""The GGompertz/NBD likelihood of many histories in whole days, by look-up, with its gradient.

With q = sb/β, y as in `ggompertz_nbd_likelihood` and f(u) = (α+u)^-k e^(bu) (β/e^y(u))^(s+1),
a history's likelihood is A(T) + q (C(t_x) - C(T)): A is the term of those alive, C(d) the integral
of f from day d to the last one. Of each x that many histories share, A and C are one row of a table
by day, each day integrated on a few Gauss-Legendre nodes. The gradient is taken backwards: what the
histories' logarithms owe to each entry is summed first, then multiplied with the entries' own
derivatives, which all rows share but for a factor.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from patronage.science.lifetime.cells import Cells
from patronage.science.lifetime.ggompertz_nbd_likelihood import Gompertz, weighted_log_likelihood
from patronage.science.lifetime.histories import BoolArray, FloatArray
from patronage.science.lifetime.quadrature import unit_nodes

IndexArray = NDArray[np.intp]

_NODES, _WEIGHTS = unit_nodes(6)
#: a history integrated directly costs about as much as this many days of a row
_DAYS_A_HISTORY: Final = 10
_LARGEST_TABLE: Final = 4_000_000
#: six nodes a day are good to 1e-11 within these limits
_NEAREST_POLE: Final = 2.0
_FASTEST_GROWTH: Final = 1.0
_STEEPEST_A_DAY: Final = 2.0
_LARGEST_RANGE: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DayTables:
    """Cells arranged for look-up."""

    cells: Cells
    #: whether each cell has a row, shape (cells,)
    has_row: BoolArray
    #: x of each row, and the soonest day its cells ask for
    frequencies: FloatArray
    soonest: FloatArray
    #: of each cell with a row: the row, T and t_x
    row: IndexArray
    age: IndexArray
    recency: IndexArray
    days: int

    @classmethod
    def of(cls, cells: Cells) -> "DayTables | None":
        """Arrange the cells, or None where look-up is impossible or costs more than it saves."""
        days = float(cells.age.max()) + 1.0
        starts = np.flatnonzero(np.concatenate(([True], np.diff(cells.frequency) != 0)))
        sizes = np.diff(np.append(starts, cells.size))
        pays = sizes * _DAYS_A_HISTORY >= days
        if not 0 < int(pays.sum()) * days <= _LARGEST_TABLE:
            return None
        recency, age = cells.recency.astype(np.intp), cells.age.astype(np.intp)
        if not (np.array_equal(recency, cells.recency) and np.array_equal(age, cells.age)):
            return None
        has_row = np.repeat(pays, sizes)
        return cls(
            cells=cells,
            has_row=has_row,
            frequencies=cells.frequency[starts][pays],
            soonest=np.minimum.reduceat(cells.recency, starts)[pays],
            row=np.repeat(np.arange(int(pays.sum())), sizes[pays]),
            age=age[has_row],
            recency=recency[has_row],
            days=int(days),
        )

    def weighted_log_likelihood(self, law: Gompertz) -> tuple[float, FloatArray]:
        """Sum of weight times log-likelihood, and its gradient in log(r, α, b, s, β)."""
        resolved = self._resolved(law)
        looked_up = self.has_row.copy()
        looked_up[looked_up] = resolved[self.row]
        value, gradient = 0.0, np.zeros(5)
        if resolved.any():
            value, gradient = self._by_look_up(law, resolved)
        if not looked_up.all():
            left = ~looked_up
            columns = (self.cells.frequency, self.cells.recency, self.cells.age, self.cells.weight)
            more = weighted_log_likelihood(law, *(column[left] for column in columns))
            value, gradient = value + more[0], gradient + more[1]
        return value, gradient

    def _resolved(self, law: Gompertz) -> BoolArray:
        """Which rows the nodes and the range of floating point are good for."""
        pole = -np.log1p(-law.beta) / law.b if law.beta < 1.0 else np.inf
        smooth = min(law.alpha, pole) >= _NEAREST_POLE and law.b <= _FASTEST_GROWTH
        k, last = law.r + self.frequencies, np.array([self.days], dtype=np.float64)
        risen = law.log_rise(last) - law.log_rise(self.soonest)
        span = k * np.log((law.alpha + last) / (law.alpha + self.soonest)) + (law.s + 1.0) * risen
        # ρ moves steadily towards 1, so that it is largest at one of the ends
        share = np.exp(-law.log_rise(self.soonest)) * (1.0 - law.beta) / law.beta
        risk = law.b * np.maximum(1.0 + share, 1.0)
        steep = k / (law.alpha + self.soonest) + (law.s + 1.0) * risk
        good: BoolArray = smooth & (span < _LARGEST_RANGE) & (steep <= _STEEPEST_A_DAY)
        return good

    def _by_look_up(self, law: Gompertz, resolved: BoolArray) -> tuple[float, FloatArray]:
        kept = resolved[self.row]
        row = (np.cumsum(resolved) - 1)[self.row[kept]]
        age, recency = self.age[kept], self.recency[kept]
        weight = self.cells.weight[self.has_row][kept]
        nodes = _Nodes.of(
            law, law.r + self.frequencies[resolved], self.soonest[resolved], self.days
        )
        quotient = law.s * law.b / law.beta
        alive = nodes.alive
        gone = np.zeros((alive.shape[0], self.days + 1))
        gone[:, -2::-1] = np.cumsum(nodes.daily()[:, ::-1], axis=1)
        likelihood = alive[row, age] + quotient * (gone[row, recency] - gone[row, age])
        x_weight = np.bincount(row, weight, alive.shape[0])
        without_x = gammaln(nodes.k) - gammaln(law.r) + law.r * np.log(law.alpha) + nodes.reference
        value = float(x_weight @ without_x + weight @ np.log(likelihood))
        share = weight / likelihood
        size, full = alive.size, alive.shape
        by_age, by_recency = (
            np.bincount(row * self.days + day, share, size).astype(np.float64).reshape(full)
            for day in (age, recency)
        )
        owed = quotient * np.cumsum(by_recency - by_age, axis=1)
        gradient = nodes.traced_back(by_age, owed)
        dropout = float((owed * nodes.daily()).sum())
        gradient += np.array(
            [
                law.r * (x_weight @ (digamma(nodes.k) - digamma(law.r) + np.log(law.alpha))),
                law.r * x_weight.sum(),
                dropout,
                dropout,
                -dropout,
            ]
        )
        return value, gradient


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Nodes:
    """Integrands on the nodes of every day, scaled row by row."""

    law: Gompertz
    #: r + x of each row, and the log by which its entries are scaled
    k: FloatArray
    reference: FloatArray
    #: A at whole days, shape (rows, days)
    alive: FloatArray
    #: f times node weight, shape (rows, days, nodes)
    dropout: FloatArray
    #: whole days, shape (days,), and nodes, shape (days, nodes)
    day: FloatArray
    u: FloatArray

    @classmethod
    def of(cls, law: Gompertz, k: FloatArray, soonest: FloatArray, days: int) -> "_Nodes":
        day = np.arange(days, dtype=np.float64)
        u = day[:, None] + _NODES
        log_alpha, log_alphas = np.log(law.alpha + day), np.log(law.alpha + u)
        risen, rises = law.log_rise(day), law.log_rise(u)
        f = law.b * u - (law.s + 1.0) * rises
        reference = -k * np.log(law.alpha + soonest) - law.s * law.log_rise(soonest)
        alive = np.exp(-law.s * risen - np.multiply.outer(k, log_alpha) - reference[:, None])
        dropout = f - np.multiply.outer(k, log_alphas)
        dropout -= reference[:, None, None]
        # before the soonest day nothing is asked for, and the powers might overflow
        dropout[day < soonest[:, None]] = -np.inf
        alive[day < soonest[:, None]] = 0.0
        np.exp(dropout, out=dropout)
        dropout *= _WEIGHTS
        return cls(law=law, k=k, reference=reference, alive=alive, dropout=dropout, day=day, u=u)

    def daily(self) -> FloatArray:
        """∫ f over each day, shape (rows, days)."""
        daily: FloatArray = self.dropout.sum(axis=2)
        return daily

    def traced_back(self, by_age: FloatArray, owed: FloatArray) -> FloatArray:
        """Derivatives of what is owed to A and to each day's integral, by f's exponent alone."""
        law = self.law
        at_age = by_age * self.alive
        at_nodes = np.einsum("ij,ijn->jn", owed, self.dropout)
        at_nodes_k = np.einsum("i,ij,ijn->jn", self.k, owed, self.dropout)
        ages, ages_k = at_age.sum(axis=0), self.k @ at_age
        gradient = np.zeros(5)
        each = ((ages, ages_k, self.day, law.s), (at_nodes, at_nodes_k, self.u, law.s + 1.0))
        for sums, sums_k, u, power in each:
            rise = law.log_rise(u)
            left = np.exp(-rise)
            share = 1.0 + (1.0 - law.beta) / law.beta * left
            gradient += np.array(
                [
                    -law.r * (sums * np.log(law.alpha + u)).sum(),
                    -law.alpha * (sums_k / (law.alpha + u)).sum(),
                    -power * law.b * (sums * u * share).sum(),
                    -law.s * (sums * rise).sum(),
                    power * (sums * (1.0 - left)).sum(),
                ]
            )
        gradient[2] += law.b * float((at_nodes * self.u).sum())
        return gradient
