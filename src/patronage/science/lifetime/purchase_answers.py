"""The questions that every purchase model answers in the same way, given what is its own.

A model supplies, for checked histories, the probability of being alive and what a customer who is
alive buys; how histories and windows are checked and put together is written here once.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from patronage.science.lifetime.histories import FloatArray, validated_histories
from patronage.science.lifetime.purchase_moments import PurchaseMoments
from patronage.science.lifetime.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MomentsIfAlive:
    """Discounted purchases in a window by customers alive at T; arrays of shape (customers,)."""

    #: expected discounted number
    mean: FloatArray
    #: expected sum of the squared discount factors
    squares: FloatArray
    #: expected square of the discounted number, less `squares`
    pairs: FloatArray


class PurchaseAnswers(ABC):
    """Mix-in: `PurchaseModel`'s questions, from four answers about customers alive at T."""

    __slots__ = ()

    @abstractmethod
    def _alive(self, x: FloatArray, t_x: FloatArray, T: FloatArray) -> FloatArray:
        """Probability of being alive at T."""

    @abstractmethod
    def _buys_if_alive(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, window: Window
    ) -> FloatArray:
        """Probability of a purchase within (T, T + horizon] if alive at T."""

    @abstractmethod
    def _mean_if_alive(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, window: Window
    ) -> FloatArray:
        """Expected discounted purchases within the window if alive at T."""

    @abstractmethod
    def _moments_if_alive(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, window: Window
    ) -> MomentsIfAlive:
        """Moments of the discounted purchases within (T, T + horizon] if alive at T."""

    def probability_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> FloatArray:
        """Probability that the customer has not dropped out by T (not a churn probability)."""
        return self._alive(*validated_histories(x, t_x, T))

    def probability_of_purchase(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, horizon_days: float
    ) -> FloatArray:
        """Probability of at least one purchase in (T, T + horizon_days]; 0 for horizon 0.

        Raises `InvalidWindow` for a negative or infinite horizon.
        """
        window = Window.of(horizon_days=horizon_days)
        histories = validated_histories(x, t_x, T)
        return self._alive(*histories) * self._buys_if_alive(*histories, window)

    def expected_purchases(
        self,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        *,
        horizon_days: float,
        start_days: float = 0.0,
    ) -> FloatArray:
        """Expected purchases in (T + start_days, T + horizon_days].

        Raises `InvalidWindow` unless 0 <= start_days <= horizon_days; equal means 0 purchases.
        """
        window = Window.of(horizon_days=horizon_days, start_days=start_days)
        histories = validated_histories(x, t_x, T)
        return self._alive(*histories) * self._mean_if_alive(*histories, window)

    def discounted_expected_purchases(
        self,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        *,
        horizon_days: float,
        annual_discount_rate: float,
        start_days: float = 0.0,
    ) -> FloatArray:
        """Expected purchases in (T + start_days, T + horizon_days], each discounted back to T.

        `annual_discount_rate` is effective (0.10 is 10 % a year of 365 days), -1 < rate < 10;
        discounting is continuous. Raises `InvalidWindow` outside these limits.
        """
        window = Window.of(
            horizon_days=horizon_days,
            start_days=start_days,
            annual_discount_rate=annual_discount_rate,
        )
        histories = validated_histories(x, t_x, T)
        return self._alive(*histories) * self._mean_if_alive(*histories, window)

    def expected_purchases_new_customer(self, *, horizon_days: float) -> float:
        """Expected repeat purchases of a new customer within the days after the first purchase."""
        return float(self.expected_purchases(0, 0, 0, horizon_days=horizon_days)[0])

    def purchase_moments(
        self,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        *,
        horizon_days: float,
        annual_discount_rate: float = 0.0,
    ) -> PurchaseMoments:
        """Mean and variance of the discounted number of purchases in (T, T + horizon_days].

        Rate and dropout are unknown and integrated out. Raises as `discounted_expected_purchases`.
        """
        window = Window.of(horizon_days=horizon_days, annual_discount_rate=annual_discount_rate)
        histories = validated_histories(x, t_x, T)
        alive = self._alive(*histories)
        moments = self._moments_if_alive(*histories, window)
        mean, squares = alive * moments.mean, alive * moments.squares
        return PurchaseMoments(
            mean=mean,
            variance=np.maximum(alive * moments.pairs + squares - mean**2, 0.0),
            mean_squared_discount=squares,
            probability_of_purchase=alive * self._buys_if_alive(*histories, window),
        )
