"""From computed amounts to whole minor units (cents)."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from patronage.science.equity.columns import CentArray, float_columns, refuse

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
