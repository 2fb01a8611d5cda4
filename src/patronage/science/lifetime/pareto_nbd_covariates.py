"""Pareto/NBD with facts about customers that raise or lower their rates.

A customer with covariates z buys at exp(γ'z) times, and drops out at exp(δ'w) times, the rate that
they would have without, whence α exp(-γ'z) and β exp(-δ'w) in place of α and β: each effect is the
logarithm of a ratio of rates, the same for everybody.

Source: Fader and Hardie (2007), "Incorporating time-invariant covariates into the Pareto/NBD and
BG/NBD models". Assumptions: those of Pareto/NBD, covariates that do not change over time, effects
that are proportional and independent of the customer's own rates.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from patronage.science.lifetime.covariate_answers import CustomersWithCovariates
from patronage.science.lifetime.covariate_cells import CovariateCells, Patterns
from patronage.science.lifetime.errors import InvalidParameter
from patronage.science.lifetime.estimation import Estimation
from patronage.science.lifetime.fit_record import FitRecord, estimation_of, recorded
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.optimum import (
    LARGEST_SHAPE,
    TWO_SHAPES_AND_SCALES,
    Objective,
    Optimum,
    SearchBox,
    maximise,
)
from patronage.science.lifetime.pareto_nbd import (
    NAMES,
    ParetoNBD,
    ParetoNBDParameters,
    objective_of_cells,
)

#: largest effect of one standard deviation of a covariate: a factor of 20,000
_LARGEST_EFFECT: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoNBDWithCovariates(FitRecord):
    """A Pareto/NBD model with proportional effects, fitted or rebuilt; immutable."""

    #: parameters of a customer whose covariates are all 0, in days
    parameters: ParetoNBDParameters
    #: covariate -> log ratio of purchase rates for one unit more of it
    purchase_effects: Mapping[str, float]
    #: covariate -> log ratio of dropout rates for one unit more of it
    dropout_effects: Mapping[str, float]
    #: how they were estimated; None for a model rebuilt from stored parameters
    estimation: Estimation | None = None

    @classmethod
    def from_parameters(
        cls,
        *,
        purchase_effects: Mapping[str, float],
        dropout_effects: Mapping[str, float],
        r: float,
        alpha: float,
        s: float,
        beta: float,
    ) -> "ParetoNBDWithCovariates":
        """The model with these parameters. Raises `InvalidParameter` outside their domain."""
        base = ParetoNBD.from_parameters(r=r, alpha=alpha, s=s, beta=beta)
        for name, effect in [*purchase_effects.items(), *dropout_effects.items()]:
            if not math.isfinite(effect):
                raise InvalidParameter(f"The effect of {name} must be finite, found {effect}.")
        return cls(
            parameters=base.parameters,
            purchase_effects=MappingProxyType(dict(purchase_effects)),
            dropout_effects=MappingProxyType(dict(dropout_effects)),
        )

    @classmethod
    def fit(cls, cells: CovariateCells) -> "ParetoNBDWithCovariates":
        """Maximum likelihood over the cells, starting from the fit without covariates.

        A search that fails is returned with `converged` False and a message; covariates that
        determine each other end so. Limits of r and s are those of `ParetoNBD.fit`.

        Raises `NotIdentified` where no search could succeed: for a covariate that is the same for
        everybody, and where the histories alone identify nothing (see `ParetoNBD.fit`).
        """
        scale = _Scale.of(cells)
        alone = ParetoNBD.fit(cells.pooled).parameters
        start = np.log([alone.r, alone.alpha, alone.s, alone.beta])
        effects = np.zeros(scale.spread.size)
        width = np.concatenate([TWO_SHAPES_AND_SCALES, effects + _LARGEST_EFFECT])
        middle = np.concatenate([start, effects])
        box = SearchBox(
            names=(*NAMES, *scale.names),
            start=middle,
            lower=middle - width,
            upper=np.minimum(middle + width, scale.largest()),
            may_rest=("r", "s"),
        )
        return _fitted(maximise(_objective(cells, scale), box), cells, scale)

    @property
    def standard_errors(self) -> Mapping[str, float]:
        """Asymptotic standard errors by name: r, alpha, s, beta, "purchase: x", "dropout: x".

        Raises `NotEstimated` on a rebuilt model.
        """
        return MappingProxyType(estimation_of(self).standard_errors)

    def for_pattern(
        self, *, purchase: Mapping[str, float], dropout: Mapping[str, float]
    ) -> ParetoNBD:
        """The plain model of customers with these covariates.

        Raises `InvalidParameter` unless every covariate of the model is given, and no other.
        """
        for given, known, rate in (
            (purchase, self.purchase_effects, "purchase"),
            (dropout, self.dropout_effects, "dropout"),
        ):
            if set(given) != set(known):
                raise InvalidParameter(
                    f"Covariates of the {rate} rate must be {sorted(known)}, found {sorted(given)}."
                )
        by_purchase = sum(self.purchase_effects[name] * z for name, z in purchase.items())
        by_dropout = sum(self.dropout_effects[name] * z for name, z in dropout.items())
        return ParetoNBD.from_parameters(
            r=self.parameters.r,
            alpha=self.parameters.alpha * math.exp(-by_purchase),
            s=self.parameters.s,
            beta=self.parameters.beta * math.exp(-by_dropout),
        )

    def for_customers(
        self,
        customers: int,
        *,
        purchase: Mapping[str, ArrayLike],
        dropout: Mapping[str, ArrayLike],
    ) -> CustomersWithCovariates:
        """The answers of a purchase model for so many customers with these covariates.

        Covariates as for fitting, shape (customers,) or one number for all. Raises as
        `for_pattern` and `CovariateCells.from_customers`.
        """
        patterns = Patterns.of(purchase=purchase, dropout=dropout, customers=customers)
        models = [self._of(patterns, at) for at in range(patterns.purchase.shape[0])]
        return CustomersWithCovariates(patterns=patterns, models=models)

    def log_likelihood_of(self, cells: CovariateCells) -> float:
        """Sum of the cells' log-likelihoods, for out-of-sample scores."""
        return sum(
            self._of(cells.patterns, at).log_likelihood_of(known)
            for at, known in enumerate(cells.cells)
            if known is not None
        )

    def _of(self, patterns: Patterns, at: int) -> ParetoNBD:
        purchase = dict(zip(patterns.purchase_names, patterns.purchase[at].tolist(), strict=True))
        dropout = dict(zip(patterns.dropout_names, patterns.dropout[at].tolist(), strict=True))
        return self.for_pattern(purchase=purchase, dropout=dropout)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Scale:
    """Covariates as the search sees them: mean 0, standard deviation 1."""

    #: standardised covariates by pattern, shape (patterns, covariates of either rate)
    purchase: FloatArray
    dropout: FloatArray
    #: mean and standard deviation of all covariates, those of the purchase rate first
    mean: FloatArray
    spread: FloatArray
    names: tuple[str, ...]

    @classmethod
    def of(cls, cells: CovariateCells) -> "_Scale":
        known = cells.patterns
        mean, spread = cells.moments(known.purchase, known.purchase_names)
        mean_out, spread_out = cells.moments(known.dropout, known.dropout_names)
        return cls(
            purchase=(known.purchase - mean) / spread,
            dropout=(known.dropout - mean_out) / spread_out,
            mean=np.concatenate([mean, mean_out]),
            spread=np.concatenate([spread, spread_out]),
            names=(
                *(f"purchase: {name}" for name in known.purchase_names),
                *(f"dropout: {name}" for name in known.dropout_names),
            ),
        )

    def largest(self) -> FloatArray:
        """Upper limits: those of the shapes are limits of the model, not of the search."""
        shape = math.log(LARGEST_SHAPE)
        return np.array([shape, np.inf, shape, np.inf] + [np.inf] * self.spread.size)

    def back(self) -> FloatArray:
        """Matrix from the search's point to log r, log α, log s, log β and the effects."""
        matrix = np.eye(4 + self.spread.size)
        for at, (mean, spread) in enumerate(zip(self.mean, self.spread, strict=True)):
            matrix[1 if at < self.purchase.shape[1] else 3, 4 + at] = mean / spread
            matrix[4 + at, 4 + at] = 1.0 / spread
        return matrix


