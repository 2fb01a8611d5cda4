"""What is the bridge of a piece made of? Values of one customer from one day to another."""

from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patronage.science.equity.columns import (
    CentArray,
    FloatArray,
    cents,
    float_columns,
    refuse,
    same_length,
)
from patronage.science.equity.errors import InvalidFigures
from patronage.science.equity.rounding import LARGEST_EXACT_MINOR

#: how a piece can begin: with the opening, handed over, with a first purchase, with one of a
#: customer who was there before recording began, or with nothing (a history that came late)
BEGINNINGS: Final = ("opening", "handed", "new", "panel", "nothing")
#: how a piece can end: with the closing, handed over, or with the erasure of the customer
ENDS: Final = ("closing", "handed", "erased")
_WHOLE: Final = ("begins", "received", "ends")
_KINDS: Final = ("begins_as", "ends_as")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Levels:
    """The pieces from a day a to a day b; minor units, shape (pieces,).

    Those from `expected_margin` on come from the model of t0 and are not rounded; H is the length
    of the value window, i the annual discount rate.
    """

    #: places in `BEGINNINGS`
    begins_as: NDArray[np.int8]
    #: value at a as booked: the published opening, or the value of the day, rounded; whole
    begins: CentArray
    #: of a piece that begins handed: what the pieces before it gave; whole
    received: CentArray
    #: places in `ENDS`
    ends_as: NDArray[np.int8]
    #: value at b as booked: the published closing, the value of the day, or what is erased; whole
    ends: CentArray
    #: margin expected at a of (a, b], not discounted
    expected_margin: FloatArray
    #: what a shorter wait adds: (1 + i)^((b - a)/365) - 1 on the value at a of (b, a + H], and the
    #: discount that lay on the margin of (a, b]
    interest: FloatArray
    #: value at b of (a + H, b + H], as expected at a
    rolled: FloatArray
    #: value at b of all of (b, b + H], as expected at a
    awaited: FloatArray
    #: value at b of the history at b with what a purchase left at a
    at_old_spend: FloatArray
    #: purchases of that window times the change of what a purchase leaves
    spend_effect: FloatArray
    #: value at b of the history at b under the model of t0; of a piece that ends with the closing
    old_model: FloatArray
    #: the same under the model of t1
    new_model: FloatArray
    #: value at t0 of the history as it is known at t1; of a piece that begins at t0
    corrected: FloatArray
    #: value at t0 of the history as it was known at t0
    frozen: FloatArray
    #: value at b times (rate at t1 / rate at t0 - 1) of its currency
    currency_effect: FloatArray

    @classmethod
    def of(cls, **columns: ArrayLike) -> Self:
        """Check and freeze the levels, by the names of the fields.

        Arguments, shape (pieces,), missing values refused: `begins` and `ends` whole minor units,
        integers; `begins_as` and `ends_as` words of `BEGINNINGS` and `ENDS` (left out: opening and
        closing); `received` whole (left out: `begins`); the others real, 0 where left out.

        Raises `InvalidFigures`, naming the first rows: floats where whole amounts belong, unknown
        words or names, unequal lengths, missing or infinite values, 2^53 minor units or more, a
        value received by a piece that is not handed over.
        """
        known = {f.name for f in fields(cls)}
        if not known >= columns.keys() >= {"begins", "ends"}:
            raise InvalidFigures(
                f"Levels are {', '.join(sorted(known))}, with begins and ends at least; found "
                f"{', '.join(sorted(columns))}."
            )
        begins, ends = cents("begins", columns["begins"]), cents("ends", columns["ends"])
        rows = begins.size
        begins_as = _codes("begins_as", columns.get("begins_as", "opening"), BEGINNINGS, rows)
        ends_as = _codes("ends_as", columns.get("ends_as", "closing"), ENDS, rows)
        handed = begins_as == BEGINNINGS.index("handed")
        received = cents("received", columns.get("received", np.where(handed, begins, 0)))
        same_length([("begins", begins), ("ends", ends), ("received", received)])
        refuse("must be 0 unless handed over", "received", received, ~handed & (received != 0))
        names = [f.name for f in fields(cls) if f.name not in (*_WHOLE, *_KINDS)]
        given = {name: columns.get(name, np.zeros(rows)) for name in names}
        reals = dict(zip(names, float_columns(**given), strict=True))
        every = {"begins": begins, "ends": ends, "received": received} | reals
        for name, column in every.items():
            if column.size != rows:
                raise InvalidFigures(f"{name} must have {rows} rows, found {column.size}.")
            refuse(
                "must be below 2^53 minor units", name, column, abs(column) > LARGEST_EXACT_MINOR
            )
        return cls(
            begins_as=begins_as,
            ends_as=ends_as,
            begins=begins,
            received=received,
            ends=ends,
            **reals,
        )


def _codes(name: str, words: ArrayLike, known: tuple[str, ...], rows: int) -> NDArray[np.int8]:
    """Words as their places in the list of known ones; one word stands for every row."""
    given = np.asarray(words)
    if given.dtype.kind not in "UO" or given.shape not in {(), (rows,)}:
        raise InvalidFigures(f"{name} must be one word a piece ({rows} rows), one of {known}.")
    codes = np.full(rows, -1, dtype=np.int8)
    for place, word in enumerate(known):
        codes[np.broadcast_to(given == word, (rows,))] = place
    refuse(f"must be one of {', '.join(known)}", name, np.broadcast_to(given, (rows,)), codes < 0)
    return codes
