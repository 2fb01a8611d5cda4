"""What would be bought if customers bought more often, or stayed for longer? Any purchase model.

The past, and what it says of each customer, stays as it is; only what comes after is another. With
m(t) the purchases that the model expects at t days from now, buying g times as often gives g m(t).
Remaining lifetimes 1/c times as long, at an unchanged rate of buying, give m(c t): whoever is t
days on has aged by c t. Discounted at the force of interest d, the integral of exp(-d t) m(c t)
over (a, b] is 1/c times that of exp(-(d/c) u) m(u) over (c a, c b]: the model's own answer for
another window at another rate. For Pareto/NBD both are exactly a purchase rate times g and a
dropout rate times c.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from patronage.science.lifetime.calibration import ExpectsPurchases
from patronage.science.lifetime.errors import InvalidParameter
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.windows import DAYS_A_YEAR, Window

#: lifetimes longer than 1/this times are not searched for
SLOWEST_AGEING: Final = 0.05
#: annual rate that models are asked at where the steered one is beyond what they take
_STEEPEST: Final = 9.0
#: discount of a stretch whose remainder is taken at its middle: wrong by less than one in 10^5
_SHORT: Final = 0.01


class Lasts(ExpectsPurchases, Protocol):
    """A purchase model that also says who is still a customer."""

    def probability_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> FloatArray:
        """Probability of still being a customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steered:
    """A purchase model whose future is steered; expects purchases as any model does."""

    #: the model as fitted
    model: Lasts
    #: shopping days, times this
    purchases: float = 1.0
    #: speed of ageing: below 1, remaining lifetimes are 1/ageing times as long
    ageing: float = 1.0

    def __post_init__(self) -> None:
        """Raise `InvalidParameter` for a rate below 0 or an ageing outside 0.05 to 20."""
        if not 0 <= self.purchases < math.inf:
            raise InvalidParameter(
                f"purchases must be finite and 0 or more, found {self.purchases}."
            )
        if not SLOWEST_AGEING <= self.ageing <= 1 / SLOWEST_AGEING:
            raise InvalidParameter(
                f"ageing must lie between {SLOWEST_AGEING} and {1 / SLOWEST_AGEING:g}, found "
                f"{self.ageing}."
            )

    def probability_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> FloatArray:
        """Probability of still being a customer: the past's, which is not steered."""
        return self.model.probability_alive(x, t_x, T)

    def discounted_expected_purchases(
        self,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        *,
        horizon_days: float,
        annual_discount_rate: float,
        start_days: float = 0.0,
    ) -> FloatArray:
        """Expected purchases in (T + start_days, T + horizon_days], discounted to T.

        Arguments, result and errors as of the model's own method, which is asked at the rate
        (1 + rate)^(1/ageing) - 1. Where that is above 9, it is asked at 9 over many short
        stretches, and what is left of the discount is taken at the middle of each: right to one
        in 100,000.
        """
        Window.of(
            horizon_days=horizon_days,
            start_days=start_days,
            annual_discount_rate=annual_discount_rate,
        )
        same_force = annual_discount_rate
        if self.ageing != 1.0:
            same_force = (1.0 + annual_discount_rate) ** (1.0 / self.ageing) - 1.0
        if self.ageing != 1.0 and same_force > _STEEPEST:
            days = (start_days * self.ageing, horizon_days * self.ageing)
            left = math.log1p(annual_discount_rate) / self.ageing - math.log1p(_STEEPEST)
            return self.purchases / self.ageing * self._in_stretches((x, t_x, T), days, left)
        expected = self.model.discounted_expected_purchases(
            x,
            t_x,
            T,
            start_days=start_days * self.ageing,
            horizon_days=horizon_days * self.ageing,
            annual_discount_rate=same_force,
        )
        steered: FloatArray = self.purchases / self.ageing * expected
        return steered

    def _in_stretches(
        self,
        past: tuple[ArrayLike, ArrayLike, ArrayLike],
        days: tuple[float, float],
        left: float,
    ) -> FloatArray:
        """The model's purchases of these days at the steepest rate and a force of `left` a year."""
        a_day = left / DAYS_A_YEAR
        whole = a_day + math.log1p(_STEEPEST) / DAYS_A_YEAR
        stretches = max(math.ceil((days[1] - days[0]) * whole / _SHORT), 1)
        edges = np.linspace(*days, stretches + 1)
        parts = [
            math.exp(-a_day * (begin + end) / 2.0)
            * self.model.discounted_expected_purchases(
                *past, start_days=begin, horizon_days=end, annual_discount_rate=_STEEPEST
            )
            for begin, end in itertools.pairwise(edges.tolist())
        ]
        total: FloatArray = np.sum(parts, axis=0)
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What customers together are expected to buy on a day now, and on one in a year."""

    #: purchases expected on the next day
    now: float
    #: purchases expected on the day that begins 365 days on
    in_a_year: float

    @property
    def retention(self) -> float | None:
        """The share still bought in a year; None where nothing is bought now.

        It is the share of customers kept, each counted with how often they buy.
        """
        return self.in_a_year / self.now if self.now > 0 else None


def activity(model: ExpectsPurchases, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Activity:
    """How much the customers buy now and are still expected to buy in a year, summed over them."""
    return Activity(
        now=_on_day(model, x, t_x, T, 0.0), in_a_year=_on_day(model, x, t_x, T, DAYS_A_YEAR)
    )


def ageing_for_retention(
    model: Lasts, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, points: float
) -> float | None:
    """The ageing at which the retention of `activity` is higher by `points` (0.01: one point).

    None where no ageing down to `SLOWEST_AGEING` gets there: next to nobody leaves as it is. Raises
    `InvalidParameter` for points below 0, which no longer lifetime gives.
    """
    if not 0 <= points < math.inf:
        raise InvalidParameter(f"points must be finite and 0 or more, found {points}.")
    present = activity(model, x, t_x, T).retention
    if present is None:
        return None
    wanted = present + points

    def missed(ageing: float) -> float:
        kept = activity(Steered(model=model, ageing=ageing), x, t_x, T).retention
        return (kept or 0.0) - wanted

    if missed(SLOWEST_AGEING) < 0:
        return None
    return float(brentq(missed, SLOWEST_AGEING, 1.0, xtol=1e-10))


def _on_day(
    model: ExpectsPurchases, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, start: float
) -> float:
    """Purchases expected on one day, by all of the customers."""
    return float(
        model.discounted_expected_purchases(
            x, t_x, T, start_days=start, horizon_days=start + 1.0, annual_discount_rate=0.0
        ).sum()
    )
