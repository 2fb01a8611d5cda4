"""How much does a customer spend per purchase day, where the gamma-gamma model does not fit?

Log mean spend M varies over customers as log M ~ normal(μ, τ²); one purchase is lognormal around M
with log standard deviation σ. The average z of x purchases has mean M and squared coefficient of
variation κ/x with κ = exp(σ²) - 1, and is taken as lognormal: exact for one purchase, and for more
the usual two-moment approximation of a sum of lognormals. So with s² = log(1 + κ/x)

    log z | M ~ normal(log M - s²/2, s²),    log M | z ~ normal(m, w),
    w = 1/(1/τ² + 1/s²),    m = w (μ/τ² + (log z + s²/2)/s²),

whence every answer here is in closed form, and finite whatever the parameters. Two bases that the
gamma-gamma model cannot take are ordinary here: spend that hardly varies (τ or σ rests at its lower
limit and is reported so), and heavy tails.

Sources: sums of lognormals by two moments, Fenton (1960), "The sum of log-normal probability
distributions in scatter transmission systems", IRE Transactions on Communications Systems 8; the
normal-normal shrinkage is standard (Efron and Morris, 1973, Journal of the American Statistical
Association 68). Assumptions: spend is independent of the purchase and dropout process, and a
customer's mean spend does not change.
"""

import math
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from patronage.science.lifetime.errors import InvalidParameter, NotIdentified
from patronage.science.lifetime.estimation import Estimation
from patronage.science.lifetime.fit_record import (
    FitRecord,
    estimation_of,
    recorded,
    refuse_outside_domain,
)
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.optimum import Objective, Optimum, SearchBox, maximise
from patronage.science.lifetime.spend_model import SpendRows, validated_spend

_NAMES: Final = ("mu", "tau", "sigma")
_FEWEST_CUSTOMERS: Final = 4
#: spread of log spend at which customers or purchases count as equal: a tenth of a percent
_LEAST_SPREAD: Final = 1e-3
_LARGEST_SPREAD: Final = 5.0
_MU_WIDTH: Final = 20.0
#: e to this power is still a float
_LARGEST_LOG: Final = 700.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LognormalSpendParameters:
    """Parameters of spend between and within customers."""

    #: mean of log mean spend over customers, in log money units; any finite number
    mu: float
    #: standard deviation of log mean spend over customers
    tau: float
    #: standard deviation of log spend over one customer's purchases
    sigma: float


class _Posterior(NamedTuple):
    """Log mean spend given the history; arrays of shape (customers,)."""

    mean: FloatArray
    variance: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class LognormalSpend(FitRecord):
    """A lognormal spend model with known parameters, fitted or rebuilt; immutable."""

    #: parameters; mu in logs of the money unit of the spend
    parameters: LognormalSpendParameters
    #: how they were estimated; None for a model rebuilt from stored parameters
    estimation: Estimation | None = None

    @classmethod
    def from_parameters(cls, *, mu: float, tau: float, sigma: float) -> "LognormalSpend":
        """The model with these parameters.

        Raises `InvalidParameter` unless all are finite, tau and sigma above 0, and the mean square
        of a purchase is a number that a float holds.
        """
        if not math.isfinite(mu):
            raise InvalidParameter(f"mu must be finite, found {mu}.")
        refuse_outside_domain(tau=tau, sigma=sigma)
        log_mean_square = 2.0 * (mu + tau**2) + sigma**2
        if log_mean_square > _LARGEST_LOG:
            raise InvalidParameter(
                f"Spend would have no finite variance: the log of its mean square is "
                f"{log_mean_square:g}, expected at most {_LARGEST_LOG:g}. mu {mu}, tau {tau} and "
                f"sigma {sigma} are taken as logs of the money unit."
            )
        return cls(parameters=LognormalSpendParameters(mu=mu, tau=tau, sigma=sigma))

    @classmethod
    def fit(
        cls, *, frequency: ArrayLike, average_spend: ArrayLike, weights: ArrayLike | None = None
    ) -> "LognormalSpend":
        """Maximum likelihood over customers with at least one repeat purchase.

        Arguments, shape (customers,): `frequency`, whole repeat purchases; `average_spend` per
        repeat purchase day, above 0 (ignored, and allowed to be missing, where frequency is 0);
        `weights`, finite and not negative. A failed search is returned with `converged` False.

        A spread tau or sigma of 0.001 (a tenth of a percent) is the limit: where the likelihood
        still rises there, customers or purchases do not differ measurably, the fit rests at the
        limit, has no standard error for it and says so in `estimation.at_limit`.

        Raises `InconsistentHistory`, naming rows with a missing, zero or negative spend or an
        impossible frequency; `NotIdentified` for fewer than four repeaters or none of them with two
        repeat purchases.
        """
        rows = SpendRows.of(frequency, average_spend, weights)
        if rows.frequency.size < _FEWEST_CUSTOMERS or rows.frequency.max() < 2:
            raise NotIdentified(
                f"{rows.frequency.size} customers with a repeat purchase cannot tell spread within "
                f"from spread between customers: expected at least {_FEWEST_CUSTOMERS}, some with "
                "two repeat purchases. Observe longer, or use stored parameters."
            )
        return _fitted(maximise(_objective(rows), _box(rows)), rows)

    @property
    def standard_errors(self) -> LognormalSpendParameters:
        """Asymptotic standard errors. Raises `NotEstimated` on a rebuilt model."""
        return LognormalSpendParameters(**estimation_of(self).standard_errors)

    @property
    def population_mean(self) -> float:
        """Mean spend of a customer of whom nothing is known, exp(μ + τ²/2)."""
        return math.exp(self.parameters.mu + self.parameters.tau**2 / 2.0)

    def expected_spend(self, frequency: ArrayLike, average_spend: ArrayLike) -> FloatArray:
        """Expected mean spend per purchase day given the history, shape (customers,).

        Arguments as for `fit`; frequency 0 is answered with the population mean. Always finite.
        Raises `InconsistentHistory`, naming the first offending rows.
        """
        known = self._posterior(frequency, average_spend)
        expected: FloatArray = np.exp(known.mean + known.variance / 2.0)
        return expected

    def spend_variance(self, frequency: ArrayLike, average_spend: ArrayLike) -> FloatArray:
        """Posterior variance of the customer's mean spend, shape (customers,)."""
        known = self._posterior(frequency, average_spend)
        variance: FloatArray = np.exp(2.0 * known.mean + known.variance) * np.expm1(known.variance)
        return variance

    def purchase_spend_variance(self, frequency: ArrayLike, average_spend: ArrayLike) -> FloatArray:
        """Expected variance of one purchase around the customer's mean, κ E[M²]."""
        known = self._posterior(frequency, average_spend)
        second: FloatArray = np.exp(2.0 * (known.mean + known.variance))
        return math.expm1(self.parameters.sigma**2) * second

    def log_likelihood_of(
        self, *, frequency: ArrayLike, average_spend: ArrayLike, weights: ArrayLike | None = None
    ) -> float:
        """Sum of the log densities of the average spends: for out-of-sample scores.

        Arguments and refusals as for `fit`; 0 where nobody bought again, who alone are scored.
        """
        rows = SpendRows.of(frequency, average_spend, weights)
        if not rows.customers:
            return 0.0
        point = np.array(
            [self.parameters.mu, -math.log(self.parameters.tau), -math.log(self.parameters.sigma)]
        )
        return _objective(rows)(point)[0] * rows.customers

    def _posterior(self, frequency: ArrayLike, average_spend: ArrayLike) -> _Posterior:
        x, z = validated_spend(frequency, average_spend)
        between = self.parameters.tau**2
        bought = x > 0
        noise = np.log1p(math.expm1(self.parameters.sigma**2) / np.where(bought, x, 1.0))
        seen = np.log(np.where(bought, z, 1.0)) + noise / 2.0
        trust = np.where(bought, between / (between + noise), 0.0)
        return _Posterior(
            mean=self.parameters.mu + trust * (seen - self.parameters.mu),
            variance=between * (1.0 - trust),
        )


