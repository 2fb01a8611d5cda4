"""Which histories occur with which facts about customers: cells for each pattern of covariates."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patronage.science.lifetime.cells import Cells
from patronage.science.lifetime.errors import InconsistentHistory, NotIdentified
from patronage.science.lifetime.histories import FloatArray, as_columns, refuse_rows

#: more distinct patterns than this are a continuous covariate that was not rounded
MOST_PATTERNS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patterns:
    """Distinct combinations of covariates and whose they are."""

    purchase_names: tuple[str, ...]
    dropout_names: tuple[str, ...]
    #: covariates of the purchase rate, shape (patterns, purchase covariates)
    purchase: FloatArray
    #: covariates of the dropout rate, shape (patterns, dropout covariates)
    dropout: FloatArray
    #: pattern of each customer, shape (customers,)
    of_customer: NDArray[np.intp]

    @classmethod
    def of(
        cls,
        *,
        purchase: Mapping[str, ArrayLike],
        dropout: Mapping[str, ArrayLike],
        customers: int,
    ) -> "Patterns":
        """Find the patterns; each covariate has shape (customers,) or is one number for all.

        Raises `InconsistentHistory`, naming rows with a missing or infinite covariate, for more
        than 500 patterns, and for a number of customers that is not whole and above 0.
        """
        if not (customers >= 1 and customers == int(customers)):
            raise InconsistentHistory(
                f"customers must be a whole number above 0, found {customers}."
            )
        named = [*purchase.values(), *dropout.values()]
        names = [*purchase, *dropout]
        columns = [
            _column(name, values, customers) for name, values in zip(names, named, strict=True)
        ]
        for name, column in zip(names, columns, strict=True):
            broken = ~np.isfinite(column)
            refuse_rows([(f"Covariate {name} must be finite.", broken)], covariate=column)
        table = np.stack([np.zeros(customers), *columns], axis=1)
        distinct, where = np.unique(table, axis=0, return_inverse=True)
        if distinct.shape[0] > MOST_PATTERNS:
            raise InconsistentHistory(
                f"{distinct.shape[0]} distinct patterns of covariates, expected at most "
                f"{MOST_PATTERNS}. Round or group covariates such as age or distance."
            )
        cut = 1 + len(purchase)
        return cls(
            purchase_names=tuple(purchase),
            dropout_names=tuple(dropout),
            purchase=distinct[:, 1:cut],
            dropout=distinct[:, cut:],
            of_customer=where.reshape(-1),
        )

    def rows(self) -> Iterator[tuple[int, NDArray[np.intp]]]:
        """Each pattern with the rows of its customers."""
        order = np.argsort(self.of_customer, kind="stable")
        counts = np.bincount(self.of_customer, minlength=self.purchase.shape[0])
        yield from enumerate(np.split(order, np.cumsum(counts)[:-1]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CovariateCells:
    """Distinct histories of each pattern of covariates; read-only."""

    patterns: Patterns
    #: cells of each pattern; None where its customers all have weight 0
    cells: tuple[Cells | None, ...]

    @classmethod
    def from_customers(
        cls,
        *,
        frequency: ArrayLike,
        recency: ArrayLike,
        age: ArrayLike,
        purchase: Mapping[str, ArrayLike],
        dropout: Mapping[str, ArrayLike],
        weights: ArrayLike | None = None,
    ) -> "CovariateCells":
        """Reduce customers to distinct histories with distinct covariates.

        Arguments as for `Cells.from_customers`; `purchase` and `dropout` map the name of each
        covariate of the purchase and of the dropout rate to its values, shape (customers,): numbers
        that do not change over time (write a category as 0 and 1 for all but one of its levels).

        Raises `InconsistentHistory`, naming the first offending rows, and for more than 500
        patterns.
        """
        one = np.ones(1) if weights is None else weights
        longest = max(np.size(values) for values in (frequency, recency, age, one))
        every = np.broadcast_to(np.asarray(one, dtype=np.float64), (longest,))
        x, t_x, T, weight = as_columns(frequency=frequency, recency=recency, age=age, weights=every)
        Cells.from_customers(frequency=x, recency=t_x, age=T, weights=weight)
        patterns = Patterns.of(purchase=purchase, dropout=dropout, customers=x.size)
        cells = [
            Cells.from_customers(
                frequency=x[rows], recency=t_x[rows], age=T[rows], weights=weight[rows]
            )
            if weight[rows].any()
            else None
            for _, rows in patterns.rows()
        ]
        return cls(patterns=patterns, cells=tuple(cells))

    @property
    def customers(self) -> float:
        """Sum of the weights."""
        return sum(cells.customers for cells in self.cells if cells is not None)

    @property
    def pooled(self) -> Cells:
        """The same customers without their covariates."""
        known = [cells for cells in self.cells if cells is not None]
        return Cells.from_customers(
            frequency=np.concatenate([cells.frequency for cells in known]),
            recency=np.concatenate([cells.recency for cells in known]),
            age=np.concatenate([cells.age for cells in known]),
            weights=np.concatenate([cells.weight for cells in known]),
        )

    def moments(self, table: FloatArray, names: tuple[str, ...]) -> tuple[FloatArray, FloatArray]:
        """Weighted mean and standard deviation of covariates, given by pattern.

        Raises `NotIdentified` for a covariate that is the same for everybody.
        """
        weight = np.array([0.0 if cells is None else cells.customers for cells in self.cells])
        mean: FloatArray = weight @ table / weight.sum()
        spread: FloatArray = np.sqrt(weight @ (table - mean) ** 2 / weight.sum())
        for name, deviation, middle in zip(names, spread.tolist(), mean.tolist(), strict=True):
            if deviation <= 1e-9 * max(abs(middle), 1.0):
                raise NotIdentified(
                    f"Covariate {name} is {middle:g} for everybody, so that it can have no effect. "
                    "Leave it out."
                )
        return mean, spread


def _column(name: str, values: ArrayLike, customers: int) -> FloatArray:
    (column,) = as_columns(**{name: values})
    if column.size not in (1, customers):
        raise InconsistentHistory(
            f"Covariate {name} must have one value a customer ({customers}), found {column.size}."
        )
    return np.broadcast_to(column, (customers,))
