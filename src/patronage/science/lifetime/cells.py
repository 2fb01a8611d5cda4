"""Which histories occur, and how often: the sufficient statistics of a customer base."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from patronage.science.lifetime.histories import (
    FloatArray,
    as_columns,
    refuse_rows,
    validated_histories,
)


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
        weight = np.ones_like(x) if weights is None else np.asarray(weights, dtype=np.float64)
        x, t_x, T, weight = as_columns(frequency=x, recency=t_x, age=T, weights=weight)
        refuse_rows(
            [
                ("weights must be finite numbers.", ~np.isfinite(weight)),
                ("weights must not be negative.", weight < 0),
                ("Some weight must be above 0.", np.full(weight.shape, not weight.any())),
            ],
            weight=weight,
        )
        kept = weight > 0
        return cls._distinct(x[kept], t_x[kept], T[kept], weight[kept])

    @classmethod
    def _distinct(
        cls, x: FloatArray, t_x: FloatArray, T: FloatArray, weight: FloatArray
    ) -> "Cells":
        order = np.lexsort((t_x, T, x))
        x, t_x, T, weight = x[order], t_x[order], T[order], weight[order]
        changes = (np.diff(x) != 0) | (np.diff(T) != 0) | (np.diff(t_x) != 0)
        first = np.concatenate(([0], np.flatnonzero(changes) + 1))
        columns = [x[first], t_x[first], T[first], np.add.reduceat(weight, first)]
        for column in columns:
            column.flags.writeable = False
        return cls(frequency=columns[0], recency=columns[1], age=columns[2], weight=columns[3])

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
