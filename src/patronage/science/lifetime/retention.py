"""How long do contracts last, and what are they worth? What every retention model answers.

A contract is renewed or left at equal intervals. S(t) is the share of contracts that outlive t
renewals; everything follows from it.
"""

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln, digamma

from patronage.science.lifetime.errors import InvalidWindow, NotIdentified
from patronage.science.lifetime.estimation import Estimation
from patronage.science.lifetime.fit_record import FitRecord, estimated
from patronage.science.lifetime.histories import FloatArray, as_columns, refuse_rows
from patronage.science.lifetime.optimum import Objective, Optimum
from patronage.science.lifetime.periods import PeriodWindow, discounted_survival
from patronage.science.lifetime.tenures import Tenures, whole_renewals


class RetentionModel(FitRecord, ABC):
    """Answers by tenure; parameters known, immutable.

    `renewals` is how often each customer has renewed: whole numbers from 0, a scalar or shape
    (customers,), as are the results; missing values refused (`InconsistentHistory`, naming the
    first rows). Periods are those between two renewals, and whole (`InvalidWindow`).
    """

    __slots__ = ()

    @abstractmethod
    def _log_survival(self, renewals: FloatArray) -> FloatArray: ...

    def log_likelihood_of(self, tenures: Tenures) -> float:
        """Log-likelihood of these tenures at the parameters, for scores out of sample."""
        log_survival = self._log_survival(np.arange(tenures.lost.size, dtype=np.float64))
        return tenure_log_likelihood(tenures, log_survival, np.zeros((0, log_survival.size)))[0]

    def survival(self, renewals: ArrayLike) -> FloatArray:
        """Share of new contracts that outlive so many renewals, S(renewals)."""
        survival: FloatArray = np.exp(self._log_survival(whole_renewals(renewals)))
        return survival

    def retention_rate(self, renewal: ArrayLike) -> FloatArray:
        """Share that renews at renewal 1, 2, ..., of those who come up for it."""
        times = whole_renewals(renewal, least=1)
        rate: FloatArray = np.exp(self._log_survival(times) - self._log_survival(times - 1.0))
        return rate

    def expected_renewals(self, renewals: ArrayLike, *, periods: int) -> FloatArray:
        """Expected further renewals within `periods`, of a customer who has renewed so often."""
        return self._renewals(renewals, PeriodWindow.of(horizon=periods))

    def discounted_expected_renewals(
        self,
        renewals: ArrayLike,
        *,
        discount_rate_per_period: float,
        periods: int | None = None,
        periods_to_renewal: float = 1.0,
    ) -> FloatArray:
        """The same, the next renewal discounted by `periods_to_renewal`, each later by one more.

        `periods` None means for ever, for which the rate must be at least 0.0001 a period.
        `periods_to_renewal` 1 is a customer who has just paid, 0 one about to be asked: then it is
        the discounted expected residual lifetime of Fader and Hardie (2010), "Customer-base
        valuation in a contractual setting", Marketing Science 29(1).

        Raises `InvalidWindow` for a rate outside (-1, 10) or times that are negative or infinite.
        """
        if not (math.isfinite(periods_to_renewal) and periods_to_renewal >= 0):
            raise InvalidWindow(
                f"periods_to_renewal must be a finite number from 0, found {periods_to_renewal}."
            )
        window = PeriodWindow.of(horizon=periods, discount_rate_per_period=discount_rate_per_period)
        return self._renewals(renewals, window) * math.exp(
            window.force * (1.0 - periods_to_renewal)
        )

    def contract_value(
        self,
        renewals: ArrayLike,
        *,
        margin_per_period: ArrayLike,
        discount_rate_per_period: float,
        periods: int | None = None,
        periods_to_renewal: float = 1.0,
    ) -> FloatArray:
        """Discounted margin of the renewals to come, in the unit of `margin_per_period`.

        Margins are paid at each renewal; shape (customers,) or one for all, finite; below 0 for
        contracts that cost more than they bring. What the running period has brought is not in it.
        Raises as `discounted_expected_renewals`, and `InconsistentHistory` for a missing margin.
        """
        times, margin = as_columns(renewals=renewals, margin_per_period=margin_per_period)
        refuse_rows(
            [("margin_per_period must be finite.", ~np.isfinite(margin))],
            renewals=times,
            margin_per_period=margin,
        )
        return margin * self.discounted_expected_renewals(
            times,
            discount_rate_per_period=discount_rate_per_period,
            periods=periods,
            periods_to_renewal=periods_to_renewal,
        )

    def _renewals(self, renewals: ArrayLike, window: PeriodWindow) -> FloatArray:
        distinct, where = np.unique(whole_renewals(renewals), return_inverse=True)
        expected = discounted_survival(
            window, lambda after: self._log_survival(distinct[:, None] + after), distinct.size
        )
        return expected[where]


