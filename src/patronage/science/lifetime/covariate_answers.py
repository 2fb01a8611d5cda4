"""Answers about customers with covariates, each from the plain model of their own pattern."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from patronage.science.lifetime.covariate_cells import Patterns
from patronage.science.lifetime.errors import InconsistentHistory
from patronage.science.lifetime.histories import FloatArray, validated_histories
from patronage.science.lifetime.pareto_nbd import ParetoNBD
from patronage.science.lifetime.purchase_moments import PurchaseMoments

_Ask = Callable[[ParetoNBD, FloatArray, FloatArray, FloatArray], FloatArray]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CustomersWithCovariates:
    """The answers of a purchase model for given customers, in their order.

    Histories are those of the customers whose covariates were given: `x`, `t_x`, `T` of shape
    (customers,), in days; answers and refusals are those of `ParetoNBD`.
    """

    patterns: Patterns
    #: plain model of each pattern
    models: Sequence[ParetoNBD]

    def probability_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> FloatArray:
        """Probability that the customer has not dropped out by T (not a churn probability)."""
        return self._each(lambda model, *past: model.probability_alive(*past), x, t_x, T)

    def probability_of_purchase(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, horizon_days: float
    ) -> FloatArray:
        """Probability of at least one purchase in (T, T + horizon_days]."""
        return self._each(
            lambda model, *past: model.probability_of_purchase(*past, horizon_days=horizon_days),
            x,
            t_x,
            T,
        )

    def expected_purchases(
        self,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        *,
        horizon_days: float,
        start_days: float = 0.0,
    ) -> FloatArray:
        """Expected purchases in (T + start_days, T + horizon_days]."""
        return self.discounted_expected_purchases(
            x, t_x, T, horizon_days=horizon_days, start_days=start_days, annual_discount_rate=0.0
        )

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
        """Expected purchases in the window, each discounted back to T."""
        return self._each(
            lambda model, *past: model.discounted_expected_purchases(
                *past,
                horizon_days=horizon_days,
                annual_discount_rate=annual_discount_rate,
                start_days=start_days,
            ),
            x,
            t_x,
            T,
        )

    def purchase_moments(
        self,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        *,
        horizon_days: float,
        annual_discount_rate: float = 0.0,
    ) -> PurchaseMoments:
        """Mean and variance of the discounted number of purchases in (T, T + horizon_days]."""

        def columns(model: ParetoNBD, *past: FloatArray) -> FloatArray:
            moments = model.purchase_moments(
                *past, horizon_days=horizon_days, annual_discount_rate=annual_discount_rate
            )
            return np.stack(
                [
                    moments.mean,
                    moments.variance,
                    moments.mean_squared_discount,
                    moments.probability_of_purchase,
                ],
                axis=1,
            )

        mean, variance, squares, buys = self._each(columns, x, t_x, T).T
        return PurchaseMoments(
            mean=mean,
            variance=variance,
            mean_squared_discount=squares,
            probability_of_purchase=buys,
        )

    def _each(self, ask: _Ask, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> FloatArray:
        x, t_x, T = validated_histories(x, t_x, T)
        customers = self.patterns.of_customer.size
        if x.size not in (1, customers):
            raise InconsistentHistory(
                f"Covariates were given for {customers} customers, histories for {x.size}."
            )
        x, t_x, T = (np.broadcast_to(column, (customers,)) for column in (x, t_x, T))
        order, parts = [], []
        for at, rows in self.patterns.rows():
            order.append(rows)
            parts.append(ask(self.models[at], x[rows], t_x[rows], T[rows]))
        place = np.argsort(np.concatenate(order), kind="stable")
        answers: FloatArray = np.concatenate(parts)[place]
        return answers
