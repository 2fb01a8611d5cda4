"""How much does a customer spend per purchase day? The gamma-gamma model.

Spend per purchase is gamma (shape p, rate ν) around the customer's mean p/ν, and ν is gamma
distributed (shape q, rate v) over customers. Given x repeat purchases averaging z,
ν is gamma (px + q, v + xz), whence every answer here.

Source: Fader, Hardie and Lee (2005), "RFM and CLV: using iso-value curves for customer base
analysis", Journal of Marketing Research 42(4); likelihood as in Fader and Hardie's note on the
gamma-gamma model of monetary value (2013), equation 1a. Assumptions: spend is independent of the
purchase and dropout process, and a customer's mean spend does not change.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma, gammaln

from patronage.science.lifetime.errors import NotIdentified
from patronage.science.lifetime.estimation import Estimation
from patronage.science.lifetime.fit_record import (
    FitRecord,
    estimated,
    estimation_of,
    refuse_outside_domain,
)
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.optimum import Objective, Optimum, SearchBox, maximise
from patronage.science.lifetime.spend_model import SpendRows, validated_spend

_NAMES: Final = ("p", "q", "v")
_FEWEST_CUSTOMERS: Final = 4
_SEARCH_WIDTH: Final = math.log(1e5)
#: standard deviation over mean of the averages below which no search is made
_LEAST_SPREAD: Final = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaGammaParameters:
    """Parameters of the two gamma distributions."""

    #: shape of spend within a customer
    p: float
    #: shape of the distribution of ν over customers
    q: float
    #: rate of the distribution of ν over customers, in money units
    v: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaGamma(FitRecord):
    """A gamma-gamma spend model with known parameters, fitted or rebuilt; immutable."""

    #: parameters; v in the money unit of the spend
    parameters: GammaGammaParameters
    #: how they were estimated; None for a model rebuilt from stored parameters
    estimation: Estimation | None = None

    @classmethod
    def from_parameters(cls, *, p: float, q: float, v: float) -> "GammaGamma":
        """The model with these parameters. Raises `InvalidParameter` unless finite, above 0."""
        refuse_outside_domain(p=p, q=q, v=v)
        return cls(parameters=GammaGammaParameters(p=p, q=q, v=v))

    @classmethod
    def fit(
        cls, *, frequency: ArrayLike, average_spend: ArrayLike, weights: ArrayLike | None = None
    ) -> "GammaGamma":
        """Maximum likelihood over customers with at least one repeat purchase.

        Arguments, shape (customers,): `frequency`, whole repeat purchases; `average_spend` per
        repeat purchase day, above 0 (ignored, and allowed to be missing, where frequency is 0);
        `weights`, finite and not negative. A failed search is returned with `converged` False.

        Raises `InconsistentHistory`, naming rows with a missing, zero or negative spend or an
        impossible frequency; `NotIdentified` for fewer than four repeaters, none of them with two
        repeat purchases, or averages that spread by less than a thousandth of their mean (use
        `LognormalSpend` there).
        """
        rows = SpendRows.of(frequency, average_spend, weights)
        _refuse_unidentified(rows)
        typical = float(rows.weight @ rows.average_spend / rows.customers)
        start = np.log([4.0, 3.0, typical])
        found = maximise(_objective(rows), SearchBox.around(start, _SEARCH_WIDTH, names=_NAMES))
        return _fitted(found, rows.customers)

    @property
    def standard_errors(self) -> GammaGammaParameters:
        """Asymptotic standard errors. Raises `NotEstimated` on a rebuilt model."""
        return GammaGammaParameters(**estimation_of(self).standard_errors)

    @property
    def population_mean(self) -> float:
        """Mean spend of a customer of whom nothing is known, pv/(q-1); infinite for q <= 1."""
        p, q, v = self._values()
        return p * v / (q - 1.0) if q > 1.0 else math.inf

    def expected_spend(self, frequency: ArrayLike, average_spend: ArrayLike) -> FloatArray:
        """Expected mean spend per purchase day given the history, shape (customers,).

        Arguments as for `fit`; frequency 0 is answered with the population mean. Infinite where
        px + q <= 1. Raises `InconsistentHistory`, naming the first offending rows.
        """
        shape, rate = self._posterior(frequency, average_spend)
        return _where_above(shape, 1.0, lambda a: self.parameters.p * rate / (a - 1.0))

    def spend_variance(self, frequency: ArrayLike, average_spend: ArrayLike) -> FloatArray:
        """Posterior variance of the customer's mean spend; infinite where px + q <= 2."""
        shape, rate = self._posterior(frequency, average_spend)
        scale = self.parameters.p * rate
        return _where_above(shape, 2.0, lambda a: (scale / (a - 1.0)) ** 2 / (a - 2.0))

    def purchase_spend_variance(self, frequency: ArrayLike, average_spend: ArrayLike) -> FloatArray:
        """Expected variance of one purchase around the customer's mean; infinite if px + q <= 2."""
        shape, rate = self._posterior(frequency, average_spend)
        return _where_above(
            shape, 2.0, lambda a: self.parameters.p * rate**2 / ((a - 1.0) * (a - 2.0))
        )

    def log_likelihood_of(
        self, *, frequency: ArrayLike, average_spend: ArrayLike, weights: ArrayLike | None = None
    ) -> float:
        """Sum of the log densities of the average spends: for out-of-sample scores.

        Arguments and refusals as for `fit`; 0 where nobody bought again, who alone are scored.
        """
        rows = SpendRows.of(frequency, average_spend, weights)
        if not rows.customers:
            return 0.0
        return _objective(rows)(np.log(self._values()))[0] * rows.customers

    def _values(self) -> tuple[float, float, float]:
        return self.parameters.p, self.parameters.q, self.parameters.v

    def _posterior(
        self, frequency: ArrayLike, average_spend: ArrayLike
    ) -> tuple[FloatArray, FloatArray]:
        x, z = validated_spend(frequency, average_spend)
        p, q, v = self._values()
        return p * x + q, v + x * z


