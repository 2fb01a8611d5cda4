"""What customers may do next, drawn one future each."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from patronage.science.lifetime.histories import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedHistories:
    """Customers' histories after one simulated future each; arrays of shape (customers,)."""

    #: x at the end of the future: repeat purchases since the first purchase
    frequency: FloatArray
    #: t_x at the end of the future, days
    recency: FloatArray
    #: T at the end of the future, days
    age: FloatArray
    #: purchases within the future
    purchases: FloatArray

    @classmethod
    def after_poisson(
        cls,
        x: FloatArray,
        t_x: FloatArray,
        T: FloatArray,
        *,
        days: float,
        rate: FloatArray,
        days_alive: FloatArray,
        rng: Generator,
    ) -> "SimulatedHistories":
        """Let customers buy at a constant rate for as long as they live within the future.

        Arguments, shape (customers,): checked histories; `days` the length of the future; `rate`
        purchases a day; `days_alive` from the end of the history, 0 for the dead, cut at `days`.
        Given their number, purchase times are uniform, so that the last of n falls at the largest
        of n uniform shares of the days alive.
        """
        lived = np.minimum(days_alive, days)
        purchases = rng.poisson(rate * lived).astype(np.float64)
        bought = purchases > 0
        # 1 - U lies in (0, 1], so that no purchase falls on the end of the history itself
        share = (1.0 - rng.random(x.size)) ** (1.0 / np.maximum(purchases, 1.0))
        return cls(
            frequency=x + purchases,
            recency=np.where(bought, T + lived * share, t_x),
            age=T + days,
            purchases=purchases,
        )
