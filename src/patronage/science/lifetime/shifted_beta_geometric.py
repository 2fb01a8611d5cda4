"""Shifted beta-geometric: contracts left at each renewal with a personal, constant probability.

The probability of leaving is beta (α, β) over customers, so that S(t) = B(α, β + t)/B(α, β) and the
share that renews at renewal t is (β + t - 1)/(α + β + t - 1): it rises with tenure because those
who leave easily are gone, not because anybody becomes more loyal.

Source: Fader and Hardie (2007), "How to project customer retention", Journal of Interactive
Marketing 21(1). Assumptions: a customer's probability does not change, cohorts are alike.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from patronage.science.lifetime.estimation import Estimation
from patronage.science.lifetime.fit_record import estimation_of, logs_of, refuse_outside_domain
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.optimum import LARGEST_SHAPE, SearchBox, maximise
from patronage.science.lifetime.retention import (
    RetentionModel,
    beta_survival,
    beta_survival_slopes,
    estimated_of_tenures,
    mean_objective,
    refuse_unidentified_tenures,
    tenure_log_likelihood,
)
from patronage.science.lifetime.tenures import Tenures

_NAMES: Final = ("alpha", "beta")
_SEARCH_WIDTH: Final = np.log([LARGEST_SHAPE, 1e7])


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftedBetaGeometricParameters:
    """Parameters of the beta distribution of the probability of leaving at a renewal."""

    #: first shape
    alpha: float
    #: second shape
    beta: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftedBetaGeometric(RetentionModel):
    """A shifted beta-geometric model with known parameters, fitted or rebuilt; immutable."""

    parameters: ShiftedBetaGeometricParameters
    #: how they were estimated; None for a model rebuilt from stored parameters
    estimation: Estimation | None = None

    @classmethod
    def from_parameters(cls, *, alpha: float, beta: float) -> "ShiftedBetaGeometric":
        """The model with these parameters. Raises `InvalidParameter` unless finite, above 0."""
        refuse_outside_domain(alpha=alpha, beta=beta)
        return cls(parameters=ShiftedBetaGeometricParameters(alpha=alpha, beta=beta))

    @classmethod
    def fit(
        cls, tenures: Tenures, *, start: ShiftedBetaGeometricParameters | None = None
    ) -> "ShiftedBetaGeometric":
        """Maximum likelihood over tenures, from `start`, by default from the overall churn.

        A search that fails is returned with `converged` False and a message. An alpha of 1000 is
        the limit at which customers do not differ measurably; the fit rests there and says so.

        Raises `NotIdentified` for fewer than two renewals, or if nobody or everybody left;
        `InvalidParameter` for an impossible `start`.
        """
        refuse_unidentified_tenures(tenures, parameters=2)
        times = np.arange(tenures.lost.size, dtype=np.float64)

        def total(point: FloatArray) -> tuple[float, FloatArray]:
            alpha, beta = np.exp(point).tolist()
            known = beta_survival_slopes(alpha, beta, times)
            slopes = np.stack([alpha * known.by_alpha, beta * known.by_beta])
            return tenure_log_likelihood(tenures, known.log_survival, slopes)

        churn = float(tenures.lost.sum() / tenures.at_risk.sum())
        centre = np.log([1.0, max(1.0 / churn - 1.0, 0.1)])
        box = SearchBox.around(
            centre,
            _SEARCH_WIDTH,
            names=_NAMES,
            start=None if start is None else logs_of(start),
            may_rest=("alpha",),
        )
        found = maximise(mean_objective(tenures, total), box)
        values, estimation = estimated_of_tenures(found, tenures, _NAMES)
        return cls(parameters=ShiftedBetaGeometricParameters(**values), estimation=estimation)

    @property
    def standard_errors(self) -> ShiftedBetaGeometricParameters:
        """Asymptotic standard errors. Raises `NotEstimated` on a rebuilt model."""
        return ShiftedBetaGeometricParameters(**estimation_of(self).standard_errors)

    def _log_survival(self, renewals: FloatArray) -> FloatArray:
        return beta_survival(self.parameters.alpha, self.parameters.beta, renewals)