def _objective(cells: CovariateCells, scale: _Scale) -> Objective:
    parts = [
        (objective_of_cells(known), known.customers, scale.purchase[at], scale.dropout[at])
        for at, known in enumerate(cells.cells)
        if known is not None
    ]
    customers, cut = cells.customers, 4 + scale.purchase.shape[1]

    def mean_log_likelihood(point: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = 0.0, np.zeros(point.size)
        for objective, weight, purchase, dropout in parts:
            own = point[:4].copy()
            own[1] -= purchase @ point[4:cut]
            own[3] -= dropout @ point[cut:]
            likelihood, slopes = objective(own)
            share = weight / customers
            value += share * likelihood
            gradient[:4] += share * slopes
            gradient[4:cut] -= share * slopes[1] * purchase
            gradient[cut:] -= share * slopes[3] * dropout
        return value, gradient

    return mean_log_likelihood


def _fitted(found: Optimum, cells: CovariateCells, scale: _Scale) -> ParetoNBDWithCovariates:
    matrix, names = scale.back(), (*NAMES, *scale.names)
    point = matrix @ found.log_parameters
    logs, effects = point[:4], point[4:].tolist()
    covariance = np.nan_to_num(found.inverse_information) / cells.customers
    deviations = np.sqrt(np.diag(matrix @ covariance @ matrix.T))
    unknown = ~np.isfinite(np.diag(found.inverse_information))
    errors = np.where(unknown, np.nan, deviations)
    errors[:4] *= np.exp(logs)
    estimation = recorded(
        found,
        dict(zip(names, errors.tolist(), strict=True)),
        customers=cells.customers,
        unit_events=cells.pooled.repeat_purchases,
    )
    cut = len(cells.patterns.purchase_names)
    values = dict(zip(NAMES, np.exp(logs).tolist(), strict=True))
    return ParetoNBDWithCovariates(
        parameters=ParetoNBDParameters(**values),
        purchase_effects=MappingProxyType(
            dict(zip(cells.patterns.purchase_names, effects[:cut], strict=True))
        ),
        dropout_effects=MappingProxyType(
            dict(zip(cells.patterns.dropout_names, effects[cut:], strict=True))
        ),
        estimation=estimation,
    )
