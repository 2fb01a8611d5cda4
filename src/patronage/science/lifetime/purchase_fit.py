"""What the fits of the purchase models have in common: refusals, the record, units of time."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from patronage.science.lifetime.cells import Cells
from patronage.science.lifetime.errors import InvalidParameter, NotIdentified
from patronage.science.lifetime.estimation import Estimation
from patronage.science.lifetime.fit_record import FitRecord, estimated, estimation_of
from patronage.science.lifetime.optimum import Optimum

P = TypeVar("P")

#: distinct histories below which no search for four parameters is made
FEWEST_HISTORIES = 5


class PurchaseFit(FitRecord, Generic[P]):
    """Mix-in: the figures of a purchase model's fit, in days and in any other unit of time.

    The model is a frozen dataclass with the fields `parameters` (a frozen dataclass of floats) and
    `estimation` (None where it was rebuilt from stored parameters).
    """

    __slots__ = ()

    #: parameter -> power of the time unit it carries: 1 for days, -1 for something a day
    TIME_POWERS: ClassVar[Mapping[str, int]]

    if TYPE_CHECKING:

        @property
        def parameters(self) -> P: ...
        @property
        def estimation(self) -> Estimation | None: ...

    @property
    def standard_errors(self) -> P:
        """Asymptotic standard errors, in days. Raises `NotEstimated` on a rebuilt model."""
        return type(self.parameters)(**estimation_of(self).standard_errors)

    def parameters_per(self, *, days: float) -> P:
        """The parameters with `days` days as the time unit: 7 for weeks.

        Raises `InvalidParameter` for a unit that is not finite and above 0.
        """
        return self._in_units_of(self.parameters, days)

    def standard_errors_per(self, *, days: float) -> P:
        """The standard errors with `days` days as the time unit."""
        return self._in_units_of(self.standard_errors, days)

    def log_likelihood_per(self, *, days: float) -> float:
        """The log-likelihood with `days` days as the time unit (densities scale with it)."""
        _refuse_unit(days)
        estimation = estimation_of(self)
        return estimation.log_likelihood + estimation.unit_events * math.log(days)

    def _in_units_of(self, parameters: P, days: float) -> P:
        _refuse_unit(days)
        values: dict[str, float] = asdict(parameters)  # type: ignore[call-overload]
        powers = self.TIME_POWERS
        return type(parameters)(
            **{name: value / days ** powers.get(name, 0) for name, value in values.items()}
        )


def _refuse_unit(days: float) -> None:
    if not (math.isfinite(days) and days > 0):
        raise InvalidParameter(
            f"A time unit must be a finite number of days above 0, found {days}."
        )


def refuse_unidentified(cells: Cells, *, parameters: str) -> None:
    """Raise `NotIdentified` where no search could succeed; `parameters` says how many, in words.

    Nobody bought twice, or there are fewer than five distinct histories (one customer, say).
    """
    if cells.repeat_purchases == 0:
        raise NotIdentified(
            f"None of the {cells.customers:g} customers bought again: purchase and dropout rates "
            "cannot be told apart. Observe longer, or use parameters from a similar base."
        )
    if cells.size < FEWEST_HISTORIES:
        raise NotIdentified(
            f"{cells.size} distinct histories cannot identify {parameters} parameters; expected at "
            f"least {FEWEST_HISTORIES}. Pool customers, or use parameters from a similar base."
        )


def estimated_of_cells(
    found: Optimum, cells: Cells, names: tuple[str, ...]
) -> tuple[dict[str, float], Estimation]:
    """Parameters by name and the record of their estimation, from the optimum of a fit to cells."""
    return estimated(found, names, customers=cells.customers, unit_events=cells.repeat_purchases)
