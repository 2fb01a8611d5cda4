"""Who is still a customer, and how often will they buy? The MBG/NBD model.

Sources: Batislam, Denizel and Filiztekin (2007), "Empirical validation and comparison of models for
customer base analysis", International Journal of Research in Marketing 24(3), 201-209; Wagner and
Hoppe (2008), "Erratum on the MBG/NBD model", 25(3), 225-226; the same as the central variant of the
BG/NBD, Hoppe and Wagner (2007). Assumptions: as BG/NBD, except that customers may drop out with
their first purchase already, so that one who never came back may be gone.

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
class MBGNBDParameters(BetaGeometricParameters):
    """Parameters of the gamma and the beta distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MBGNBD(PurchaseFit[MBGNBDParameters], BetaGeometricAnswers):
    """An MBG/NBD model with known parameters, fitted or rebuilt; immutable."""

    TIME_POWERS: ClassVar = {"alpha": 1}

    #: parameters, in days
    parameters: MBGNBDParameters
    #: how they were estimated; None for a model rebuilt from stored parameters
    estimation: Estimation | None = None

    @classmethod
    def from_parameters(cls, *, r: float, alpha: float, a: float, b: float) -> "MBGNBD":
        """The model with these parameters, in days.

        Raises `InvalidParameter` unless all four are finite and above 0.
        """
        refuse_outside_domain(r=r, alpha=alpha, a=a, b=b)
        return cls(parameters=MBGNBDParameters(r=r, alpha=alpha, a=a, b=b))

    @classmethod
    def fit(cls, cells: Cells, *, start: MBGNBDParameters | None = None) -> "MBGNBD":
        """Maximum likelihood over the cells.

        Arguments: `cells`, times in days; `start` of the search, in days. A search that fails is
        returned with `converged` False and a message; r and a may rest at 1000, where customers do
        not differ measurably in their rate or their dropout probability (`estimation.at_limit`).

        Raises `NotIdentified` where nobody bought twice or there are fewer than five histories,
        `InvalidParameter` for an impossible `start`.
        """
        values, estimation = fitted_law(cells, k=1, at_first=1, start=start)
        return cls(parameters=MBGNBDParameters(**values), estimation=estimation)

    @property
    def law(self) -> BetaGeometric:
        """The model as a member of its family, in days."""
        return law_of(self.parameters, k=1, at_first=1)
