"""Are these histories possible? Checks shared by fitting and scoring.

A history is three numbers: ``frequency`` x (repeat purchases), ``recency`` t_x (time from the first
to the last purchase) and ``age`` T (time from the first purchase to now).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patronage.science.lifetime.errors import InconsistentHistory

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_ROWS_NAMED = 5
_ROWS_AT_ONCE = 16_384


def as_columns(**columns: ArrayLike) -> list[FloatArray]:
    """One-dimensional float arrays of one length; scalars are repeated.

    Raises `InconsistentHistory` when a column is not of numbers, has two dimensions or another
    length, or when there is no row at all.
    """
    arrays = {name: _as_numbers(name, column) for name, column in columns.items()}
    for name, array in arrays.items():
        if array.ndim > 1:
            raise InconsistentHistory(
                f"{name} must have one value a customer, found shape {array.shape}."
            )
    sizes = {name: array.size for name, array in arrays.items() if array.ndim == 1}
    if len(set(sizes.values())) > 1:
        raise InconsistentHistory(f"Columns must be equally long, found {sizes}.")
    length = next(iter(sizes.values()), 1)
    if length == 0:
        raise InconsistentHistory(
            f"No customers: {', '.join(columns)} are empty. Pass at least one row."
        )
    return [np.ascontiguousarray(np.broadcast_to(array, (length,))) for array in arrays.values()]


def _as_numbers(name: str, column: ArrayLike) -> FloatArray:
    given = np.asarray(column)
    if given.dtype.kind in "mM":
        raise InconsistentHistory(
            f"{name} must be numbers, found {given.dtype}: divide by a unit, such as "
            "np.timedelta64(1, 'D') for days."
        )
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InconsistentHistory(f"{name} must be numbers: {error}.") from error


def refuse_rows(checks: Sequence[tuple[str, BoolArray]], **columns: FloatArray) -> None:
    """Raise `InconsistentHistory` for the first check that some row fails, naming the first rows.

    Arguments: `checks` (sentence, rows that break it), in order of importance; `columns` are shown
    with their values for each row named.
    """
    for sentence, broken in checks:
        rows = np.flatnonzero(broken)
        if rows.size == 0:
            continue
        shown = "; ".join(
            f"row {row}: "
            + ", ".join(f"{name}={values[row]:g}" for name, values in columns.items())
            for row in rows[:_ROWS_NAMED].tolist()
        )
        raise InconsistentHistory(
            f"{sentence} {rows.size} of {broken.size} rows break this ({shown}). "
            "Correct or leave out these rows."
        )


def validated_histories(
    frequency: ArrayLike, recency: ArrayLike, age: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The three columns as arrays, once every row is known to be possible.

    Raises `InconsistentHistory`, naming the first offending rows.
    """
    x, t_x, T = as_columns(frequency=frequency, recency=recency, age=age)
    if _all_possible(x, t_x, T):
        return x, t_x, T
    finite = np.isfinite(x) & np.isfinite(t_x) & np.isfinite(T)
    refuse_rows(
        [
            ("frequency, recency and age must be finite numbers.", ~finite),
            ("frequency, recency and age must not be negative.", (x < 0) | (t_x < 0) | (T < 0)),
            ("frequency must be a whole number of repeat purchases.", x != np.floor(x)),
            ("recency must not exceed age.", t_x > T),
            ("recency must be 0 without a repeat purchase.", (x == 0) & (t_x > 0)),
            ("recency must be above 0 with a repeat purchase.", (x > 0) & (t_x == 0)),
        ],
        frequency=x,
        recency=t_x,
        age=T,
    )
    return x, t_x, T


def _all_possible(x: FloatArray, t_x: FloatArray, T: FloatArray) -> bool:
    """Whether no row breaks any of the rules, in one pass that stays in the processor's cache."""
    for start in range(0, x.size, _ROWS_AT_ONCE):
        block = slice(start, start + _ROWS_AT_ONCE)
        count, last, now = x[block], t_x[block], T[block]
        # a missing value fails every comparison
        possible = (count >= 0) & (count < np.inf) & (count == np.floor(count))
        possible &= (last >= 0) & (last <= now) & (now < np.inf)
        possible &= (count > 0) == (last > 0)
        if not possible.all():
            return False
    return True
