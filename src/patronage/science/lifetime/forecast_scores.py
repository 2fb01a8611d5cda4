"""How good was a forecast? Proper scores, calibration, coverage, and the interval of a difference.

Sources: Brier (1950), "Verification of forecasts expressed in terms of probability", Monthly
Weather Review 78; Good (1952), "Rational decisions", JRSS B 14 (the log score); Murphy (1973), "A
new vector partition of the probability score", Journal of Applied Meteorology 12 (reliability and
resolution); Czado, Gneiting and Held (2009), "Predictive model assessment for count data",
Biometrics 65 (the randomised probability integral transform).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from patronage.science.lifetime.errors import InconsistentHistory
from patronage.science.lifetime.histories import FloatArray, refuse_rows
from patronage.science.lifetime.logistic import inside

#: groups of equal size that calibration is judged in
GROUPS: Final = 10
_LEVEL: Final = 0.95
_ROUNDING: Final = 1e-9


def log_scores(probability: FloatArray, happened: FloatArray) -> FloatArray:
    """Log of the probability given to what happened, shape (customers,); higher is better.

    Arguments, shape (customers,): `probability` of the event, 0 to 1; `happened`, above 0 where it
    did. Probabilities closer to 0 or 1 than a millionth count as a millionth away from them.

    Raises `InconsistentHistory`, naming the first rows, for a missing value or outcome.
    """
    _refuse_unpaired(probability, happened)
    said = inside(probability)
    scores: FloatArray = np.where(happened > 0, np.log(said), np.log1p(-said))
    return scores


def brier_scores(probability: FloatArray, happened: FloatArray) -> FloatArray:
    """Squared distance of each probability from what happened, shape (customers,); lower is better.

    Arguments and refusals as of `log_scores`.
    """
    _refuse_unpaired(probability, happened)
    distances: FloatArray = (probability - (happened > 0)) ** 2
    return distances


def _refuse_unpaired(probability: FloatArray, happened: FloatArray) -> None:
    """Unknown is not "did not happen". Rounding may carry a probability a little past 1."""
    if probability.shape != happened.shape:
        raise InconsistentHistory(
            "There must be one outcome a probability, found shapes "
            f"{probability.shape} and {happened.shape}."
        )
    possible = (probability >= -_ROUNDING) & (probability <= 1.0 + _ROUNDING)
    refuse_rows(
        [
            ("probability must lie between 0 and 1.", ~possible),
            ("happened must not be missing.", np.isnan(happened)),
        ],
        probability=probability,
        happened=happened,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """Do probabilities mean what they say, and do they tell customers apart?"""

    #: mean over the groups of |predicted - happened|
    calibration_error: float
    #: variance of what happened between groups: 0 for a forecast that tells nobody apart
    resolution: float
    #: mean predicted probability a group, lowest group first
    predicted: tuple[float, ...]
    #: share in which it happened
    happened: tuple[float, ...]
    #: customers
    customers: tuple[int, ...]


def reliability(
    probability: FloatArray, happened: FloatArray, *, groups: int = GROUPS
) -> Reliability:
    """Compare predicted with happened in groups of equal size, by predicted probability.

    Resolution is Murphy's: the weighted variance of the groups' shares around the base rate. A
    calibration error of 0 is easy for a forecast without resolution, so that the two belong
    together. Arguments and refusals as of `log_scores`.
    """
    _refuse_unpaired(probability, happened)
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, groups) if part.size]
    size = np.array([part.size for part in parts], dtype=np.float64)
    said = np.array([float(probability[part].mean()) for part in parts])
    came = np.array([float((happened[part] > 0).mean()) for part in parts])
    share = size / size.sum()
    base = float(share @ came)
    return Reliability(
        calibration_error=float(share @ np.abs(said - came)),
        resolution=float(share @ (came - base) ** 2),
        predicted=tuple(said.tolist()),
        happened=tuple(came.tolist()),
        customers=tuple(int(each) for each in size),
    )


def ranks_among_draws(
    actual: FloatArray, draws: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """The randomised rank of each outcome among draws of its forecast, uniform if that is true.

    Arguments: `actual` of shape (customers,); `draws` of shape (draws, customers). Ties are broken
    at random, so that counts are treated exactly.
    """
    below = (draws < actual).sum(axis=0)
    level = (draws == actual).sum(axis=0)
    ranks: FloatArray = (below + rng.random(actual.size) * (level + 1)) / (draws.shape[0] + 1)
    return ranks


def covered(ranks: FloatArray, levels: tuple[float, float]) -> float:
    """The share of outcomes that lay between two levels."""
    return float(((ranks >= levels[0]) & (ranks <= levels[1])).mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How much better is one forecaster than another, on the same customers?"""

    #: mean score of the first less that of the second; above 0 the first is better
    mean: float
    #: bounds of the 95 % interval, paired over customers, a customer's rows being one cluster
    low: float
    high: float
    #: bounds over origins: t interval of the origins' own means; NaN with one origin
    low_over_origins: float
    high_over_origins: float

    @property
    def is_better(self) -> bool:
        """Whether the interval paired over customers lies above 0."""
        return self.low > 0


def difference(
    first: Sequence[FloatArray],
    second: Sequence[FloatArray],
    customers: Sequence[NDArray[np.int64]],
    *,
    level: float = _LEVEL,
) -> Difference:
    """Compare scores (higher is better), one array an origin, row by row.

    The interval is a normal one for the mean over all rows; a customer who is in several origins
    is one cluster (Liang and Zeger, 1986, "Longitudinal data analysis using generalized linear
    models", Biometrika 73), since what they do in overlapping windows is not independent. What
    all customers of an origin share is not in it: that is what the interval over origins is for.
    Both hold `level`.

    Raises `InconsistentHistory` for arrays that do not pair.
    """
    gaps = [a - b for a, b in zip(first, second, strict=True)]
    if not gaps or any(g.shape != c.shape for g, c in zip(gaps, customers, strict=True)):
        raise InconsistentHistory("Scores of two forecasters must pair row by row, by origin.")
    gap, who = np.concatenate(gaps), np.concatenate(list(customers))
    mean = float(gap.mean())
    _, where = np.unique(who, return_inverse=True)
    sums = np.bincount(where, weights=gap - mean)
    clusters = sums.size
    error = float(np.sqrt((sums @ sums) * clusters / max(clusters - 1, 1))) / gap.size
    reach = float(ndtri((1 + level) / 2)) * error
    means = np.array([float(each.mean()) for each in gaps])
    spread = np.nan
    if means.size > 1:
        quantile = float(stdtrit(means.size - 1, (1 + level) / 2))
        spread = quantile * float(means.std(ddof=1)) / float(np.sqrt(means.size))
    return Difference(
        mean=mean,
        low=mean - reach,
        high=mean + reach,
        low_over_origins=float(means.mean()) - spread,
        high_over_origins=float(means.mean()) + spread,
    )
