"""Why did customer equity change between two dates? The bridge from opening to closing.

V(t) is the value, at t, of the window (t, t + H]. Between t0 and t1 six values are taken of each
customer, in whole minor units, and every line of the bridge is a difference of two or three of
them, so that each customer, and therefore each portfolio and the enterprise, closes exactly. The
order of the lines (expected movement first, then experience, then assumptions) is that of actuarial
movement analyses of embedded value, applied to customer equity as in Gupta and Lehmann (2005),
"Managing Customers as Investments".

With a lifetime model discounting to t0, `remaining` is the discounted value of (t1, t0 + H] as seen
at t0, compounded to t1 by (1 + rate)^((t1 - t0)/365); `rolled` likewise of (t0 + H, t1 + H].
Experience is then 0 on average if the model is true, whatever the customer's history.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patronage.science.equity.columns import BoolArray, CentArray, cents, refuse, same_length
from patronage.science.equity.errors import InvalidFigures
from patronage.science.equity.rounding import LARGEST_EXACT_MINOR

_LARGEST_SUM: Final = 2.0**62


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Levels:
    """Six values of each customer; int64 minor units, shape (customers,)."""

    #: V(t0) as published, model and history of t0; 0 for a new customer
    opening: CentArray
    #: margin that the model at t0 expected in (t0, t1], not discounted
    expected_margin: CentArray
    #: value at t1 of the rest of the old window, (t1, t0 + H], as expected at t0
    remaining: CentArray
    #: value at t1 of the days the window moved on, (t0 + H, t1 + H], as expected at t0
    rolled: CentArray
    #: V(t1), history of t1 but model of t0
    closing_old_model: CentArray
    #: V(t1) as published, history and model of t1
    closing: CentArray
    #: True for customers who came after t0; they were expected to bring nothing
    is_new: BoolArray

    @classmethod
    def of(
        cls,
        *,
        opening: ArrayLike,
        expected_margin: ArrayLike,
        remaining: ArrayLike,
        rolled: ArrayLike,
        closing_old_model: ArrayLike,
        closing: ArrayLike,
        is_new: ArrayLike | None = None,
    ) -> "Levels":
        """Check and freeze the levels.

        Arguments, shape (customers,): whole minor units, integers (round with
        `round_half_even_minor`), missing values impossible; `is_new` booleans, None for no new
        customers.

        Raises `InvalidFigures`, naming the first rows: floats, unequal lengths, amounts of 2^53
        minor units or more, a new customer with an opening, expected, remaining or rolled value.
        """
        columns = {
            "opening": cents("opening", opening),
            "expected_margin": cents("expected_margin", expected_margin),
            "remaining": cents("remaining", remaining),
            "rolled": cents("rolled", rolled),
            "closing_old_model": cents("closing_old_model", closing_old_model),
            "closing": cents("closing", closing),
        }
        same_length(list(columns.items()))
        rows = columns["opening"].size
        new = np.zeros(rows, np.bool_) if is_new is None else np.array(is_new, dtype=np.bool_)
        if new.shape != (rows,):
            raise InvalidFigures(f"is_new must have {rows} rows, found shape {new.shape}.")
        for name, column in columns.items():
            too_large = (column > LARGEST_EXACT_MINOR) | (column < -LARGEST_EXACT_MINOR)
            refuse("must be below 2^53 minor units", name, column, too_large)
            if not name.startswith("closing"):
                refuse("must be 0 for a new customer", name, column, new & (column != 0))
            column.flags.writeable = False
        return cls(**columns, is_new=new)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BridgeLines:
    """The bridge, one row a customer or group; int64 minor units; opening + movements = closing."""

    opening: CentArray
    #: what the period was expected to earn leaves the window (minus)
    expected_margin: CentArray
    #: time passing: the rest of the old window, now nearer
    unwinding: CentArray
    #: the days by which the window moved on
    roll_forward: CentArray
    #: customers behaved otherwise than expected; same model, new history
    experience: CentArray
    #: customers who came in the period, at their value under the old model
    new_customers: CentArray
    #: another model or other assumptions, same history
    model_change: CentArray
    closing: CentArray

    def movements(self) -> dict[str, CentArray]:
        """The lines between opening and closing, in the order of the statement."""
        return {name: getattr(self, name) for name in MOVEMENTS}

    def totals(self) -> dict[str, int]:
        """Every line summed over all rows, exactly. Raises `InvalidFigures` beyond 64 bits."""
        return {f.name: _exact_total(f.name, getattr(self, f.name)) for f in fields(self)}


#: names of the lines between opening and closing, in the order of the statement
MOVEMENTS: Final[tuple[str, ...]] = tuple(
    f.name for f in fields(BridgeLines) if f.name not in {"opening", "closing"}
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupedLines:
    """Bridges of groups (portfolios, say)."""

    #: group keys in ascending order, shape (groups,)
    groups: NDArray[np.generic]
    #: their bridges, rows in the same order
    lines: BridgeLines

    def of(self, group: int | str) -> Mapping[str, int]:
        """All lines of one group. Raises `KeyError` for a group without customers."""
        found = np.flatnonzero(self.groups == group)
        if found.size == 0:
            raise KeyError(f"No customers in group {group!r}.")
        row = int(found[0])
        return {f.name: int(getattr(self.lines, f.name)[row]) for f in fields(self.lines)}


def bridge(levels: Levels) -> BridgeLines:
    """Explain closing minus opening, customer by customer, in whole minor units.

    Returns rows in the order of `levels`. A new customer's whole value under the old model is in
    `new_customers`, and only what the new model changes of it in `model_change`.
    """
    zero = np.zeros_like(levels.opening)
    surprise = levels.closing_old_model - levels.remaining - levels.rolled
    return BridgeLines(
        opening=levels.opening,
        expected_margin=-levels.expected_margin,
        unwinding=levels.remaining + levels.expected_margin - levels.opening,
        roll_forward=levels.rolled,
        experience=np.where(levels.is_new, zero, surprise),
        new_customers=np.where(levels.is_new, levels.closing_old_model, zero),
        model_change=levels.closing - levels.closing_old_model,
        closing=levels.closing,
    )


def sum_by(groups: ArrayLike, lines: BridgeLines) -> GroupedLines:
    """Add the customers' bridges up by group; exact, so that groups add up to `lines.totals()`.

    Arguments: `groups` of shape (customers,), integers or strings, one group a customer.

    Raises `InvalidFigures` for another length or type, or sums beyond 64 bits.
    """
    keys = np.asarray(groups)
    if keys.shape != lines.opening.shape or keys.dtype.kind not in "iuUb":
        raise InvalidFigures(
            f"groups must hold one integer or string a customer ({lines.opening.size} rows), "
            f"found {keys.dtype} of shape {keys.shape}."
        )
    distinct, where = np.unique(keys, return_inverse=True)

    def added(name: str, column: CentArray) -> CentArray:
        _exact_total(name, column)
        sums = np.zeros(distinct.size, dtype=np.int64)
        np.add.at(sums, where, column)
        return sums

    summed = {f.name: added(f.name, getattr(lines, f.name)) for f in fields(lines)}
    return GroupedLines(groups=distinct, lines=BridgeLines(**summed))


def _exact_total(name: str, column: CentArray) -> int:
    if float(np.abs(column.astype(np.float64)).sum()) >= _LARGEST_SUM:
        raise InvalidFigures(
            f"{name} adds up beyond 2^62 minor units, which 64 bits cannot hold safely; "
            "check the amounts, or state them in a larger unit."
        )
    return int(column.sum())
