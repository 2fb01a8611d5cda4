"""What did a treatment change on average?

Causal assumptions of both functions: treatment was assigned at random (or the holdout by a hash
that ignores the customer); every customer assigned is counted in the arm assigned, contacted or
not (intention to treat); one customer's treatment does not change another's outcome; outcomes were
measured alike in both arms. Where history was replayed and nobody was treated, the figures describe
a difference and are not an effect.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from patronage.science.evidence.intervals import (
    Interval,
    UndeterminedError,
    check_level,
    wilson_interval,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Treated less control, per customer."""

    #: Difference and its interval, in the outcome's unit per customer.
    interval: Interval
    #: Standard error of the difference, same unit.
    standard_error: float
    #: Average outcome of the treated.
    treated: float
    #: Average outcome of the control.
    control: float
    #: Customers treated.
    n_treated: int
    #: Customers in the control.
    n_control: int

    @property
    def estimate(self) -> float:
        """The difference per customer."""
        return self.interval.estimate

    def total(self) -> Interval:
        """What the treatment brought in over all that were treated."""
        return self.interval.times(self.n_treated)


def difference_in_means(treated: ArrayLike, control: ArrayLike, level: float = 0.95) -> Difference:
    """How much more does a treated customer bring than one left alone?

    Args:
        treated: ``(n_treated,)`` outcomes, one per customer, zero for those who did nothing; NaN
            and infinity are refused: a customer whose outcome is unknown is not a zero.
        control: ``(n_control,)`` likewise, same unit.
        level: confidence level, between 0 and 1.

    Returns:
        The difference with Welch's interval (unequal variances).

    Raises:
        UndeterminedError: an arm has fewer than two customers, or nobody varies in either arm.
        ValueError: an outcome is NaN or infinite, or not one number per customer.

    Source: Welch, Biometrika 34 (1947). Assumes independent customers, and arms large enough for
    their averages to be near normal: with very skewed outcomes and few buyers the interval covers
    less than it says. The module states the causal assumptions.
    """
    check_level(level)
    first, second = _outcomes("treated", treated), _outcomes("control", control)
    parts = [float(arm.var(ddof=1)) / len(arm) for arm in (first, second)]
    variance = parts[0] + parts[1]
    if variance == 0.0:
        raise UndeterminedError(
            "difference_in_means: every customer has the same outcome within each arm, so its "
            "error cannot be estimated; wait for outcomes to vary, or compare proportions"
        )
    freedom = 1.0 / sum(
        (part / variance) ** 2 / (len(arm) - 1)
        for part, arm in zip(parts, (first, second), strict=True)
    )
    error = math.sqrt(variance)
    half = float(stdtrit(freedom, (1.0 + level) / 2.0)) * error
    means = float(first.mean()), float(second.mean())
    estimate = means[0] - means[1]
    return Difference(
        interval=Interval(
            estimate=estimate, low=estimate - half, high=estimate + half, level=level
        ),
        standard_error=error,
        treated=means[0],
        control=means[1],
        n_treated=len(first),
        n_control=len(second),
    )


def difference_in_proportions(
    *,
    treated_successes: int,
    n_treated: int,
    control_successes: int,
    n_control: int,
    level: float = 0.95,
) -> Difference:
    """How much more often does a treated customer respond than one left alone?

    Args:
        treated_successes: responders among the treated.
        n_treated: customers treated, above 0.
        control_successes: responders in the control.
        n_control: customers in the control, above 0.
        level: confidence level, between 0 and 1.

    Returns:
        The difference with Newcombe's hybrid score interval, which stays within −1 to 1 and has a
        width even where nobody responded. ``standard_error`` is that of Wald with one success and
        one failure added to each arm (Agresti and Caffo, 2000), so that it is never 0.

    Raises:
        UndeterminedError: an arm is empty.
        ValueError: impossible counts or level.

    Source: Newcombe, Statistics in Medicine 17 (1998) 873-890, method 10. Assumes independent
    customers. The module states the causal assumptions.
    """
    first = wilson_interval(treated_successes, n_treated, level=level)
    second = wilson_interval(control_successes, n_control, level=level)
    estimate = first.estimate - second.estimate
    below = math.hypot(first.estimate - first.low, second.high - second.estimate)
    above = math.hypot(first.high - first.estimate, second.estimate - second.low)
    return Difference(
        interval=Interval(
            estimate=estimate, low=estimate - below, high=estimate + above, level=level
        ),
        standard_error=math.sqrt(
            _smoothed_variance(treated_successes, n_treated)
            + _smoothed_variance(control_successes, n_control)
        ),
        treated=first.estimate,
        control=second.estimate,
        n_treated=n_treated,
        n_control=n_control,
    )


def _smoothed_variance(successes: int, trials: int) -> float:
    rate = (successes + 1) / (trials + 2)
    return rate * (1.0 - rate) / (trials + 2)


def _outcomes(name: str, values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(
            f"{name}: found shape {array.shape}; expected one number per customer, (n,)"
        )
    if len(array) < 2:
        raise UndeterminedError(
            f"{name}: found {len(array)} customers; expected at least 2, as the spread of one "
            "outcome is unknown"
        )
    if not np.isfinite(array).all():
        raise ValueError(
            f"{name}: found NaN or infinity; expected a finite outcome for every customer. "
            "Decide what a missing outcome means before comparing"
        )
    return array