class SurvivalSlopes(NamedTuple):
    """Log survival after 0, 1, ... renewals and its slopes; shapes (periods + 1,)."""

    log_survival: FloatArray
    by_alpha: FloatArray
    by_beta: FloatArray
    #: slope in the transformed time t^c that the survivor function takes
    by_time: FloatArray


def beta_survival(alpha: float, beta: float, time: FloatArray) -> FloatArray:
    """Log of B(α, β + time)/B(α, β): surviving that long at a beta distributed risk."""
    return np.asarray(betaln(alpha, beta + time) - betaln(alpha, beta), dtype=np.float64)


def beta_survival_slopes(alpha: float, beta: float, time: FloatArray) -> SurvivalSlopes:
    """Log survival with its slopes."""
    both = digamma(alpha + beta + time)
    return SurvivalSlopes(
        beta_survival(alpha, beta, time),
        digamma(alpha + beta) - both,
        digamma(beta + time) - both - digamma(beta) + digamma(alpha + beta),
        digamma(beta + time) - both,
    )


def tenure_log_likelihood(
    tenures: Tenures, log_survival: FloatArray, slopes: FloatArray
) -> tuple[float, FloatArray]:
    """Sum of weight times log-likelihood and its gradient, given slopes of shape (k, periods + 1).

    Leaving at renewal t has probability S(t-1) - S(t), being seen active after t renewals S(t).
    """
    ratio = np.exp(np.diff(log_survival))
    leaves = -np.expm1(np.diff(log_survival))
    seen = tenures.lost[1:] > 0
    log_leaving = log_survival[:-1][seen] + np.log(np.maximum(leaves[seen], 1e-300))
    value = tenures.lost[1:][seen] @ log_leaving + tenures.kept @ log_survival
    leaving = (slopes[:, :-1] - ratio * slopes[:, 1:])[:, seen] / np.maximum(leaves[seen], 1e-300)
    return float(value), leaving @ tenures.lost[1:][seen] + slopes @ tenures.kept


def refuse_unidentified_tenures(tenures: Tenures, *, parameters: int) -> None:
    """Raise `NotIdentified` where the renewals seen cannot tell the parameters apart."""
    asked = int(np.count_nonzero(tenures.at_risk > 0))
    if asked < parameters or not tenures.lost.any() or not tenures.at_risk[1:].any():
        raise NotIdentified(
            f"{asked} renewals with {tenures.lost.sum():g} customers lost cannot identify "
            f"{parameters} parameters; expected at least {parameters} renewals, some customers who "
            "leave and some who stay. Observe longer, or pool cohorts."
        )


def estimated_of_tenures(
    found: Optimum, tenures: Tenures, names: tuple[str, ...]
) -> tuple[dict[str, float], Estimation]:
    """Parameters by name, and the record of their estimation."""
    return estimated(found, names, customers=tenures.customers, unit_events=0.0)


def mean_objective(tenures: Tenures, total: Objective) -> Objective:
    """The objective a customer, of one that gives totals."""

    def mean(point: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = total(point)
        return value / tenures.customers, gradient / tenures.customers

    return mean
