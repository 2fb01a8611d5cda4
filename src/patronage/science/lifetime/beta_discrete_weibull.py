"""Beta-discrete-Weibull: contracts left with a probability that may also change with tenure.

As the shifted beta-geometric model, but a customer's own probability of leaving falls (c < 1) or
rises (c > 1) with tenure: S(t) = B(α, β + t^c)/B(α, β). With c = 1 it is that model, so that a
likelihood-ratio test of the two asks whether loyalty changes within customers.

Source: Fader, Hardie, Liu, Davin and Steenburgh (2018), "'How to project customer retention'
revisited: the role of duration dependence", Journal of Interactive Marketing 43. Assumptions:
cohorts are alike, and c is everybody's.
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
from patronage.science.lifetime.shifted_beta_geometric import ShiftedBetaGeometric
from patronage.science.lifetime.tenures import Tenures

_NAMES: Final = ("alpha", "beta", "c")
#: power of a tenure beyond which nobody is left
_LARGEST_POWER: Final = 1e300
_SEARCH_WIDTH: Final = np.log([LARGEST_SHAPE, 1e7, 20.0])


@dataclass(frozen=True, slots=True, kw_only=True)
class BetaDiscreteWeibullParameters:
    """Parameters of the leaving probability and of its change with tenure."""

    #: first shape of the beta distribution of the probability of leaving at the first renewal
    alpha: float
    #: second shape of it
    beta: float
    #: power of tenure: below 1 customers become more loyal, above 1 less
    c: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BetaDiscreteWeibull(RetentionModel):
    """A beta-discrete-Weibull model with known parameters, fitted or rebuilt; immutable."""

    parameters: BetaDiscreteWeibullParameters
    #: how they were estimated; None for a model rebuilt from stored parameters
    estimation: Estimation | None = None

    @classmethod
    def from_parameters(cls, *, alpha: float, beta: float, c: float) -> "BetaDiscreteWeibull":
        """The model with these parameters. Raises `InvalidParameter` unless finite, above 0."""
        refuse_outside_domain(alpha=alpha, beta=beta, c=c)
        return cls(parameters=BetaDiscreteWeibullParameters(alpha=alpha, beta=beta, c=c))

    @classmethod
    def fit(
        cls, tenures: Tenures, *, start: BetaDiscreteWeibullParameters | None = None
    ) -> "BetaDiscreteWeibull":
        """Maximum likelihood over tenures, from `start`, by default the shifted beta-geometric fit.

        A search that fails is returned with `converged` False and a message. An alpha of 1000 times
        that fit's is the limit at which customers do not differ measurably.

        Raises `NotIdentified` for fewer than three renewals, or if nobody or everybody left;
        `InvalidParameter` for an impossible `start`.
        """
        refuse_unidentified_tenures(tenures, parameters=3)
        times = np.arange(tenures.lost.size, dtype=np.float64)
        logs = np.log(np.maximum(times, 1.0))

        def total(point: FloatArray) -> tuple[float, FloatArray]:
            alpha, beta, c = np.exp(point).tolist()
            aged = np.where(times > 0, np.exp(c * logs), 0.0)
            known = beta_survival_slopes(alpha, beta, aged)
            by_c = c * logs * aged * known.by_time
            slopes = np.stack([alpha * known.by_alpha, beta * known.by_beta, by_c])
            return tenure_log_likelihood(tenures, known.log_survival, slopes)

        nested = ShiftedBetaGeometric.fit(tenures).parameters
        centre = np.log([min(nested.alpha, 10.0), min(nested.beta, 100.0), 1.0])
        box = SearchBox.around(
            centre,
            _SEARCH_WIDTH,
            names=_NAMES,
            start=None if start is None else logs_of(start),
            may_rest=("alpha",),
        )
        found = maximise(mean_objective(tenures, total), box)
        values, estimation = estimated_of_tenures(found, tenures, _NAMES)
        return cls(parameters=BetaDiscreteWeibullParameters(**values), estimation=estimation)

    @property
    def standard_errors(self) -> BetaDiscreteWeibullParameters:
        """Asymptotic standard errors. Raises `NotEstimated` on a rebuilt model."""
        return BetaDiscreteWeibullParameters(**estimation_of(self).standard_errors)

    def _log_survival(self, renewals: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            power = np.minimum(np.power(renewals, self.parameters.c), _LARGEST_POWER)
        return beta_survival(self.parameters.alpha, self.parameters.beta, power)
