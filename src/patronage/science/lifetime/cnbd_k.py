"""Who is still a customer, and how often will they buy, if they buy regularly? (M)BG/CNBD-k.

Sources: Platzer and Reutterer (2016), "Ticking away the moments: timing regularity helps to better
predict customer activity", Marketing Science 35(5), 779-799, for why regularity matters; Reutterer,
Platzer and Schröder (2021), "Leveraging purchase regularity for predicting customer behavior the
easy way", International Journal of Research in Marketing 38(1), 194-215, for the models.
Assumptions: times between purchases are Erlang-k, k the same for all customers, the personal rate
of the stages gamma distributed (shape r, rate α); after a purchase a customer drops out with a
constant personal probability, beta (a, b) over customers: after each purchase (MBG) or after each
repeat purchase (BG).

Times and histories as in `pareto_nbd`: days, scalars or arrays of shape (customers,), missing
values refused.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np
from scipy.special import gammaln

from patronage.science.lifetime.beta_geometric_likelihood import BetaGeometric, log_spacing
from patronage.science.lifetime.beta_geometric_model import (
    BetaGeometricAnswers,
    BetaGeometricParameters,
    fitted_law,
)
from patronage.science.lifetime.cells import Cells
from patronage.science.lifetime.errors import InconsistentHistory, InvalidParameter
from patronage.science.lifetime.estimation import Estimation
from patronage.science.lifetime.fit_record import refuse_outside_domain
from patronage.science.lifetime.purchase_fit import PurchaseFit, refuse_unidentified

_STAGES_TRIED: Final = (1, 2, 3, 4)
_MOST_STAGES: Final = 12
_SAMPLE: Final = 4000
_FAR_BEHIND: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CNBDkParameters:
    """Which model of the family, and the parameters of the gamma and the beta distribution."""

    #: stages of a time between purchases, a whole number from 1: the higher, the more regular
    k: float
    #: 1 if customers may drop out with their first purchase (MBG), 0 if not (BG)
    dropout_at_first: float
    #: shape of the stages' rate's distribution
    r: float
    #: rate of the stages' rate's distribution, in time units
    alpha: float
    #: first shape of the dropout probability's distribution
    a: float
    #: second shape of the dropout probability's distribution
    b: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CNBDk(PurchaseFit[CNBDkParameters], BetaGeometricAnswers):
    """A (M)BG/CNBD-k model with known parameters, fitted or rebuilt; immutable."""

    TIME_POWERS: ClassVar = {"alpha": 1}

    #: parameters, in days
    parameters: CNBDkParameters
    #: how they were estimated; None for a model rebuilt from stored parameters
    estimation: Estimation | None = None

    @classmethod
    def from_parameters(
        cls, *, k: float, dropout_at_first: float, r: float, alpha: float, a: float, b: float
    ) -> "CNBDk":
        """The model with these parameters, in days.

        Raises `InvalidParameter` unless k is a whole number from 1 to 12, `dropout_at_first` 0 or
        1, and the others finite and above 0.
        """
        _refuse_stages(k)
        if dropout_at_first not in (0, 1):
            raise InvalidParameter(f"dropout_at_first must be 0 or 1, found {dropout_at_first}.")
        refuse_outside_domain(r=r, alpha=alpha, a=a, b=b)
        return cls(
            parameters=CNBDkParameters(
                k=float(k), dropout_at_first=float(dropout_at_first), r=r, alpha=alpha, a=a, b=b
            )
        )

    @classmethod
    def fit(
        cls,
        cells: Cells,
        *,
        start: CNBDkParameters | None = None,
        k: int | None = None,
        dropout_at_first: bool | None = None,
        sum_of_log_intervals: float | None = None,
    ) -> "CNBDk":
        """Maximum likelihood over the cells, k from 1 to 4 and both kinds of dropout included.

        Arguments: `cells`, times in days; `start` of every search, in days (its α is the mean of
        one stage: it is rescaled by k); `k` and `dropout_at_first` to fix what is else chosen;
        `sum_of_log_intervals`, Σ over customers (weighted) of Σ over their times between purchases
        of the log of the time in days.

        How k is chosen: the times between purchases are not among the cells. Without their logs, k
        is chosen by the density of (x, t_x) given T, which is comparable across k: less is known
        than with every purchase time, but nothing is assumed. With the logs it is the density of
        all purchase times. For given k the parameters are the same. `log_likelihood` is whichever
        was used, on the scale of the other models (k = 1 gives exactly theirs); `standard_errors`
        hold for the chosen k, whose own and that of `dropout_at_first` are NaN.

        A search that fails is returned with `converged` False; one that did not is preferred.

        Raises `NotIdentified` where nobody bought twice or there are fewer than five histories,
        `InvalidParameter` for an impossible k or `start`, `InconsistentHistory` where the logs are
        not finite.
        """
        refuse_unidentified(cells, parameters="four")
        if k is not None:
            _refuse_stages(k)
        if dropout_at_first not in (None, 0, 1):
            raise InvalidParameter(f"dropout_at_first must be 0 or 1, found {dropout_at_first}.")
        laws = [
            (stages, at_first)
            for stages in (_STAGES_TRIED if k is None else (int(k),))
            for at_first in ((0, 1) if dropout_at_first is None else (int(dropout_at_first),))
        ]
        tried = [
            cls._fit_one(cells, *law, start, sum_of_log_intervals)
            for law in cls._contenders(cells, laws, start, sum_of_log_intervals)
        ]
        return max(tried, key=lambda model: (model.converged, model.log_likelihood))

    @classmethod
    def _contenders(
        cls,
        cells: Cells,
        laws: list[tuple[int, int]],
        start: CNBDkParameters | None,
        sum_of_log_intervals: float | None,
    ) -> list[tuple[int, int]]:
        """The laws that may be the most likely, once a sample of very many cells has been fitted.

        Parameters from 1 in f of the cells lose about 2 f in log-likelihood on all of them, give or
        take as much: who is behind by ten times that is out.
        """
        sample = cells.sample(_SAMPLE)
        if sample is cells or len(laws) == 1:
            return laws
        likely = [
            cls._fit_one(sample, *law, start, None).log_likelihood_of(cells)
            + _beyond_cells(cells, law[0], sum_of_log_intervals)
            for law in laws
        ]
        far = max(likely) - _FAR_BEHIND * cells.size / sample.size
        return [law for law, value in zip(laws, likely, strict=True) if value >= far]

    @classmethod
    def _fit_one(
        cls,
        cells: Cells,
        k: int,
        at_first: int,
        start: CNBDkParameters | None,
        sum_of_log_intervals: float | None,
    ) -> "CNBDk":
        first = None
        if start is not None:
            first = BetaGeometricParameters(
                r=start.r, alpha=start.alpha * start.k / k, a=start.a, b=start.b
            )
        values, estimation = fitted_law(cells, k=k, at_first=at_first, start=first)
        errors = {"k": np.nan, "dropout_at_first": np.nan, **estimation.standard_errors}
        more = _beyond_cells(cells, k, sum_of_log_intervals)
        estimation = replace(
            estimation,
            standard_errors=errors,
            log_likelihood=estimation.log_likelihood + more,
        )
        parameters = CNBDkParameters(k=float(k), dropout_at_first=float(at_first), **values)
        return cls(parameters=parameters, estimation=estimation)

    @property
    def law(self) -> BetaGeometric:
        """The model as a member of its family, in days."""
        p = self.parameters
        return BetaGeometric(
            k=int(p.k), at_first=int(p.dropout_at_first), r=p.r, alpha=p.alpha, a=p.a, b=p.b
        )


def _refuse_stages(k: float) -> None:
    if not (1 <= k <= _MOST_STAGES and k == int(k)):
        raise InvalidParameter(f"k must be a whole number from 1 to {_MOST_STAGES}, found {k}.")


def _beyond_cells(cells: Cells, k: int, sum_of_log_intervals: float | None) -> float:
    """What the density of all purchase times adds to that of the first and the last.

    Erlang-k times have the density Π λ^k time^(k-1) e^(-λ time) / Γ(k).
    """
    if sum_of_log_intervals is None:
        return 0.0
    if not np.isfinite(sum_of_log_intervals):
        raise InconsistentHistory(
            f"sum_of_log_intervals must be finite, found {sum_of_log_intervals}: leave out "
            "purchases at the same time as another."
        )
    every_time = (k - 1.0) * sum_of_log_intervals - gammaln(k) * cells.repeat_purchases
    return float(every_time - cells.weight @ log_spacing(k, cells.frequency, cells.recency))
