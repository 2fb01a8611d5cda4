"""Arrays of figures, one a customer: the checks shared by valuation and bridge."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patronage.science.equity.errors import InvalidFigures

FloatArray = NDArray[np.float64]
CentArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_ROWS_NAMED = 5


def refuse(sentence: str, name: str, values: NDArray[np.generic], broken: BoolArray) -> None:
    """Raise `InvalidFigures` if any row is broken, naming the first of them."""
    rows = np.flatnonzero(broken)
    if rows.size:
        shown = ", ".join(f"row {row}: {values[row]}" for row in rows[:_ROWS_NAMED].tolist())
        raise InvalidFigures(
            f"{name} {sentence}; {rows.size} of {broken.size} rows are not ({shown}). "
            "Correct or leave out these rows."
        )


def float_columns(**columns: ArrayLike) -> list[FloatArray]:
    """Finite float arrays of one length; scalars are repeated.

    Raises `InvalidFigures` for unequal lengths, two dimensions, missing or infinite values.
    """
    arrays = {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}
    for name, array in arrays.items():
        if array.ndim > 1:
            raise InvalidFigures(f"{name} must have one value a customer, found {array.shape}.")
    sizes = {name: array.size for name, array in arrays.items() if array.ndim == 1}
    if len(set(sizes.values())) > 1:
        raise InvalidFigures(f"Columns must be equally long, found {sizes}.")
    length = next(iter(sizes.values()), 1)
    result = [np.broadcast_to(array, (length,)) for array in arrays.values()]
    for name, array in zip(arrays, result, strict=True):
        refuse("must be finite numbers", name, array, ~np.isfinite(array))
    return result


def cents(name: str, column: ArrayLike) -> CentArray:
    """An int64 array of minor units; refuses floats, so that rounding is always explicit."""
    array = np.asarray(column)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InvalidFigures(
            f"{name} must be a one-dimensional integer array of minor units, found "
            f"{array.dtype} of shape {array.shape}. Convert with round_half_even_minor."
        )
    return array.astype(np.int64)


def same_length(arrays: Sequence[tuple[str, CentArray]]) -> None:
    """Raise `InvalidFigures` unless all have as many rows."""
    sizes = {name: array.size for name, array in arrays}
    if len(set(sizes.values())) > 1:
        raise InvalidFigures(f"Columns must be equally long, found {sizes}.")
