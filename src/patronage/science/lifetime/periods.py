"""Windows that are counted in whole periods: opportunities to buy, renewals of a contract."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from patronage.science.lifetime.errors import InvalidWindow
from patronage.science.lifetime.histories import FloatArray

#: where discounting has left e^-40 of a period
_NEGLIGIBLE: Final = 40.0
#: slowest discounting for which a sum without an end is taken
_LEAST_RATE: Final = 1e-4
#: a horizon beyond this is counted in another unit
_MOST_PERIODS: Final = 10_000_000
_AT_ONCE: Final = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodWindow:
    """The periods start + 1, ..., horizon after now."""

    start: int
    #: a number of periods that holds all but e^-40 of the whole where the window has no end
    horizon: int
    #: log(1 + rate a period)
    force: float

    @classmethod
    def of(
        cls, *, horizon: int | None, start: int = 0, discount_rate_per_period: float = 0.0
    ) -> "PeriodWindow":
        """Check and convert a window; `horizon` None is for ever.

        Raises `InvalidWindow` unless 0 <= start <= horizon are whole and at most ten million,
        -1 < rate < 10, and the rate is at least 0.0001 a period where the window has no end.
        """
        if not -1.0 < discount_rate_per_period < 10.0:
            raise InvalidWindow(
                "The discount rate a period must lie between -1 and 10 (0.10 means 10 % a period), "
                f"found {discount_rate_per_period}."
            )
        force = math.log1p(discount_rate_per_period)
        if horizon is None:
            if discount_rate_per_period < _LEAST_RATE:
                raise InvalidWindow(
                    f"Without an end, the discount rate must be at least {_LEAST_RATE} a period, "
                    f"found {discount_rate_per_period}. Give the number of periods."
                )
            horizon = start + math.ceil(_NEGLIGIBLE / force)
        if not (_whole(horizon) and 0 <= horizon <= _MOST_PERIODS):
            raise InvalidWindow(
                f"A horizon must be a whole number from 0 to {_MOST_PERIODS:,}, found {horizon}."
            )
        if not (_whole(start) and 0 <= start <= horizon):
            raise InvalidWindow(
                f"A start must be a whole number between 0 and the horizon ({horizon}), "
                f"found {start}."
            )
        return cls(start=int(start), horizon=int(horizon), force=force)


def _whole(number: float) -> bool:
    return math.isfinite(number) and number == math.floor(number)


def discounted_survival(
    window: PeriodWindow, log_survival: Callable[[FloatArray], FloatArray], rows: int
) -> FloatArray:
    """Σ S(k)/S(0) (1 + rate)^-k over the periods k of the window, shape (rows,).

    `log_survival` gives log S of shape (rows, periods), up to a constant a row, for periods of
    shape (periods,) counted from now.
    """
    now = log_survival(np.zeros(1))
    total = np.zeros(rows)
    step = max(_AT_ONCE // max(rows, 1), 1)
    for first in range(window.start + 1, window.horizon + 1, step):
        k = np.arange(first, min(first + step, window.horizon + 1), dtype=np.float64)
        total += np.exp(log_survival(k) - now - window.force * k).sum(axis=1)
    return total
