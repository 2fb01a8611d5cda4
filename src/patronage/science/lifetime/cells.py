"""Which histories occur, and how often: the sufficient statistics of a customer base."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patronage.science.lifetime.histories import (
    FloatArray,
    as_columns,
    refuse_rows,
    validated_histories,
)

_ROWS_AT_ONCE: Final = 16_384


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Distinct histories with their weights; arrays of one length, read-only."""

    #: x, repeat purchases (whole numbers, as floats)
    frequency: FloatArray
    #: t_x, days from the first to the last purchase
    recency: FloatArray
    #: T, days from the first purchase to the end of observation
    age: FloatArray
    #: customers in the cell, or the sum of their weights
    weight: FloatArray

    @classmethod
    def from_customers(
        cls,
        *,
        frequency: ArrayLike,
        recency: ArrayLike,
        age: ArrayLike,
        weights: ArrayLike | None = None,
    ) -> "Cells":
        """Reduce customers to distinct histories, which carry all that the likelihood needs.

        Arguments: `frequency`, `recency`, `age` of shape (customers,): repeat purchases, and days
        as any non-negative numbers, fractions allowed; `weights` of shape (customers,), finite and
        not negative, None counting each customer once (weight 0 leaves a customer out). Missing
        values are refused.

        Raises `InconsistentHistory`, naming the first offending rows: a recency above the age, a
        recency without a repeat purchase or the reverse, negative, missing or infinite values, no
        rows.
        """
        x, t_x, T = validated_histories(frequency, recency, age)
        if weights is None:
            return cls._of(*_distinct(x, t_x, T, None))
        x, t_x, T, weight = as_columns(frequency=x, recency=t_x, age=T, weights=weights)
        refuse_rows(
            [
                ("weights must be finite numbers.", ~np.isfinite(weight)),
                ("weights must not be negative.", weight < 0),
                ("Some weight must be above 0.", np.full(weight.shape, not weight.any())),
            ],
            weight=weight,
        )
        kept = weight > 0
        return cls._of(*_distinct(x[kept], t_x[kept], T[kept], weight[kept]))

    @classmethod
    def _of(cls, x: FloatArray, t_x: FloatArray, T: FloatArray, weight: FloatArray) -> "Cells":
        for column in (x, t_x, T, weight):
            column.flags.writeable = False
        return cls(frequency=x, recency=t_x, age=T, weight=weight)

    def sample(self, size: int) -> "Cells":
        """About this many cells, evenly picked; these themselves where there are not twice as many.

        Cells are ordered by x, T and t_x, so that the sample has its share of each kind.
        """
        step = self.size // size
        if step < 2:
            return self
        columns = (self.frequency, self.recency, self.age, self.weight)
        return Cells._of(*(column[step // 2 :: step].copy() for column in columns))

    def reweighted(self, weight: FloatArray) -> "Cells":
        """The same histories with other weights, shape (cells,); those of weight 0 left out."""
        kept = weight > 0
        columns = (self.frequency, self.recency, self.age, weight)
        return Cells._of(*(column[kept] for column in columns))

    @property
    def size(self) -> int:
        """Number of distinct histories."""
        return int(self.frequency.size)

    @property
    def customers(self) -> float:
        """Sum of the weights."""
        return float(self.weight.sum())

    @property
    def repeat_purchases(self) -> float:
        """Weighted number of repeat purchases."""
        return float(self.weight @ self.frequency)


def _distinct(
    x: FloatArray, t_x: FloatArray, T: FloatArray, weight: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Distinct rows by ascending x, T, t_x, with the sum of their weights (of 1 each if None)."""
    keys = _keys(x, t_x, T)
    if keys is None:
        return _distinct_fractions(x, t_x, T, np.ones_like(x) if weight is None else weight)
    if weight is None:
        keys.sort()
        order = None
    else:
        order = np.argsort(keys)
        keys = keys[order]
    first = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    rest, recency = np.divmod(keys[first].astype(np.int64), int(t_x.max()) + 1)
    frequency, age = np.divmod(rest, int(T.max()) + 1)
    if weight is None or order is None:
        summed = np.diff(np.append(first, keys.size)).astype(np.float64)
    else:
        summed = np.add.reduceat(weight[order], first)
    return (
        frequency.astype(np.float64),
        recency.astype(np.float64),
        age.astype(np.float64),
        summed,
    )


def _keys(x: FloatArray, t_x: FloatArray, T: FloatArray) -> NDArray[np.int32 | np.int64] | None:
    """One whole number a row, in the order of (x, T, t_x); None for fractions or very large days.

    Sorting whole numbers is many times as fast as sorting rows, the more so short ones.
    """
    ages, recencies = T.max() + 1.0, t_x.max() + 1.0
    largest = (x.max() + 1.0) * ages * recencies
    if largest >= 2.0**53:
        return None
    keys: NDArray[np.int32 | np.int64] = np.empty(
        x.size, dtype=np.int32 if largest < 2.0**31 else np.int64
    )
    for start in range(0, x.size, _ROWS_AT_ONCE):
        block = slice(start, start + _ROWS_AT_ONCE)
        age, recency = T[block], t_x[block]
        if not (np.array_equal(age, np.floor(age)) and np.array_equal(recency, np.floor(recency))):
            return None
        keys[block] = (x[block] * ages + age) * recencies + recency
    return keys


def _distinct_fractions(
    x: FloatArray, t_x: FloatArray, T: FloatArray, weight: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    order = np.lexsort((t_x, T, x))
    x, t_x, T, weight = x[order], t_x[order], T[order], weight[order]
    changes = (np.diff(x) != 0) | (np.diff(T) != 0) | (np.diff(t_x) != 0)
    first = np.concatenate(([0], np.flatnonzero(changes) + 1))
    return x[first], t_x[first], T[first], np.add.reduceat(weight, first)
