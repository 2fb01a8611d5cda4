"""The Pareto/NBD likelihood of very many histories in whole days, by look-up, with its gradient.

The gradient is taken backwards: what the histories' logarithms owe to each table entry is summed by
entry first, and only then multiplied with the entries' derivatives, which are integrals of f times
log(α+u), log(β+u), 1/(α+u) and 1/(β+u). A history costs two look-ups, one logarithm and two sums.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.special import digamma, gammaln

from patronage.science.lifetime.cells import Cells
from patronage.science.lifetime.histories import BoolArray, FloatArray
from patronage.science.lifetime.pareto_nbd_day_rows import (
    LARGEST_TABLE,
    DayRows,
    IndexArray,
    LikelihoodTables,
    likelihood_tables,
    pays_for_a_row,
)
from patronage.science.lifetime.pareto_nbd_likelihood import Shape, weighted_log_likelihood
from patronage.science.lifetime.quadrature import sum_of_products

#: fewer cells are integrated sooner than their tables are built
_FEWEST_CELLS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DayTables:
    """Cells arranged for look-up; what does not depend on the parameters is computed once."""

    cells: Cells
    #: whether each cell has a row, shape (cells,)
    has_row: BoolArray
    rows: DayRows
    #: of each cell with a row, ascending: that row, shape (cells with a row,)
    row: IndexArray
    #: of the same: place of (row, age) and of (row, recency) in the tables, row by row
    by_age: IndexArray
    by_recency: IndexArray
    #: of the same: their weight
    weight: FloatArray
    #: weight of each row
    weight_by_row: FloatArray

    @classmethod
    def of(cls, cells: Cells) -> "DayTables | None":
        """Arrange the cells, or None where look-up is impossible or costs more than it saves.

        A frequency has a row where its cells are many enough to pay for it.
        """
        if cells.size < _FEWEST_CELLS or cells.age.max() >= LARGEST_TABLE:
            return None
        days = int(cells.age.max()) + 1
        starts = np.flatnonzero(np.concatenate(([True], np.diff(cells.frequency) != 0)))
        sizes = np.diff(np.append(starts, cells.size))
        pays = pays_for_a_row(sizes, days)
        rows = int(pays.sum())
        if rows == 0:
            return None
        recency, age = cells.recency.astype(np.intp), cells.age.astype(np.intp)
        if not (np.array_equal(recency, cells.recency) and np.array_equal(age, cells.age)):
            return None
        has_row = np.repeat(pays, sizes)
        row = np.repeat(np.arange(rows), sizes[pays])
        soonest = np.minimum.reduceat(recency, starts)[pays]
        return cls(
            cells=cells,
            has_row=has_row,
            rows=DayRows(
                frequencies=cells.frequency[starts][pays],
                soonest=np.minimum.accumulate(soonest[::-1])[::-1],
                days=days,
            ),
            row=row,
            by_age=row * days + age[has_row],
            by_recency=row * days + recency[has_row],
            weight=cells.weight[has_row],
            weight_by_row=_by_row(row, cells.weight[has_row], rows),
        )

    def reweighted(self, weight: FloatArray) -> "DayTables":
        """The same cells with other weights, shape (cells,), zeros allowed."""
        cells = replace(self.cells, weight=weight)
        mine = weight[self.has_row]
        by_row = _by_row(self.row, mine, self.rows.frequencies.size)
        return replace(self, cells=cells, weight=mine, weight_by_row=by_row)

    def weighted_log_likelihood(self, shape: Shape) -> tuple[float, FloatArray]:
        """Sum of weight times log-likelihood, and its gradient in log(r, α, s, β), shape (4,)."""
        resolved = self.rows.resolved(shape)
        tables = self if resolved.all() else self._only(resolved)
        value, slopes = tables._by_look_up(shape) if resolved.any() else (0.0, np.zeros(4))
        if not tables.has_row.all():
            left = ~tables.has_row
            columns = (self.cells.frequency, self.cells.recency, self.cells.age, self.cells.weight)
            more = weighted_log_likelihood(shape, *(column[left] for column in columns))
            value, slopes = value + more[0], slopes + more[1]
        return value, slopes

    def _only(self, kept: BoolArray) -> "DayTables":
        """With these rows only; the cells of the others lose theirs."""
        stays = kept[self.row]
        has_row = self.has_row.copy()
        has_row[has_row] = stays
        row = (np.cumsum(kept) - 1)[self.row[stays]]
        moved = (self.row[stays] - row) * self.rows.days
        return replace(
            self,
            has_row=has_row,
            rows=self.rows.only(kept),
            row=row,
            by_age=self.by_age[stays] - moved,
            by_recency=self.by_recency[stays] - moved,
            weight=self.weight[stays],
            weight_by_row=self.weight_by_row[kept],
        )

    def _by_look_up(self, shape: Shape) -> tuple[float, FloatArray]:
        """Value and gradient of the cells that have a row."""
        r, alpha, s, beta = shape.r, shape.alpha, shape.s, shape.beta
        tables = likelihood_tables(self.rows, shape)
        likelihood = tables.at_age.ravel()[self.by_age]
        likelihood += s * tables.dropout.ravel()[self.by_recency]
        weight_by_row = self.weight_by_row
        k, customers = r + self.rows.frequencies, float(weight_by_row.sum())
        first = self.rows.reference
        without_x = (
            gammaln(k)
            - gammaln(r)
            - self.rows.frequencies * np.log(alpha)
            - k * np.log1p(first / alpha)
            - (s + 1.0) * np.log1p(first / beta)
        )
        value = (
            weight_by_row @ without_x
            - customers * np.log(beta)
            + sum_of_products(self.weight, np.log(likelihood))
        )
        share = np.divide(self.weight, likelihood, out=likelihood)
        size, full = tables.at_age.size, tables.at_age.shape
        owed_at_age, owed_dropout = (
            np.bincount(places, share, size).astype(np.float64, copy=False).reshape(full)
            for places in (self.by_age, self.by_recency)
        )
        owed_dropout -= owed_at_age
        sums, by_k, u = _traced_back(self.rows, shape, tables, owed_at_age, owed_dropout)
        log_alpha, log_beta = np.log1p(u / alpha), np.log1p(u / beta)
        at_alpha, at_beta = alpha / (alpha + u), beta / (beta + u)
        slopes = [
            r * (weight_by_row @ (digamma(k) - digamma(r)) - sum_of_products(sums, log_alpha)),
            r * customers - sum_of_products(by_k, at_alpha),
            s * (sum_of_products(owed_dropout, tables.dropout) - sum_of_products(sums, log_beta)),
            s * customers + sums[0] @ at_beta[0] - (s + 1.0) * sum_of_products(sums, at_beta),
        ]
        return float(value), np.array(slopes)


def _by_row(row: IndexArray, weight: FloatArray, rows: int) -> FloatArray:
    return np.bincount(row, weight, rows).astype(np.float64, copy=False)


def _traced_back(
    rows: DayRows,
    shape: Shape,
    tables: LikelihoodTables,
    owed_at_age: FloatArray,
    owed_dropout: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What the likelihoods owe to f at each node, over all rows, and the same times k.

    Arguments: what they owe to the tables' entries `at_age` (apart from its dropout integral) and
    to the dropout integral, divided by s, shape (rows, days). Returns two arrays of shape
    (nodes, days), and the nodes.
    """
    u, weights = rows.nodes(shape)
    # an integral from d on is owed to by every entry up to d
    owed = np.add.accumulate(owed_dropout, axis=1)
    owed[:, -1] = 0.0
    alive = owed_at_age * (shape.beta + u[0])
    k = (shape.r + rows.frequencies)[:, None]
    sums, by_k = np.zeros_like(u), np.zeros_like(u)
    for band in tables.bands:
        here, first = slice(band.start, band.stop), band.first
        for total, factor in ((sums, 1.0), (by_k, k[here])):
            on_days, on_nodes = factor * alive[here, first:], factor * owed[here, first:]
            total[0, first:] += np.einsum("rd,rd->d", on_days, band.f[0])
            total[1:, first:] += np.einsum("rd,nrd->nd", on_nodes, band.f[1:])
    to_integral = np.append(1.0, shape.s * weights[1:])[:, None]
    sums *= to_integral
    by_k *= to_integral
    return sums, by_k, u
