"""Pareto/NBD answers for very many customers, by look-up where their days are whole.

Every answer is P(alive), which depends on x, t_x and T, times something that depends on x and T
alone. Of each x that enough customers share:

- P(alive) is read from the tables that also give the likelihood;
- the probability of buying if alive, a smooth function of T, is interpolated between Chebyshev
  points in log(1 + T/min(α, β)), where it is analytic in a strip of half-width π; the error is
  measured between the points and kept below 1e-11 of the value.

Customers whose x is rare, whose days are fractions, or whose parameters are too steep for the
tables are answered by direct integration, with which tests compare the tables.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.special import expit

from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.pareto_nbd_day_rows import (
    DAYS_A_HISTORY,
    LARGEST_TABLE,
    DayRows,
    IndexArray,
    likelihood_tables,
    pays_for_a_row,
)
from patronage.science.lifetime.pareto_nbd_likelihood import Shape, dropped_out
from patronage.science.lifetime.quadrature import power_laws, row_blocks

_ROWS_AT_ONCE: Final = 16_384
_INTERPOLATION_ERROR: Final = 1e-11
_POINTS: Final = (16, 32, 64, 128)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WholeDays:
    """Customers whose x and T are whole numbers small enough for tables; shape (customers,)."""

    x: IndexArray
    T: IndexArray
    #: days from 0 to the oldest age, both included
    days: int
    #: the x that enough customers share, ascending
    shared: IndexArray

    @classmethod
    def of(cls, x: FloatArray, T: FloatArray) -> "WholeDays | None":
        """None where ages are fractions, or where too few customers share an x."""
        days = float(T.max()) + 1.0
        if max(days, float(x.max())) > min(LARGEST_TABLE, x.size * DAYS_A_HISTORY):
            return None
        age, frequency = T.astype(np.intp), x.astype(np.intp)
        shared = np.flatnonzero(pays_for_a_row(np.bincount(frequency), int(days)))
        if shared.size == 0 or not np.array_equal(age, T):
            return None
        return cls(x=frequency, T=age, days=int(days), shared=shared)

    def starts(self, frequencies: FloatArray) -> tuple[IndexArray, IndexArray]:
        """Where the row of each x begins in a table of these frequencies; customers without one."""
        has_row = np.zeros(int(self.x.max()) + 1, dtype=np.bool_)
        has_row[frequencies.astype(np.intp)] = True
        start = np.where(has_row, (np.cumsum(has_row) - 1) * self.days, 0)
        without = np.zeros(0, dtype=np.intp)
        return start, without if has_row.all() else np.flatnonzero(~has_row[self.x])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scorer:
    """Checked histories at some parameters, asked several questions; arrays (customers,)."""

    shape: Shape
    x: FloatArray
    t_x: FloatArray
    T: FloatArray
    #: for look-ups; None where there can be none
    whole: WholeDays | None

    @classmethod
    def of(cls, shape: Shape, x: FloatArray, t_x: FloatArray, T: FloatArray) -> "Scorer":
        """Histories as returned by `validated_histories`."""
        return cls(shape=shape, x=x, t_x=t_x, T=T, whole=WholeDays.of(x, T))

    def alive(self) -> FloatArray:
        """Probability that each customer is alive at T."""
        recency = self.t_x.astype(np.intp)
        if self.whole is None or not np.array_equal(recency, self.t_x):
            return _directly_alive(self.shape, self.x, self.t_x, self.T)
        alive, left = _look_up(self.shape, self.whole, recency)
        if left.size:
            alive[left] = _directly_alive(self.shape, self.x[left], self.t_x[left], self.T[left])
        return alive

    def buys_if_alive(self, horizon_days: float) -> FloatArray:
        """Probability that each customer, if alive at T, buys within the horizon."""
        whole = self.whole
        table = None if whole is None else _buying_table(self.shape, whole, horizon_days)
        if whole is None or table is None:
            return _directly_buying(self.shape, self.x, self.T, horizon_days)
        start, left = whole.starts(whole.shared.astype(np.float64))
        buys, flat = np.empty(self.x.size), table.ravel()
        for rows in _blocks(buys.size):
            buys[rows] = flat[start[whole.x[rows]] + whole.T[rows]]
        if left.size:
            buys[left] = _directly_buying(self.shape, self.x[left], self.T[left], horizon_days)
        return buys

    def by_age(self, *answers: Callable[[FloatArray], FloatArray]) -> list[FloatArray]:
        """Functions of T alone, worked out once for each distinct age."""
        if self.whole is not None:
            ages, place = np.arange(self.whole.days, dtype=np.float64), self.whole.T
        else:
            ages, place = np.unique(self.T, return_inverse=True)
        return [answer(ages)[place] for answer in answers]


def _blocks(rows: int) -> list[slice]:
    return [slice(start, start + _ROWS_AT_ONCE) for start in range(0, rows, _ROWS_AT_ONCE)]


def _look_up(shape: Shape, whole: WholeDays, recency: IndexArray) -> tuple[FloatArray, IndexArray]:
    """P(alive) from tables, and the customers of whom it is not right."""
    rows = _resolved_rows(shape, whole, recency)
    tables = likelihood_tables(rows, shape)
    start, left = whole.starts(rows.frequencies)
    survived, at_age = tables.alive.ravel(), tables.at_age.ravel()
    dropout = (shape.s * tables.dropout).ravel()
    alive = np.zeros(whole.x.size)
    if rows.frequencies.size == 0:
        return alive, left
    for block in _blocks(alive.size):
        first = start[whole.x[block]]
        aged = first + whole.T[block]
        likelihood = at_age[aged]
        likelihood += dropout[first + recency[block]]
        with np.errstate(invalid="ignore", divide="ignore"):
            np.divide(survived[aged], likelihood, out=alive[block])
    return alive, left


def _resolved_rows(shape: Shape, whole: WholeDays, recency: IndexArray) -> DayRows:
    """The rows of the shared x that tables resolve, from day 0 on where they all are."""
    frequencies = whole.shared.astype(np.float64)
    from_day_0 = np.zeros(frequencies.size, dtype=np.intp)
    rows = DayRows(frequencies=frequencies, soonest=from_day_0, days=whole.days)
    if rows.resolved(shape).all():
        return rows
    soonest = np.full(int(whole.x.max()) + 1, whole.days - 1, dtype=np.intp)
    np.minimum.at(soonest, whole.x, recency)
    later = np.minimum.accumulate(soonest[whole.shared][::-1])[::-1]
    rows = replace(rows, soonest=later)
    return rows.only(rows.resolved(shape))


def _buying_table(shape: Shape, whole: WholeDays, horizon_days: float) -> FloatArray | None:
    """Probability of buying if alive for each shared x and day; None where points do not do."""
    scale = min(shape.alpha, shape.beta)
    ages = np.arange(whole.days, dtype=np.float64)
    length = float(np.log1p(ages[-1] / scale))
    if length == 0.0:
        return None
    x = whole.shared.astype(np.float64)

    def at(places: FloatArray) -> FloatArray:
        T = scale * np.expm1(length * places)
        flat = _directly_buying(shape, np.repeat(x, T.size), np.tile(T, x.size), horizon_days)
        return flat.reshape(x.size, T.size)

    for points in _POINTS:
        known = at(_chebyshev(points))
        # every fourth of twice as many points lies between two of these
        checked = _chebyshev(2 * points)[1::4]
        missed = np.abs(_between(known, checked) - at(checked))
        if np.all(missed <= _INTERPOLATION_ERROR * at(checked)):
            return np.clip(_between(known, np.log1p(ages / scale) / length), 0.0, 1.0)
    return None


def _chebyshev(points: int) -> FloatArray:
    """Chebyshev points of the first kind on [0, 1], ascending."""
    return (1.0 - np.cos((np.arange(points) + 0.5) * np.pi / points)) / 2.0


def _between(known: FloatArray, places: FloatArray) -> FloatArray:
    """Values at the places on [0, 1], from those at Chebyshev points, shape (rows, points).

    The barycentric formula of Berrut and Trefethen (2004), "Barycentric Lagrange interpolation",
    SIAM Review 46(3), with the weights of points of the first kind.
    """
    points = known.shape[1]
    order = np.arange(points)
    weight = (-1.0) ** order * np.sin((order + 0.5) * np.pi / points)
    distance = places[None, :] - _chebyshev(points)[:, None]
    hit = distance == 0.0
    share = weight[:, None] / np.where(hit, 1.0, distance)
    share = np.where(hit.any(axis=0), hit, share)
    share /= share.sum(axis=0)
    values: FloatArray = np.einsum("rp,pa->ra", known, share)
    return values


def _directly_alive(shape: Shape, x: FloatArray, t_x: FloatArray, T: FloatArray) -> FloatArray:
    blocks = [
        expit(-dropped_out(shape, x[rows], t_x[rows], T[rows])[0]) for rows in row_blocks(x.size)
    ]
    return np.concatenate(blocks)


def _directly_buying(shape: Shape, x: FloatArray, T: FloatArray, horizon_days: float) -> FloatArray:
    blocks = []
    for rows in row_blocks(x.size):
        k, age = shape.r + x[rows], T[rows]
        laws = power_laws(k + 1.0, shape.s, shape.alpha, shape.beta, age, age + horizon_days)
        blocks.append(np.clip(k / (shape.alpha + age) * laws.total, 0.0, 1.0))
    return np.concatenate(blocks)
