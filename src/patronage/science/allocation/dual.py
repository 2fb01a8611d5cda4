"""At which prices do customers ask for no more than there is?

Minimises the convex, piecewise linear Lagrangian bound. One limit: its slope changes sign once, so
a bracket is narrowed. Several: cutting planes (Kelley, 1960) inside a box that grows with success
(Marsten, Hogan and Blankenship, "The boxstep method", Operations Research 23, 1975).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from patronage.science.allocation.relaxation import Relaxation, Response

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """Prices with everybody's reply to them."""

    #: ``(n_limits,)``, at least 0.
    prices: Floats
    response: Response


def solve_prices(
    relaxation: Relaxation, *, start: Floats, scale: Floats, radius: float, tolerance: float
) -> Priced:
    """Prices whose bound is within ``tolerance`` of the lowest, or the best of 200 steps.

    Args:
        relaxation: the problem.
        start: ``(n_limits,)`` prices to start from.
        scale: ``(n_limits,)`` typical size of each price, above 0.
        radius: first half-width of the box around the start, in units of ``scale``.
        tolerance: relative to the bound, above 0.
    """
    if not len(start):
        return Priced(prices=start, response=relaxation.respond(start))
    if len(start) == 1:
        return _narrow(relaxation, start=start, scale=scale, tolerance=tolerance)
    return _cutting_planes(relaxation, start=start, scale=scale, radius=radius, tolerance=tolerance)


def _narrow(relaxation: Relaxation, *, start: Floats, scale: Floats, tolerance: float) -> Priced:
    low = Priced(prices=np.zeros(1), response=relaxation.respond(np.zeros(1)))
    if low.response.slope[0] >= 0.0:
        return low
    high = _priced(relaxation, np.maximum(start, 1e-6 * scale))
    while high.response.slope[0] < 0.0:
        low, high = high, _priced(relaxation, high.prices * 4.0)
    for step in range(200):
        left, right = float(low.prices[0]), float(high.prices[0])
        fall, rise = float(low.response.slope[0]), float(high.response.slope[0])
        # The two tangents meet at the lowest value the bound can have inside the bracket.
        reach = (low.response.bound - high.response.bound + rise * (right - left)) / (rise - fall)
        floor = low.response.bound + fall * reach
        best = min(low.response.bound, high.response.bound)
        if best - floor <= tolerance * abs(best) or right - left <= 1e-15 * right:
            break
        meet = left + reach
        if step % 2 or not left < meet < right:
            meet = (left + right) / 2.0
        if not left < meet < right:
            break
        middle = _priced(relaxation, np.array([meet]))
        low, high = (middle, high) if middle.response.slope[0] < 0.0 else (low, middle)
    return min(high, low, key=lambda priced: priced.response.bound)


def _cutting_planes(
    relaxation: Relaxation, *, start: Floats, scale: Floats, radius: float, tolerance: float
) -> Priced:
    centre = _priced(relaxation, start)
    slopes = [centre.response.slope * scale]
    heights = [_height(centre)]
    for _ in range(200):
        if centre.response.bound <= 0.0:
            break
        middle = centre.prices / scale
        point, floor = _lowest(np.array(slopes), np.array(heights), middle, radius)
        promised = centre.response.bound - floor
        if promised <= tolerance * centre.response.bound:
            if (np.abs(point - middle) < radius * (1.0 - 1e-9)).all():
                break
            radius *= 4.0
            continue
        trial = _priced(relaxation, point * scale)
        slopes.append(trial.response.slope * scale)
        heights.append(_height(trial))
        gained = centre.response.bound - trial.response.bound
        if gained > 0.5 * promised:
            radius *= 2.0
        elif gained <= 0.0:
            radius *= 0.5
        if gained > 0.0:
            centre = trial
    return centre


def _lowest(slopes: Floats, heights: Floats, middle: Floats, radius: float) -> tuple[Floats, float]:
    """Where the model (the highest of the planes) is lowest within the box, and how low."""
    # Heights are divided by their size, so that the solver's absolute tolerances are relative.
    unit = max(float(np.abs(heights).max()), 1e-300)
    limits = len(middle)
    solved = linprog(
        np.append(np.zeros(limits), 1.0),
        A_ub=np.column_stack([slopes / unit, -np.ones(len(slopes))]),
        b_ub=-heights / unit,
        bounds=[
            *((max(0.0, value - radius), value + radius) for value in middle),
            (None, None),
        ],
        method="highs",
    )
    if solved.x is None:
        raise RuntimeError(
            f"allocation: the model of the prices could not be solved ({solved.message}); "
            "expected a bounded linear programme: check that uses and capacities are of like size"
        )
    point = np.maximum(np.asarray(solved.x[:limits], dtype=np.float64), 0.0)
    return point, float((slopes @ point + heights).max())


def _priced(relaxation: Relaxation, prices: Floats) -> Priced:
    return Priced(prices=prices, response=relaxation.respond(prices))


def _height(priced: Priced) -> float:
    """Where the tangent at these prices meets price 0."""
    return float(priced.response.bound - priced.response.slope @ priced.prices)
