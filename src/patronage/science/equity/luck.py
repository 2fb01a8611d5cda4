"""Did something happen, or was it chance? The band that chance alone draws around experience.

Under a true model experience is 0 on average, and spreads around 0 by what customers draw: how
often they happen to buy, whether they happen to leave, what they happen to spend. That spread is
simulated: each customer's next period is drawn from what the model leaves open given the history,
and valued like the real one. Experience of different customers, and of the same customer's
successive pieces, is uncorrelated under the model (its expectation given the past is 0), so that
variances add; the sum of many is close to normal. What the model's parameters leave open moves all
customers together and is not in the band.
"""

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from patronage.science.equity.columns import FloatArray
from patronage.science.equity.errors import InvalidFigures

#: standard normal quantile at 97.5 %: chance stays within in 19 of 20 quarters
REACH: Final = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class LuckBand:
    """A figure of experience beside what chance alone would do; minor units."""

    figure: int
    #: standard deviation that chance alone produces
    spread: float
    #: half the width of the band around 0 that chance leaves in 1 of 20 quarters
    reach: float

    @property
    def is_signal(self) -> bool:
        """Whether the figure lies outside what chance alone would do."""
        return abs(self.figure) > self.reach


def luck_band(figure: int, variance: float) -> LuckBand:
    """Set a figure of experience beside chance.

    Arguments: `figure`, minor units; `variance`, what `variance_of_draws` gives, summed over the
    pieces behind the figure, minor units squared.

    Raises `InvalidFigures` for a negative or infinite variance.
    """
    if not isfinite(variance) or variance < 0:
        raise InvalidFigures(f"A variance must be finite and not below 0, found {variance}.")
    return LuckBand(figure=figure, spread=sqrt(variance), reach=REACH * sqrt(variance))


def variance_of_draws(draws: ArrayLike) -> FloatArray:
    """The variance of each piece's experience under the model.

    Arguments: `draws` of shape (draws, pieces), simulated experience, minor units. Its mean is 0
    by construction, so that one draw is enough; of few customers more are wanted.

    Returns shape (pieces,), minor units squared.

    Raises `InvalidFigures` for another shape, no draw, missing or infinite values.
    """
    drawn = np.asarray(draws, dtype=np.float64)
    if drawn.ndim != 2 or not drawn.shape[0]:
        raise InvalidFigures(f"draws must have shape (draws, pieces), found {drawn.shape}.")
    if not np.isfinite(drawn).all():
        raise InvalidFigures("draws must be finite; some simulated value is missing or infinite.")
    variance: FloatArray = (drawn**2).mean(axis=0)
    return variance