def _box(rows: SpendRows) -> SearchBox:
    """The search runs over μ and the logs of 1/τ and 1/σ, whose upper limits are least spreads."""
    log_spend = np.log(rows.average_spend)
    middle = float(rows.weight @ log_spend / rows.customers)
    spread = float(np.sqrt(rows.weight @ (log_spend - middle) ** 2 / rows.customers))
    start = -math.log(min(max(spread / math.sqrt(2.0), 2.0 * _LEAST_SPREAD), 1.0))
    limits = -math.log(_LARGEST_SPREAD), -math.log(_LEAST_SPREAD)
    return SearchBox(
        names=_NAMES,
        start=np.array([middle, start, start]),
        lower=np.array([middle - _MU_WIDTH, limits[0], limits[0]]),
        upper=np.array([middle + _MU_WIDTH, limits[1], limits[1]]),
        may_rest=("tau", "sigma"),
    )


def _objective(rows: SpendRows) -> Objective:
    x, log_spend = rows.frequency, np.log(rows.average_spend)

    def mean_log_likelihood(point: FloatArray) -> tuple[float, FloatArray]:
        mu, between = float(point[0]), math.exp(-2.0 * point[1])
        square = math.exp(-2.0 * point[2])
        kappa = math.expm1(square)
        noise = np.log1p(kappa / x)
        total = between + noise
        away = log_spend + noise / 2.0 - mu
        value = -0.5 * (np.log(2.0 * math.pi * total) + away**2 / total) - log_spend
        by_total = 0.5 * (away**2 / total - 1.0) / total
        by_noise = by_total - 0.5 * away / total
        noise_by_log_sigma = 2.0 * square * math.exp(square) / (x + kappa)
        slopes = np.stack([away / total, -2.0 * between * by_total, -noise_by_log_sigma * by_noise])
        return float(rows.weight @ value / rows.customers), slopes @ rows.weight / rows.customers

    return mean_log_likelihood


def _fitted(found: Optimum, rows: SpendRows) -> LognormalSpend:
    mu, minus_log_tau, minus_log_sigma = found.log_parameters.tolist()
    values = np.array([1.0, math.exp(-minus_log_tau), math.exp(-minus_log_sigma)])
    errors = values * np.sqrt(np.diag(found.inverse_information) / rows.customers)
    estimation = recorded(
        replace(found, message=found.message.replace("upper limit", "lower limit")),
        dict(zip(_NAMES, errors.tolist(), strict=True)),
        customers=rows.customers,
        unit_events=rows.customers,
    )
    parameters = LognormalSpendParameters(mu=mu, tau=float(values[1]), sigma=float(values[2]))
    return LognormalSpend(parameters=parameters, estimation=estimation)
