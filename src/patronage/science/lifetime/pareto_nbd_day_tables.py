"""The Pareto/NBD likelihood of very many histories in whole days, by look-up.

For each distinct x, the dropout integral from every day to the last one is built backwards from day
to day, each relative to the integrand at its own start, so that nothing overflows; with f the
integrand,

    G(d) = ∫_d^{d+1} f/f(d) du + f(d+1)/f(d) G(d+1),
    ∫_{t_x}^{T} f/f(t_x) du = G(t_x) - f(T)/f(t_x) G(T),

and the averages that the gradient needs are carried along. A history then costs one exponential,
one logarithm and two look-ups, whatever its frequency. Same model and sources as the direct
likelihood, with which a test compares it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from patronage.science.lifetime.cells import Cells
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.pareto_nbd_likelihood import Shape
from patronage.science.lifetime.quadrature import row_blocks, unit_nodes

IndexArray = NDArray[np.intp]

_NODES, _WEIGHTS = unit_nodes(5)
_MOMENTS: Final = 5
_DIRECT_NODES: Final = 32
_LARGEST_TABLE: Final = 5_000_000
#: five nodes a day are good to 1e-9 within these limits
_STEEPEST_A_DAY: Final = 2.0
_SHORTEST_SCALE: Final = 2.0


def _sums(index: IndexArray, weight: FloatArray) -> FloatArray:
    return np.bincount(index, weight).astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DayTables:
    """Cells arranged for look-up; what does not depend on the parameters is computed once."""

    cells: Cells
    #: distinct x, shape (distinct,)
    frequencies: FloatArray
    #: row of each cell in `frequencies`
    row: IndexArray
    #: recency and age of each cell, as days
    recency: IndexArray
    age: IndexArray
    #: shortest recency for each distinct x
    soonest: FloatArray
    #: weight of each distinct x
    weight_by_frequency: FloatArray
    #: weight, and weight times x, at each age from 0 to the highest
    weight_by_age: FloatArray
    purchases_by_age: FloatArray

    @classmethod
    def of(cls, cells: Cells) -> "DayTables | None":
        """Arrange the cells, or None where look-up is impossible or costs more than it saves."""
        whole = np.all(cells.recency == np.floor(cells.recency))
        if not (whole and np.all(cells.age == np.floor(cells.age))):
            return None
        frequencies, row = np.unique(cells.frequency, return_inverse=True)
        table = frequencies.size * (float(cells.age.max()) + 1.0)
        work_saved = cells.size * _DIRECT_NODES - table * _MOMENTS * 2.0
        if table > _LARGEST_TABLE or work_saved < 0:
            return None
        age = cells.age.astype(np.intp)
        soonest = np.full(frequencies.size, np.inf)
        np.minimum.at(soonest, row, cells.recency)
        return cls(
            cells=cells,
            frequencies=frequencies,
            row=row,
            recency=cells.recency.astype(np.intp),
            age=age,
            soonest=soonest,
            weight_by_frequency=_sums(row, cells.weight),
            weight_by_age=_sums(age, cells.weight),
            purchases_by_age=_sums(age, cells.weight * cells.frequency),
        )

    def are_exact_at(self, shape: Shape) -> bool:
        """Whether a few nodes a day resolve the integrand wherever a cell needs it."""
        steepest = (shape.r + self.frequencies) / (shape.alpha + self.soonest) + (shape.s + 1.0) / (
            shape.beta + self.soonest
        )
        smooth = min(shape.alpha, shape.beta) >= _SHORTEST_SCALE
        return smooth and bool(steepest.max() <= _STEEPEST_A_DAY)

    def weighted_log_likelihood(self, shape: Shape) -> tuple[float, FloatArray]:
        """Sum of weight times log-likelihood, and its gradient in log(r, α, s, β), shape (4,)."""
        value, slopes = self._without_dropout(shape)
        log_alpha, log_beta = self._aged(shape)
        integrals = self._integrals(shape, log_alpha, log_beta)
        for rows in row_blocks(self.row.size):
            extra, extra_slopes = self._dropout(shape, rows, log_alpha, log_beta, integrals)
            value += extra
            slopes += extra_slopes
        return value, slopes * (shape.r, shape.alpha, shape.s, shape.beta)

    def _aged(self, shape: Shape) -> tuple[FloatArray, FloatArray]:
        """log(1 + d/α) and log(1 + d/β) for each day d."""
        days = np.arange(self.weight_by_age.size, dtype=np.float64)
        return np.log1p(days / shape.alpha), np.log1p(days / shape.beta)

    def _without_dropout(self, shape: Shape) -> tuple[float, FloatArray]:
        """Everybody taken as alive at T: terms in x alone and in T alone."""
        r, alpha, s, beta = shape.r, shape.alpha, shape.s, shape.beta
        k, by_x = r + self.frequencies, self.weight_by_frequency
        by_T, bought = self.weight_by_age, self.purchases_by_age
        days = np.arange(by_T.size, dtype=np.float64)
        log_alpha, log_beta = self._aged(shape)
        events = r * by_T + bought
        value = (
            by_x @ (gammaln(k) - gammaln(r))
            - events @ log_alpha
            - bought.sum() * np.log(alpha)
            - s * (by_T @ log_beta)
        )
        slopes = [
            by_x @ (digamma(k) - digamma(r)) - by_T @ log_alpha,
            by_T.sum() * r / alpha - events @ (1.0 / (alpha + days)),
            -(by_T @ log_beta),
            s * (by_T.sum() / beta - by_T @ (1.0 / (beta + days))),
        ]
        return float(value), np.array(slopes)

    def _integrals(self, shape: Shape, log_alpha: FloatArray, log_beta: FloatArray) -> FloatArray:
        """G and its moments, shape (distinct x, days, 5): 1, logs of 1+u/α, 1+u/β, inverses."""
        last = log_alpha.size - 1
        u = np.arange(last, dtype=np.float64)[:, None] + _NODES
        node_alpha, node_beta = np.log1p(u / shape.alpha), np.log1p(u / shape.beta)
        moments = np.stack(
            [
                np.ones_like(u),
                node_alpha,
                node_beta,
                1.0 / (shape.alpha + u),
                1.0 / (shape.beta + u),
            ],
            axis=2,
        )
        k = (shape.r + self.frequencies)[:, None]
        beta_power = (shape.s + 1.0) * (node_beta - log_beta[:-1, None])
        mass = np.exp(-k * (node_alpha - log_alpha[:-1, None])[:, None, :] - beta_power[:, None, :])
        table = np.zeros((last + 1, self.frequencies.size, _MOMENTS))
        table[:last] = (mass * _WEIGHTS) @ moments
        fall = np.exp(-k[:, 0] * np.diff(log_alpha)[:, None]) * np.exp(
            -(shape.s + 1.0) * np.diff(log_beta)[:, None]
        )
        for day in range(last - 1, -1, -1):
            table[day] += fall[day][:, None] * table[day + 1]
        return np.ascontiguousarray(table.transpose(1, 0, 2))

    def _dropout(
        self,
        shape: Shape,
        rows: slice,
        log_alpha: FloatArray,
        log_beta: FloatArray,
        integrals: FloatArray,
    ) -> tuple[float, FloatArray]:
        """What the chance of having dropped out adds to the likelihood of these cells."""
        row, early, late = self.row[rows], self.recency[rows], self.age[rows]
        weight, k = self.cells.weight[rows], shape.r + self.cells.frequency[rows]
        growth = k * (log_alpha[late] - log_alpha[early]) + (shape.s + 1.0) * (
            log_beta[late] - log_beta[early]
        )
        alive = np.exp(-growth)
        at_age = integrals[row, late]
        at_age *= alive[:, None]
        between = integrals[row, early] - at_age
        scale = shape.s / (shape.beta + self.cells.age[rows])
        density = np.maximum(between[:, 0], 0.0)
        total = scale * density + alive
        value = weight @ (growth + np.log(total))
        share = weight * scale / total
        gone = share * density
        _, by_alpha, by_beta, _, inverse_beta = (share @ between).tolist()
        inverse_alpha = (share * k) @ between[:, 3]
        slopes = [
            gone @ log_alpha[late] - by_alpha,
            gone @ (k / (shape.alpha + self.cells.age[rows])) - inverse_alpha,
            gone @ log_beta[late] - by_beta + gone.sum() / shape.s,
            gone @ scale - (shape.s + 1.0) * inverse_beta,
        ]
        return float(value), np.array(slopes)
