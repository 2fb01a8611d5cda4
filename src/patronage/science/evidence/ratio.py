"""Did as many customers land in each arm as were meant to?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from patronage.science.evidence.intervals import UndeterminedError


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRatio:
    """Whether the arms' sizes fit with the assignment."""

    #: Pearson's statistic.
    chi_square: float
    #: How often a sound assignment would look this odd or odder.
    p_value: float
    #: False: do not read the experiment out before the cause is found.
    sound: bool


def sample_ratio_test(
    counts: Sequence[int], shares: Sequence[float], *, threshold: float = 0.001
) -> SampleRatio:
    """Are the arms' sizes what the shares promised, or did assignment, logging or joining fail?

    Args:
        counts: customers found in each arm, at least 0, two arms or more.
        shares: share meant for each arm, above 0; they sum to 1.
        threshold: smallest ``p_value`` called sound; low, because the test is repeated often.

    Raises:
        UndeterminedError: there are no customers.
        ValueError: counts or shares that cannot be meant.

    Source: Pearson's goodness of fit; Fabijan et al., "Diagnosing sample ratio mismatch in online
    controlled experiments", KDD 2019. Assumes independent assignment and expected counts of about
    five or more in every arm.
    """
    found, meant = np.asarray(counts, dtype=np.float64), np.asarray(shares, dtype=np.float64)
    if found.shape != meant.shape or found.ndim != 1 or len(found) < 2:
        raise ValueError(
            f"sample_ratio_test: found {found.size} counts and {meant.size} shares; expected one "
            "of each for two arms or more"
        )
    if not (meant > 0.0).all() or abs(float(meant.sum()) - 1.0) > 1e-9:
        raise ValueError(f"shares: found {list(shares)}; expected shares above 0 that sum to 1")
    if not (found >= 0.0).all() or not np.isfinite(found).all():
        raise ValueError(f"counts: found {list(counts)}; expected at least 0 in every arm")
    if not found.any():
        raise UndeterminedError("sample_ratio_test: no customers in any arm; nothing to compare")
    expected = meant * found.sum()
    statistic = float((np.square(found - expected) / expected).sum())
    p_value = float(chdtrc(len(found) - 1, statistic))
    return SampleRatio(chi_square=statistic, p_value=p_value, sound=p_value >= threshold)
