"""Is the level right? Two corrections of a fitted model, both learnt from outcomes that had ended.

The first is one curve over calendar time: the expected path of purchases, and with it of margin, is
multiplied, day by day, by a step function of the days since the model was fitted. Every horizon and
every roll-forward is an integral of the same curve, so that windows add up and a bridge between two
dates does not drift: a calendar day has one factor, whenever it is looked at. The second corrects
the probability of buying in a stated horizon on the logit scale (Platt, 1999, "Probabilistic
outputs for support vector machines"; Cox, 1958, "Two further applications of a model for binary
regression", Biometrika 45); its slope is above 0, so that no ranking changes.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from patronage.science.lifetime.errors import InvalidParameter, InvalidWindow
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.logistic import trusted_logits


class ExpectsPurchases(Protocol):
    """Any model that can say what it expects of a window."""

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
        """Expected purchases in (T + start_days, T + horizon_days], discounted to T."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A step function of the days since a model was fitted: what its expected path is times."""

    #: where each factor begins, days; the first 0, ascending
    knots_days: tuple[float, ...]
    #: one a knot, above 0; the last one holds for ever
    factors: tuple[float, ...]

    def __post_init__(self) -> None:
        """Raise `InvalidParameter` for a curve that is none."""
        knots, factors = self.knots_days, self.factors
        if not knots or len(knots) != len(factors) or knots[0] != 0:
            raise InvalidParameter(
                f"A calibration needs one factor a knot and a first knot at 0, found "
                f"{len(knots)} knots beginning at {knots[:1]} and {len(factors)} factors."
            )
        if not all(later > earlier for earlier, later in itertools.pairwise(knots)):
            raise InvalidParameter(f"The knots of a calibration must ascend, found {knots}.")
        if not all(math.isfinite(factor) and factor > 0 for factor in factors):
            raise InvalidParameter(
                f"The factors of a calibration must be finite and above 0, found {factors}."
            )

    @classmethod
    def identity(cls) -> "Calibration":
        """The curve that changes nothing."""
        return cls(knots_days=(0.0,), factors=(1.0,))

    @property
    def is_identity(self) -> bool:
        """Whether it changes nothing."""
        return all(factor == 1.0 for factor in self.factors)

    def pieces(self, *, start_days: float, end_days: float) -> list[tuple[float, float, float]]:
        """The parts of (start_days, end_days], days since the fit, as (start, end, factor).

        They follow each other without gap and cover the window exactly; an empty window has none.
        Neighbours with one factor are one piece. Days before 0 take the first factor.

        Raises `InvalidWindow` unless both are finite and start <= end.
        """
        if not (math.isfinite(start_days) and math.isfinite(end_days) and start_days <= end_days):
            raise InvalidWindow(
                f"A window must run from an earlier to a later day, found {start_days} to "
                f"{end_days}."
            )
        pieces: list[tuple[float, float, float]] = []
        begins = (-math.inf, *self.knots_days[1:])
        ends = (*self.knots_days[1:], math.inf)
        for begin, end, factor in zip(begins, ends, self.factors, strict=True):
            first, last = max(begin, start_days), min(end, end_days)
            if first >= last:
                continue
            if pieces and pieces[-1][2] == factor:
                pieces[-1] = (pieces[-1][0], last, factor)
            else:
                pieces.append((first, last, factor))
        return pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbabilityCalibration:
    """p becomes expit(intercept + slope * logit p): monotone, so that no ranking changes.

    Log odds beyond `TRUSTED_LOGIT` count as that: nobody is 99.9999 % certain to buy.
    """

    #: added on the logit scale
    intercept: float
    #: above 0; below 1 where the model is too sure of itself
    slope: float

    def __post_init__(self) -> None:
        """Raise `InvalidParameter` for a slope that would turn the ranking."""
        if not (math.isfinite(self.intercept) and math.isfinite(self.slope) and self.slope > 0):
            raise InvalidParameter(
                "A calibration of probabilities needs a finite intercept and a finite slope above "
                f"0, found {self.intercept} and {self.slope}."
            )

    @classmethod
    def identity(cls) -> "ProbabilityCalibration":
        """The calibration that changes nothing."""
        return cls(intercept=0.0, slope=1.0)

    @property
    def is_identity(self) -> bool:
        """Whether it changes nothing."""
        return self.intercept == 0.0 and self.slope == 1.0

    def apply(self, probability: FloatArray) -> FloatArray:
        """The calibrated probabilities, shape (customers,); the identity gives them back as is."""
        if self.is_identity:
            return probability
        calibrated: FloatArray = expit(self.intercept + self.slope * trusted_logits(probability))
        return calibrated


def calibrated_purchases(
    model: ExpectsPurchases,
    calibration: Calibration,
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    *,
    start_days: float,
    horizon_days: float,
    annual_discount_rate: float,
    offset_days: float = 0.0,
) -> FloatArray:
    """Expected purchases in (T + start_days, T + horizon_days] on the calibrated path.

    Arguments as for the model's `discounted_expected_purchases`; `offset_days` are the days from
    the date the model was fitted to the end of the histories, so that the same calendar day has
    the same factor in whichever history it is looked at from.

    Returns the discounted sum over the curve's pieces, shape (customers,); windows add up as the
    model's own do. Raises as the model does.
    """
    pieces = calibration.pieces(
        start_days=start_days + offset_days, end_days=horizon_days + offset_days
    )
    if len(pieces) <= 1:
        factor = pieces[0][2] if pieces else 1.0
        whole = model.discounted_expected_purchases(
            x,
            t_x,
            T,
            start_days=start_days,
            horizon_days=horizon_days,
            annual_discount_rate=annual_discount_rate,
        )
        return whole if factor == 1.0 else factor * whole
    parts = [
        factor
        * model.discounted_expected_purchases(
            x,
            t_x,
            T,
            start_days=max(begin - offset_days, 0.0),
            horizon_days=end - offset_days,
            annual_discount_rate=annual_discount_rate,
        )
        for begin, end, factor in pieces
    ]
    total: FloatArray = np.sum(parts, axis=0)
    return total
