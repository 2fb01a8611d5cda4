"""How often did customers take what was chosen for them, and more often than by a simple rule?

A hit rate describes agreement with what happened; it is no effect: a customer may have taken the
offer anyway, and what was not offered could not be taken.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from patronage.science.evidence.intervals import Interval, UndeterminedError, wilson_interval

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class HitRate:
    """How many of the customers with a choice took one of the actions chosen for them."""

    #: Customers who took one.
    hits: int
    #: Customers for whom something was chosen.
    customers: int
    #: Share of hits with its Wilson interval.
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedComparison:
    """Two ways of choosing, judged on the same customers."""

    #: Share of hits by the choice less that by the baseline.
    interval: Interval
    #: Exact two-sided McNemar probability of a split this uneven if both were equally good.
    p_value: float
    #: Customers for whom both chose something.
    customers: int
    #: Customers hit by both.
    both: int
    #: Hit by the choice alone.
    chosen_only: int
    #: Hit by the baseline alone.
    baseline_only: int


def hit_rate(chosen: Ints, redeemed: Bools, *, level: float = 0.95) -> HitRate:
    """Of those for whom something was chosen, how many took it?

    Args:
        chosen: ``(n,)`` or ``(n, places)`` action numbers, −1 where nothing was chosen; customers
            without any choice are left out.
        redeemed: ``(n, k)`` bool: which actions each customer took, no missing values.
        level: confidence level, between 0 and 1.

    Raises:
        UndeterminedError: nothing was chosen for anybody.
        ValueError: shapes differ or an action number is not one of the k.

    Source: Wilson (1927), see :func:`wilson_interval`. Assumes independent customers.
    """
    offered, hit = _hits(chosen, redeemed)
    hits, customers = int(hit.sum()), int(offered.sum())
    return HitRate(
        hits=hits, customers=customers, interval=wilson_interval(hits, customers, level=level)
    )


def compare_hit_rates(
    chosen: Ints, baseline: Ints, redeemed: Bools, *, level: float = 0.95
) -> PairedComparison:
    """Does the choice hit more often than the baseline, on the customers that both chose for?

    Args:
        chosen: ``(n,)`` or ``(n, places)`` action numbers, −1 for nothing.
        baseline: likewise; give it the same number of places, or the comparison is not fair.
        redeemed: ``(n, k)`` bool: which actions each customer took.
        level: confidence level, between 0 and 1.

    Raises:
        UndeterminedError: there is no customer for whom both chose something.
        ValueError: shapes differ or an action number is not one of the k.

    Source: interval by Newcombe, Statistics in Medicine 17 (1998) 2635-2650, method 10; McNemar's
    exact test. Assumes independent customers, and a baseline fixed without looking at ``redeemed``.
    """
    first_offered, first = _hits(chosen, redeemed)
    second_offered, second = _hits(baseline, redeemed)
    shared = first_offered & second_offered
    customers = int(shared.sum())
    if not customers:
        raise UndeterminedError(
            "compare_hit_rates: no customer got a choice from both; nothing to compare"
        )
    both = int((shared & first & second).sum())
    chosen_only = int((shared & first & ~second).sum())
    baseline_only = int((shared & ~first & second).sum())
    split = chosen_only + baseline_only
    p_value = 2.0 * float(bdtr(min(chosen_only, baseline_only), split, 0.5)) if split else 1.0
    return PairedComparison(
        interval=_paired(both, chosen_only, baseline_only, customers, level),
        p_value=min(1.0, p_value),
        customers=customers,
        both=both,
        chosen_only=chosen_only,
        baseline_only=baseline_only,
    )


def _hits(chosen: Ints, redeemed: Bools) -> tuple[Bools, Bools]:
    """Per customer: was anything chosen, and was any of it taken."""
    n, k = redeemed.shape
    if chosen.ndim not in (1, 2) or len(chosen) != n:
        raise ValueError(
            f"chosen: found shape {chosen.shape}; expected (n,) or (n, places) for the {n} "
            "customers of redeemed"
        )
    places = chosen.reshape(n, -1 if chosen.size else 1)
    if places.size and (places.min() < -1 or places.max() >= k):
        raise ValueError(
            f"chosen: found actions from {places.min()} to {places.max()}; expected −1 to {k - 1}"
        )
    real = places >= 0
    hit = np.zeros(places.shape, dtype=np.bool_)
    rows, slots = real.nonzero()
    hit[rows, slots] = redeemed[rows, places[rows, slots]]
    return np.asarray(real.any(axis=1)), np.asarray(hit.any(axis=1))


def _paired(both: int, first_only: int, second_only: int, n: int, level: float) -> Interval:
    neither = n - both - first_only - second_only
    first = wilson_interval(both + first_only, n, level=level)
    second = wilson_interval(both + second_only, n, level=level)
    margins = (
        (both + first_only)
        * (second_only + neither)
        * (both + second_only)
        * (first_only + neither)
    )
    excess = float(both * neither - first_only * second_only)
    # Method 10 corrects a positive association for continuity and never lets it turn negative.
    association = max(excess - n / 2.0, 0.0) if excess > 0.0 else excess
    phi = association / math.sqrt(margins) if margins else 0.0
    estimate = first.estimate - second.estimate
    below = (first.estimate - first.low, second.high - second.estimate)
    above = (first.high - first.estimate, second.estimate - second.low)
    return Interval(
        estimate=estimate,
        low=estimate - _joined(*below, phi),
        high=estimate + _joined(*above, phi),
        level=level,
    )


def _joined(first: float, second: float, correlation: float) -> float:
    return math.sqrt(max(first**2 - 2.0 * correlation * first * second + second**2, 0.0))