def _where_above(
    shape: FloatArray, limit: float, answer: Callable[[FloatArray], FloatArray]
) -> FloatArray:
    finite = shape > limit
    result: FloatArray = np.where(finite, answer(np.where(finite, shape, limit + 1.0)), np.inf)
    return result


def _refuse_unidentified(rows: SpendRows) -> None:
    repeaters, spread = rows.frequency.size, rows.relative_spread
    if repeaters < _FEWEST_CUSTOMERS or rows.frequency.max() < 2:
        raise NotIdentified(
            f"{repeaters} customers with a repeat purchase cannot tell spread within from spread "
            f"between customers: expected at least {_FEWEST_CUSTOMERS}, some with two repeat "
            "purchases. Observe longer, or use stored parameters."
        )
    if spread < _LEAST_SPREAD:
        raise NotIdentified(
            f"Spend hardly varies: the averages of {repeaters} customers with a repeat purchase "
            f"spread by {spread:.2g} of their mean, expected different averages (at least "
            f"{_LEAST_SPREAD:g}). Use LognormalSpend, which takes such a base."
        )


def _objective(rows: SpendRows) -> Objective:
    """Mean log-likelihood and slopes over the logs of p, q and v.

    Customers of equal frequency x share every term but those of log(1 + xz/v) and its reciprocal,
    so that gamma functions are asked once a frequency.
    """
    order = np.argsort(rows.frequency, kind="stable")
    weight, spent = rows.weight[order], (rows.frequency * rows.average_spend)[order]
    x, starts = np.unique(rows.frequency[order], return_index=True)
    customers = np.add.reduceat(weight, starts)
    log_spent = np.add.reduceat(weight * np.log(spent), starts)
    log_average = float(np.sum(weight * np.log(rows.average_spend[order])))
    total = rows.customers

    def mean_log_likelihood(point: FloatArray) -> tuple[float, FloatArray]:
        p, q, v = np.exp(point).tolist()
        times = spent / v + 1.0
        log_rest = -np.add.reduceat(weight * np.log(times), starts)
        log_share = log_spent - customers * point[2] + log_rest
        rest = np.add.reduceat(weight / times, starts)
        px, both = p * x, digamma(p * x + q)
        value = customers * (gammaln(px + q) - gammaln(px) - gammaln(q)) + q * log_rest
        slopes = [
            px * (customers * (both - digamma(px)) + log_share),
            q * (customers * (both - digamma(q)) + log_rest),
            customers * q - rest * (px + q),
        ]
        height = float(np.sum(value + px * log_share)) - log_average
        return height / total, np.sum(slopes, axis=1) / total

    return mean_log_likelihood


def _advice(found: Optimum) -> str:
    if found.converged:
        return found.message
    return (
        f"{found.message} Spend may vary too little between or within customers for this model; "
        "LognormalSpend takes such a base."
    )


def _fitted(found: Optimum, customers: float) -> GammaGamma:
    found = replace(found, message=_advice(found))
    values, estimation = estimated(found, _NAMES, customers=customers, unit_events=customers)
    return GammaGamma(parameters=GammaGammaParameters(**values), estimation=estimation)
