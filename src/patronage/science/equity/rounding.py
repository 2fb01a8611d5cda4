"""From computed amounts to whole minor units (cents)."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from patronage.science.equity.columns import CentArray, FloatArray, float_columns, refuse

#: above this a float cannot tell one minor unit from the next
LARGEST_EXACT_MINOR: Final = 2.0**53


def round_half_even_minor(amounts: ArrayLike, *, minor_per_major: int = 100) -> CentArray:
    """Amounts in the major unit (dollars) as whole minor units (cents), halves to the even cent.

    Arguments: `amounts` of shape (customers,) in major units, missing values refused;
    `minor_per_major` of the currency: 100, 1 where it has no minor unit, 1000 for some.

    Returns int64 of shape (customers,). A half is judged on the number as the machine
    holds it: 0.125 is exactly half a cent above 12 and gives 12; 0.285 cannot be held exactly, its
    hundredfold comes out just below 28.5, and gives 28.

    Raises `InvalidFigures`, naming the first rows, for missing, infinite or larger amounts than a
    float holds to the cent (2^53 minor units).
    """
    (major,) = float_columns(amounts=amounts)
    minor = np.rint(major * minor_per_major)
    refuse("must be below 2^53 minor units", "amounts", major, np.abs(minor) > LARGEST_EXACT_MINOR)
    return minor.astype(np.int64)


def rounded_to_close(
    moved: Mapping[str, FloatArray], *, begins: CentArray, ends: CentArray
) -> tuple[dict[str, CentArray], CentArray]:
    """Movements as whole minor units, and what is left of ends - begins: a cent a row at most.

    Arguments: `moved`, the movements by name, minor units, shape (rows,), finite; `begins` and
    `ends`, whole.

    Each movement is rounded half to even. Where the roundings of a row add up to more than a cent,
    the movements that were rounded furthest the wrong way go to their other neighbour, one cent
    each, until a cent is left; every movement stays within a cent of its amount.

    Raises `InvalidFigures`, naming the first rows, where the movements before rounding miss
    ends - begins by more than a cent (and what a float of that size can hold): they are wrong.
    """
    exact = np.stack([np.asarray(column, dtype=np.float64) for column in moved.values()])
    missed = (ends - begins) - exact.sum(axis=0)
    held = 1e-9 * np.maximum(np.abs(exact).max(axis=0, initial=0.0), 1.0)
    refuse(
        "must be at most 1, the difference of end and beginning that no movement explains",
        "minor units unexplained",
        missed,
        np.abs(missed) > 1.0 + held,
    )
    whole = np.rint(exact)
    left = np.rint((ends - begins) - whole.sum(axis=0))
    wide = np.flatnonzero(np.abs(left) > 1)
    if wide.size:
        whole[:, wide] += _steps(exact[:, wide] - whole[:, wide], left[wide])
        left[wide] = np.rint((ends - begins)[wide] - whole[:, wide].sum(axis=0))
    rounded = whole.astype(np.int64)
    return dict(zip(moved, rounded, strict=True)), left.astype(np.int64)


def _steps(short: FloatArray, left: FloatArray) -> FloatArray:
    """A cent towards `left` for the |left| - 1 movements that fall shortest of their amount."""
    towards = np.sign(left)
    places = np.argsort(-short * towards, axis=0, kind="stable")
    rank = np.argsort(places, axis=0, kind="stable")
    steps: FloatArray = np.where(rank < np.abs(left) - 1, towards, 0.0)
    return steps
