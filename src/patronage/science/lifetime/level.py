"""By how much was the level wrong before? Calibrations learnt from outcomes that had ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from patronage.science.lifetime.calibration import (
    Calibration,
    ProbabilityCalibration,
)
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.logistic import fit_logistic, trusted_logits

#: ends of the stretches of the path that have a factor of their own, days after the fit
PIECES_DAYS: Final = (91.0, 182.0, 364.0)
_LARGEST_FACTOR: Final = 2.0
_STRENGTH: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What was expected of a stretch of the path and what came, summed over customers."""

    #: day on which it was expected
    origin: int
    #: days after the origin
    start_days: float
    end_days: float
    expected: float
    came: float


def path_calibration(stretches: Sequence[Stretch], *, known_on: int) -> Calibration:
    """The curve that the stretches that had ended by a day speak for.

    For each stretch of the path, the factor is the geometric mean of came / expected over origins,
    pulled towards 1: with n independent origins' worth of evidence (the span of the origins in
    lengths of the stretch, plus one) it keeps n/(n + 1) of its logarithm. A stretch of which
    nothing has ended yet takes the factor of the one before. Without any, the identity.
    """
    ended = [each for each in stretches if each.origin + each.end_days <= known_on]
    knots, factors, start = [], [], 0.0
    for end in PIECES_DAYS:
        mine = [
            each for each in ended if each.start_days == start and min(each.expected, each.came) > 0
        ]
        if not mine:
            break
        logs = np.log([each.came / each.expected for each in mine])
        span = max(each.origin for each in mine) - min(each.origin for each in mine)
        evidence = 1.0 + span / (end - start)
        kept = float(logs.mean()) * evidence / (evidence + 1.0)
        knots.append(start)
        factors.append(float(np.clip(np.exp(kept), 1 / _LARGEST_FACTOR, _LARGEST_FACTOR)))
        start = end
    if not knots:
        return Calibration.identity()
    return Calibration(knots_days=tuple(knots), factors=tuple(factors))


def probability_calibration(
    said: Sequence[FloatArray], happened: Sequence[FloatArray]
) -> ProbabilityCalibration:
    """The logistic correction of probabilities, from origins whose outcomes had ended.

    Arguments, one entry an origin: what the model said and whether it happened, of shape
    (customers,). Pulled towards the identity, which it is without an origin.
    """
    if not said:
        return ProbabilityCalibration.identity()
    odds = trusted_logits(np.concatenate(list(said)))
    intercept, slope = fit_logistic(
        odds[:, None],
        np.concatenate(list(happened)),
        towards=(0.0, 1.0),
        strength=_STRENGTH,
        lowest=0.05,
    ).tolist()
    return ProbabilityCalibration(intercept=intercept, slope=slope)
