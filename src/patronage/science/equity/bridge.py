"""Why did customer equity change between two dates? The bridge from opening to closing.

V(t) is the value, at t, of the window (t, t + H]. A customer's period is cut wherever the customer
changes hands or becomes another (a hand-over, a merge, an un-merge); each piece from a day a to a
day b is a bridge of its own under the model of t0, valued on each day from the history up to that
day. The order of the lines (expected movement first, then experience, then assumptions and
corrections) is that of actuarial movement analyses of embedded value, applied to customer equity as
in Gupta and Lehmann (2005), "Managing Customers as Investments".

No line is a remainder, and no level enters two lines: what two lines need is computed twice, over
windows of its own. So the check that opening and movements make the closing can fail, and does as
soon as one level is off by more than a cent. If the model is true, both lines of experience are 0
on average, whatever the customer's history.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patronage.science.equity.columns import CentArray, FloatArray
from patronage.science.equity.errors import InvalidFigures
from patronage.science.equity.levels import BEGINNINGS, ENDS, Levels
from patronage.science.equity.rounding import rounded_to_close

_LARGEST_SUM: Final = 2.0**62


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BridgeLines:
    """The bridge, one row a piece or group; int64 minor units; opening + movements = closing."""

    opening: CentArray
    #: what the period was expected to earn leaves the window (minus), nominal
    expected_margin: CentArray
    #: time passing: what is still to come is nearer
    unwinding: CentArray
    #: the days by which the window moved on
    roll_forward: CentArray
    #: how often customers bought, against what was expected; at the spend they began with
    experience_frequency: CentArray
    #: how much a purchase of theirs leaves, against what was expected
    experience_spend: CentArray
    #: customers won in the period, at their value on the day of the first purchase
    new_customers: CentArray
    #: received less given, at the value of the day; 0 over all pieces
    hand_overs: CentArray
    #: customers who were there before recording began, at their value on the first purchase seen
    panel_entry: CentArray
    #: another model or other assumptions, same history
    model_change: CentArray
    #: value of the merged customer less that of the parts on the day, reversed by an un-merge
    identity: CentArray
    #: the same model on the corrected history at t0 less the opening as published
    corrections: CentArray
    #: customers erased since the opening, or who object
    erased: CentArray
    #: another rate between the currency of the amounts and that of the statement
    currency: CentArray
    #: what rounding each line to the cent leaves; a cent a piece at most
    rounding: CentArray
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
#: what managers are measured by, beside the margin they realise against what was expected
ATTRIBUTABLE: Final = ("experience_frequency", "experience_spend", "new_customers")
#: lines that nobody caused and that nobody is paid for: the last ones of the statement
UNATTRIBUTABLE: Final = (
    "panel_entry",
    "model_change",
    "identity",
    "corrections",
    "erased",
    "currency",
    "rounding",
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
    """Explain end minus beginning, piece by piece, in whole minor units.

    Each line is rounded half to even by itself; where the roundings of one piece add up to more
    than a cent, the line that was rounded furthest goes to its other neighbour, so that no more
    than a cent stays in `rounding`.

    Returns rows in the order of `levels`.

    Raises `InvalidFigures`, naming the first pieces, where beginning and movements miss the end by
    more than a cent: some level is wrong.
    """
    moved = movements_of(levels)
    rounded, rest = rounded_to_close(moved, begins=levels.begins, ends=levels.ends)
    begins = {name: levels.begins_as == code for code, name in enumerate(BEGINNINGS)}
    ends = {name: levels.ends_as == code for code, name in enumerate(ENDS)}
    nothing = np.zeros_like(levels.begins)

    def where(chosen: NDArray[np.bool_], amounts: CentArray) -> CentArray:
        return np.where(chosen, amounts, nothing)

    handed = begins["handed"]
    return BridgeLines(
        opening=where(begins["opening"], levels.begins),
        panel_entry=where(begins["panel"], levels.begins),
        new_customers=where(begins["new"], levels.begins),
        hand_overs=where(handed, levels.received) - where(ends["handed"], levels.ends),
        identity=where(handed, levels.begins - levels.received),
        erased=-where(ends["erased"], levels.ends),
        rounding=rest,
        closing=where(ends["closing"], levels.ends),
        **rounded,
    )


def movements_of(levels: Levels) -> dict[str, FloatArray]:
    """The lines that the model gives, not rounded; minor units, shape (pieces,)."""
    return {
        "expected_margin": -levels.expected_margin,
        "unwinding": levels.interest,
        "roll_forward": levels.rolled,
        "experience_frequency": levels.at_old_spend - levels.awaited,
        "experience_spend": levels.spend_effect,
        "model_change": levels.new_model - levels.old_model,
        "corrections": levels.corrected - levels.frozen,
        "currency": levels.currency_effect,
    }


def sum_by(groups: ArrayLike, lines: BridgeLines) -> GroupedLines:
    """Add the pieces' bridges up by group; exact, so that groups add up to `lines.totals()`.

    Arguments: `groups` of shape (pieces,), integers or strings, one group a piece.

    Raises `InvalidFigures` for another length or type, or sums beyond 64 bits.
    """
    keys = np.asarray(groups)
    if keys.shape != lines.opening.shape or keys.dtype.kind not in "iuUb":
        raise InvalidFigures(
            f"groups must hold one integer or string a piece ({lines.opening.size} rows), "
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
