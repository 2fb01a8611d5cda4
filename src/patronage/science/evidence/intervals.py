"""How sure is a figure: an estimate never travels without its interval."""

import math
from dataclasses import dataclass

from scipy.special import ndtri


class UndeterminedError(ValueError):
    """The data cannot answer; the message says what is missing. Never read it as zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with the range that covers the truth in ``level`` of repetitions."""

    #: Point estimate, in the unit of whatever was measured.
    estimate: float
    #: Lower end, same unit.
    low: float
    #: Upper end, same unit.
    high: float
    #: Confidence level, between 0 and 1.
    level: float

    def times(self, factor: float) -> "Interval":
        """The interval of ``factor`` times the figure; ``factor`` is known without error."""
        ends = (self.low * factor, self.high * factor)
        return Interval(
            estimate=self.estimate * factor, low=min(ends), high=max(ends), level=self.level
        )


def wilson_interval(successes: int, trials: int, *, level: float = 0.95) -> Interval:
    """Which true rates fit with this many successes?

    Args:
        successes: 0 to ``trials``.
        trials: how many were tried.
        level: confidence level, between 0 and 1.

    Returns:
        The share of successes with the Wilson score interval, within 0 to 1.

    Raises:
        UndeterminedError: nothing was tried.
        ValueError: impossible counts or level.

    Source: Wilson, Journal of the American Statistical Association 22 (1927). Assumes independent
    trials with one rate.
    """
    check_counts(successes, trials)
    z = float(ndtri((1.0 + check_level(level)) / 2.0))
    rate = successes / trials
    weight = 1.0 + z * z / trials
    middle = (rate + z * z / (2.0 * trials)) / weight
    half = z * math.sqrt(rate * (1.0 - rate) / trials + (z / (2.0 * trials)) ** 2) / weight
    return Interval(
        estimate=rate,
        low=0.0 if successes == 0 else middle - half,
        high=1.0 if successes == trials else middle + half,
        level=level,
    )


def check_level(level: float) -> float:
    """The level, if it is one."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"level: found {level}; expected between 0 and 1, such as 0.95")
    return level


def check_counts(successes: int, trials: int) -> None:
    """Raise unless there are trials and no more successes than trials."""
    if trials == 0:
        raise UndeterminedError("a rate of nothing tried is undetermined; expected trials above 0")
    if not 0 <= successes <= trials:
        raise ValueError(f"found {successes} successes of {trials} trials; expected 0 to {trials}")
