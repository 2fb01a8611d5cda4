"""How many customers does an experiment need to see an effect of a given size?"""

import math
from dataclasses import dataclass

from scipy.special import ndtri

from patronage.science.evidence.intervals import check_level


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSize:
    """Customers needed in each arm."""

    #: Customers to treat.
    treated: int
    #: Customers to hold out.
    control: int


def required_sample_size(
    *,
    detectable_difference: float,
    standard_deviation: float,
    control_standard_deviation: float | None = None,
    control_share: float = 0.5,
    power: float = 0.8,
    level: float = 0.95,
) -> SampleSize:
    """Customers in each arm, so that a true difference is found with the given probability.

    Args:
        detectable_difference: smallest difference in means worth finding, either sign, not 0.
        standard_deviation: of one treated customer's outcome, same unit, above 0; for a share p of
            responders it is ``sqrt(p·(1 − p))``.
        control_standard_deviation: of one control customer's outcome; None: the same.
        control_share: share of customers held out, between 0 and 1.
        power: probability of an interval that excludes 0 when the difference is real.
        level: confidence level of that interval.

    Returns:
        A :class:`SampleSize`, rounded up.

    Raises:
        ValueError: a number out of its range.

    Source: normal approximation, ``n = (z₁ + z₂)² (σ₁²/share₁ + σ₀²/share₀) / δ²`` (Chow, Shao,
    Wang and Lokhnygina, Sample Size Calculations in Clinical Research, chapter 3). Assumes one
    two-sided read-out at the end and independent customers.
    """
    for name, share in (("control_share", control_share), ("power", power)):
        if not 0.0 < share < 1.0:
            raise ValueError(f"{name}: found {share}; expected between 0 and 1")
    if detectable_difference == 0.0 or not math.isfinite(detectable_difference):
        raise ValueError(
            f"detectable_difference: found {detectable_difference}; expected a finite difference "
            "other than 0: no sample is large enough to see none"
        )
    treated_deviation = _deviation("standard_deviation", standard_deviation)
    control_deviation = (
        treated_deviation
        if control_standard_deviation is None
        else _deviation("control_standard_deviation", control_standard_deviation)
    )
    z = float(ndtri((1.0 + check_level(level)) / 2.0) + ndtri(power))
    treated_share = 1.0 - control_share
    spread = treated_deviation**2 / treated_share + control_deviation**2 / control_share
    everyone = (z / detectable_difference) ** 2 * spread
    return SampleSize(
        treated=math.ceil(everyone * treated_share), control=math.ceil(everyone * control_share)
    )


def _deviation(name: str, value: float) -> float:
    if not (value > 0.0 and math.isfinite(value)):
        raise ValueError(f"{name}: found {value}; expected a deviation above 0")
    return value
