"""What every model of spend per purchase day answers, and what it is fitted to."""

from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from patronage.science.lifetime.estimation import Estimation
from patronage.science.lifetime.histories import FloatArray, as_columns, refuse_rows


class SpendModel(Protocol):
    """A model of the mean spend per purchase day, independent of how often customers buy.

    Arguments of all answers: `frequency`, whole repeat purchases, and `average_spend` per repeat
    purchase day, above 0 (ignored, and allowed to be missing, where frequency is 0); scalars or
    arrays of shape (customers,), as are the results.
    """

    @property
    def estimation(self) -> Estimation | None:
        """How the parameters were estimated; None for a model rebuilt from stored parameters."""
        ...

    @classmethod
    def from_parameters(cls, *args: Any, **parameters: Any) -> Self:
        """The model with these parameters, by name; `InvalidParameter` outside their domain."""
        ...

    @classmethod
    def fit(
        cls, *, frequency: ArrayLike, average_spend: ArrayLike, weights: ArrayLike | None = None
    ) -> Self:
        """Maximum likelihood over customers with at least one repeat purchase."""
        ...

    @property
    def population_mean(self) -> float:
        """Mean spend of a customer of whom nothing is known."""
        ...

    def expected_spend(self, frequency: ArrayLike, average_spend: ArrayLike) -> FloatArray:
        """Expected mean spend per purchase day given the history."""
        ...

    def spend_variance(self, frequency: ArrayLike, average_spend: ArrayLike) -> FloatArray:
        """Posterior variance of the customer's mean spend."""
        ...

    def purchase_spend_variance(self, frequency: ArrayLike, average_spend: ArrayLike) -> FloatArray:
        """Expected variance of one purchase around the customer's mean."""
        ...

    def log_likelihood_of(
        self, *, frequency: ArrayLike, average_spend: ArrayLike, weights: ArrayLike | None = None
    ) -> float:
        """Sum of the log densities of the average spends, for out-of-sample scores."""
        ...


def validated_spend(
    frequency: ArrayLike, average_spend: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Columns with the spend of customers without a repeat purchase set to 0.

    Raises `InconsistentHistory`, naming rows with a missing, zero or negative spend or an
    impossible frequency.
    """
    x, z = as_columns(frequency=frequency, average_spend=average_spend)
    whole = np.isfinite(x) & (x >= 0) & (x == np.floor(x))
    spent = np.isfinite(z) & (z > 0)
    refuse_rows(
        [
            ("frequency must be a whole number of repeat purchases, not negative.", ~whole),
            ("average_spend must be finite and above 0 with a repeat purchase.", (x > 0) & ~spent),
        ],
        frequency=x,
        average_spend=z,
    )
    return x, np.where(x > 0, z, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpendRows:
    """Customers with a repeat purchase and a weight, which alone say anything about spend."""

    #: repeat purchases, at least 1; shape (repeaters,)
    frequency: FloatArray
    #: average spend per repeat purchase, above 0
    average_spend: FloatArray
    #: weight, above 0
    weight: FloatArray

    @classmethod
    def of(
        cls, frequency: ArrayLike, average_spend: ArrayLike, weights: ArrayLike | None
    ) -> "SpendRows":
        """Check and select rows; `weights` None counts each customer once.

        Raises `InconsistentHistory`, naming the first offending rows.
        """
        x, z = validated_spend(frequency, average_spend)
        weight = np.ones_like(x) if weights is None else np.asarray(weights, dtype=np.float64)
        x, z, weight = as_columns(frequency=x, average_spend=z, weights=weight)
        broken = ~(np.isfinite(weight) & (weight >= 0))
        refuse_rows([("weights must be finite and not negative.", broken)], weight=weight)
        kept = (x > 0) & (weight > 0)
        return cls(frequency=x[kept], average_spend=z[kept], weight=weight[kept])

    @property
    def customers(self) -> float:
        """Sum of the weights."""
        return float(self.weight.sum())

    @property
    def relative_spread(self) -> float:
        """Standard deviation of the averages over their mean; 0 without a row."""
        if self.frequency.size == 0:
            return 0.0
        mean = float(self.weight @ self.average_spend) / self.customers
        variance = float(self.weight @ (self.average_spend - mean) ** 2) / self.customers
        return float(np.sqrt(variance)) / mean
