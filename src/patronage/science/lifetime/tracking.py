"""How many repeat purchases does a model expect on each day, of customers who joined on known days?

The tracking plot of Fader, Hardie and Lee (2005), "'Counting your customers' the easy way",
Marketing Science 24(2): expected against actual repeat purchases over time, the first purchase of
each customer apart.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline

from patronage.science.lifetime.errors import InvalidWindow
from patronage.science.lifetime.histories import FloatArray, as_columns, refuse_rows
from patronage.science.lifetime.purchase_model import PurchaseModel

#: ages asked of the model one by one, and number of later ones: good to 1e-6
_EACH_DAY: Final = 40
_KNOTS: Final = 80


def expected_repeat_purchases(
    model: PurchaseModel, joined: ArrayLike, *, days: int | None = None
) -> FloatArray:
    """Expected repeat purchases of each period from the first on, shape (days,).

    Arguments: `joined`, customers (or weights) whose first purchase falls on each day, shape
    (days given,), not negative; `days` for how long, by default as many as given. Who joins on a
    day is expected to buy again from the next day on. With a model fitted in weeks, read weeks.

    Raises `InconsistentHistory`, naming the first offending days, and `InvalidWindow` for a
    negative or fractional number of `days`.
    """
    (new,) = as_columns(joined=joined)
    broken = ~(np.isfinite(new) & (new >= 0))
    refuse_rows([("joined must be finite and not negative.", broken)], joined=new)
    if days is not None and not (days >= 0 and days == math.floor(days)):
        raise InvalidWindow(f"days must be a whole number from 0, found {days}.")
    length = new.size if days is None else int(days)
    if length < 2:
        return np.zeros(length)
    a_day = np.diff(_so_far(model, length))
    expected = np.convolve(new[:length], a_day)[: length - 1]
    return np.concatenate(([0.0], np.maximum(expected, 0.0)))


def _so_far(model: PurchaseModel, days: int) -> FloatArray:
    """Expected repeat purchases by each age from 0 on, shape (days,); smooth, hence by spline."""
    ages = np.arange(days, dtype=np.float64)
    later = np.rint(np.geomspace(_EACH_DAY, max(days - 1, _EACH_DAY), _KNOTS))
    knots = np.unique(np.concatenate((ages[:_EACH_DAY], later[later < days])))
    known = [model.expected_purchases_new_customer(horizon_days=float(age)) for age in knots]
    if knots.size == days:
        return np.array(known)
    so_far: FloatArray = CubicSpline(knots, known)(ages)
    return so_far
