"""How often did outcomes lie below what a forecast called its 5 % level, and its 95 % level?

If a predictive distribution is right, outcomes fall below its level u with probability u: their
ranks in it (probability integral transforms) are uniform (Gneiting, Balabdaoui and Raftery, 2007,
"Probabilistic forecasts, calibration and sharpness", JRSS B 69; randomised for counts: Czado,
Gneiting and Held, 2009, Biometrics 65). Where they are not, the distribution F is replaced by
G(F), G being the distribution of earlier ranks (Kuleshov, Fenner and Ermon, 2018, "Accurate
uncertainties for deep learning using calibrated regression", ICML 35). The map is monotone, so that
intervals stay nested and no order of outcomes changes. It assumes that forecasts err now as they
erred at the earlier dates, and in the same way for everybody.
"""

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from patronage.science.lifetime.errors import InvalidParameter
from patronage.science.lifetime.histories import FloatArray

#: shares of outcomes at which the map is kept; closer in the tails, which intervals are cut in
_SHARES: Final = (
    *(0.0, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    *(0.95, 0.975, 0.99, 1.0),
)
#: outcomes that are taken to have fallen evenly before the first one is seen
_PRIOR_OUTCOMES: Final = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelCalibration:
    """Which level of the model's distribution has a stated share of outcomes below it."""

    #: shares of outcomes, ascending from 0 to 1
    shares: tuple[float, ...]
    #: the model's level at each, from 0 to 1, never falling; linear between
    levels: tuple[float, ...]

    def __post_init__(self) -> None:
        """Raise `InvalidParameter` for a map that would turn the order of outcomes."""
        if len(self.shares) != len(self.levels):
            raise InvalidParameter(
                f"A calibration of levels needs one level a share, found {len(self.shares)} shares "
                f"and {len(self.levels)} levels."
            )
        least = [later - earlier for earlier, later in itertools.pairwise(self.shares)]
        turns = any(later < earlier for earlier, later in itertools.pairwise(self.levels))
        for name, column in (("shares", self.shares), ("levels", self.levels)):
            whole = bool(column) and column[0] == 0 and column[-1] == 1
            if not whole or turns or min(least) <= 0:
                raise InvalidParameter(
                    f"The {name} of a calibration must ascend from 0 to 1, found {column}."
                )

    @classmethod
    def identity(cls) -> "LevelCalibration":
        """The map that changes nothing."""
        return cls(shares=(0.0, 1.0), levels=(0.0, 1.0))

    def at(self, share: ArrayLike) -> FloatArray:
        """The model's level below which that share of outcomes lies; any shape, 0 to 1."""
        level: FloatArray = np.interp(np.asarray(share, np.float64), self.shares, self.levels)
        return level

    def ends(self, coverage: float = 0.90) -> tuple[float, float]:
        """The model's levels between which that share lies, as much below as above."""
        tail = (1.0 - coverage) / 2.0
        return float(self.at(tail)), float(self.at(1.0 - tail))


def level_calibration(ranks: FloatArray) -> LevelCalibration:
    """The map that earlier outcomes speak for.

    Arguments: `ranks` of the outcomes in what had been forecast, 0 to 1, of shape (customers,), as
    of `ranks_among_draws`. The map is that of these ranks and of a hundred more that lie evenly, so
    that few outcomes move it little; it is the identity without one.
    """
    if not ranks.size:
        return LevelCalibration.identity()
    level = np.concatenate(([0.0], np.sort(ranks), [1.0]))
    below = np.concatenate(([0.0], np.arange(ranks.size) + 0.5, [float(ranks.size)]))
    share = (below + _PRIOR_OUTCOMES * level) / (ranks.size + _PRIOR_OUTCOMES)
    return LevelCalibration(shares=_SHARES, levels=tuple(np.interp(_SHARES, share, level).tolist()))
