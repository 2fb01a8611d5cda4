"""Who is still a customer, and how often will they buy? The BG/NBD model.

Source: Fader, Hardie and Lee (2005), "Counting your customers the easy way: an alternative to the
Pareto/NBD model", Marketing Science 24(2), 275-284. Assumptions: Poisson purchases at a constant
personal rate, gamma distributed over customers (shape r, rate α); after each repeat purchase a
customer drops out with a constant personal probability, beta (a, b) over customers; rate and
dropout independent, no seasons, no trend. A customer without a repeat purchase is surely alive.

Times and histories as in `pareto_nbd`: days, scalars or arrays of shape (customers,), missing
values refused.
"""

from dataclasses import dataclass
from typing import ClassVar

from patronage.science.lifetime.beta_geometric_likelihood import BetaGeometric
from patronage.science.lifetime.beta_geometric_model import (
    BetaGeometricAnswers,
    BetaGeometricParameters,
    fitted_law,
    law_of,
)
from patronage.science.lifetime.cells import Cells
from patronage.science.lifetime.estimation import Estimation
from patronage.science.lifetime.fit_record import refuse_outside_domain
from patronage.science.lifetime.purchase_fit import PurchaseFit


@dataclass(frozen=True, slots=True, kw_only=True)
class BGNBDParameters(BetaGeometricParameters):
    """Parameters of the gamma and the beta distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BGNBD(PurchaseFit[BGNBDParameters], BetaGeometricAnswers):
    """A BG/NBD model with known parameters, fitted or rebuilt; immutable."""

    TIME_POWERS: ClassVar = {"alpha": 1}

    #: parameters, in days
    parameters: BGNBDParameters
    #: how they were estimated; None for a model rebuilt from stored parameters
    estimation: Estimation | None = None

    @classmethod
    def from_parameters(cls, *, r: float, alpha: float, a: float, b: float) -> "BGNBD":
        """The model with these parameters, in days.

        Raises `InvalidParameter` unless all four are finite and above 0.
        """
        refuse_outside_domain(r=r, alpha=alpha, a=a, b=b)
        return cls(parameters=BGNBDParameters(r=r, alpha=alpha, a=a, b=b))

    @classmethod
    def fit(cls, cells: Cells, *, start: BGNBDParameters | None = None) -> "BGNBD":
        """Maximum likelihood over the cells.

        Arguments: `cells`, times in days; `start` of the search, in days. A search that fails is
        returned with `converged` False and a message; r and a may rest at 1000, where customers do
        not differ measurably in their rate or their dropout probability (`estimation.at_limit`).

        Raises `NotIdentified` where nobody bought twice or there are fewer than five histories,
        `InvalidParameter` for an impossible `start`.
        """
        values, estimation = fitted_law(cells, k=1, at_first=0, start=start)
        return cls(parameters=BGNBDParameters(**values), estimation=estimation)

    @property
    def law(self) -> BetaGeometric:
        """The model as a member of its family, in days."""
        return law_of(self.parameters, k=1, at_first=0)
