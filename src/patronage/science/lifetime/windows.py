"""From when to when, and at what rate, are future purchases counted?"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import exprel

from patronage.science.lifetime.errors import InvalidWindow
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.quadrature import row_blocks, unit_nodes

DAYS_A_YEAR: Final = 365
#: 27,000 years, up to which answers discounted at 10 % a year are good to five digits
_LONGEST_DAYS: Final = 1e7
_NODES, _WEIGHTS = unit_nodes(48)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The future between `start_days` and `horizon_days` after the end of observation."""

    start_days: float
    horizon_days: float
    #: continuous rate a day, log(1 + annual effective rate) / 365
    discount_rate_a_day: float

    @classmethod
    def of(
        cls,
        *,
        horizon_days: float,
        start_days: float = 0.0,
        annual_discount_rate: float = 0.0,
    ) -> "Window":
        """Check and convert a window.

        Arguments: days, 0 <= start <= horizon <= 1e7 (an empty window is answered with 0
        purchases); `annual_discount_rate` effective, -1 < rate < 10, 0.10 meaning 10 % a year.

        Raises `InvalidWindow` otherwise.
        """
        if not 0 <= horizon_days <= _LONGEST_DAYS:
            raise InvalidWindow(
                f"horizon_days must be a number of days from 0 to {_LONGEST_DAYS:g}, "
                f"found {horizon_days}."
            )
        if not 0 <= start_days <= horizon_days:
            raise InvalidWindow(
                f"start_days must lie between 0 and horizon_days ({horizon_days}), "
                f"found {start_days}."
            )
        if not -1.0 < annual_discount_rate < 10.0:
            raise InvalidWindow(
                "annual_discount_rate must lie between -1 and 10 (0.10 means 10 % a year), "
                f"found {annual_discount_rate}."
            )
        return cls(
            start_days=float(start_days),
            horizon_days=float(horizon_days),
            discount_rate_a_day=math.log1p(annual_discount_rate) / DAYS_A_YEAR,
        )

    @property
    def is_discounted(self) -> bool:
        """Whether purchases further away count less (or more)."""
        return self.discount_rate_a_day != 0.0

    def with_discounting(self, times: float) -> "Window":
        """The same window with the discount rate multiplied."""
        return Window(
            start_days=self.start_days,
            horizon_days=self.horizon_days,
            discount_rate_a_day=self.discount_rate_a_day * times,
        )


def expected_days_alive(window: Window, s: float, edge: FloatArray) -> FloatArray:
    """Discounted days that a customer alive now is expected to live within the window.

    ∫_start^horizon e^-δv (edge/(edge+v))^s dv with edge = β + T of shape (rows,), in days.
    """
    if window.is_discounted:
        return _weighted_days(window, s, edge, np.ones_like)

    def until(days: float) -> FloatArray:
        length = np.log1p(days / edge)
        whole: FloatArray = edge * length * exprel((1.0 - s) * length)
        return whole

    return until(window.horizon_days) - until(window.start_days)


def expected_square_of_days_alive(window: Window, s: float, edge: FloatArray) -> FloatArray:
    """Expected square of the discounted days alive within the window, shape (rows,)."""
    delta, start = window.discount_rate_a_day, window.start_days

    def discounted_so_far(v: FloatArray) -> FloatArray:
        gone = v - start
        so_far: FloatArray = 2.0 * math.exp(-delta * start) * gone * exprel(-delta * gone)
        return so_far

    return _weighted_days(window, s, edge, discounted_so_far)


def _weighted_days(
    window: Window,
    s: float,
    edge: FloatArray,
    weighting: Callable[[FloatArray], FloatArray],
) -> FloatArray:
    """∫_start^horizon weighting(v) e^-δv (edge/(edge+v))^s dv, on nodes in log(edge + v)."""
    distinct, where = np.unique(edge, return_inverse=True)
    blocks = [_on_nodes(window, s, distinct[rows], weighting) for rows in row_blocks(distinct.size)]
    days: FloatArray = np.concatenate(blocks)[where]
    return days


def _on_nodes(
    window: Window, s: float, edge: FloatArray, weighting: Callable[[FloatArray], FloatArray]
) -> FloatArray:
    lower = np.log1p(window.start_days / edge)
    width = np.log1p((window.horizon_days - window.start_days) / (edge + window.start_days))
    y = lower[:, None] + width[:, None] * _NODES
    v = edge[:, None] * np.expm1(y)
    integrand = weighting(v) * np.exp(-window.discount_rate_a_day * v + (1.0 - s) * y)
    days: FloatArray = edge * width * np.einsum("ij,j->i", integrand, _WEIGHTS)
    return days
