"""Where do the records of a CSV text begin and end, and which of them are malformed?

Works on whole blocks of bytes. A record ends at a line end outside quotes; quotes are doubled to
stand for themselves and open only where a value begins. A quote anywhere else marks its record as
malformed and is otherwise taken as a letter, so that it does not swallow the lines that follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from patronage.identify.errors import FileUnfit

Positions = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

LF: Final = 10
CR: Final = 13
#: More stray quotes than this in one block mean that the file quotes nothing.
MOST_STRAY_QUOTES: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The complete records of a block; arrays have one element a record, blank lines included."""

    #: first byte of each record
    starts: Positions
    #: byte after each record's last, where its line end stands
    ends: Positions
    #: line ends before each record, in this block
    lines_before: Positions
    #: number of values in each
    values: Positions
    #: True where a record is an empty line
    blank: npt.NDArray[np.bool_]
    #: True where a quote stands where none may
    stray_quote: npt.NDArray[np.bool_]
    #: True where a carriage return stands without a line feed
    bare_return: npt.NDArray[np.bool_]
    #: line ends in all complete records
    lines: int
    #: first byte that belongs to no complete record
    consumed: int
    #: whether a quote is open at the end of the block
    open_quote: bool


def split_records(data: Bytes, *, delimiter: int, quote: int | None, final: bool) -> Records:
    """Find the records of a block that begins where a record begins.

    Args:
        data: the block.
        delimiter: byte between values.
        quote: byte around values; None where nothing is quoted.
        final: whether the file ends with this block.

    Raises:
        FileUnfit: there are so many stray quotes that the file cannot be quoted at all.
    """
    quotes, strays = _quotes(data, delimiter, quote)
    line_ends = np.flatnonzero(data == LF)
    ends = _outside(line_ends, quotes)
    open_quote = bool(len(quotes) % 2)
    if final and not open_quote and (ends[-1] + 1 if len(ends) else 0) < len(data):
        ends = np.append(ends, len(data))
    starts = np.concatenate([np.zeros(min(1, len(ends)), np.int64), ends[:-1] + 1])
    delimiters = _outside(np.flatnonzero(data == delimiter), quotes)
    values = np.searchsorted(delimiters, ends) - np.searchsorted(delimiters, starts) + 1
    last_byte = data[np.maximum(ends - 1, 0)] if len(data) else data
    blank = (ends == starts) | ((ends - starts == 1) & (last_byte == CR))
    consumed = min(int(ends[-1]) + 1, len(data)) if len(ends) else 0
    strays = np.concatenate([strays, _misplaced_closing(data, quotes, delimiter)])
    return Records(
        starts=starts,
        ends=ends,
        lines_before=np.searchsorted(line_ends, starts),
        values=values,
        blank=blank,
        stray_quote=_records_of(strays, ends),
        bare_return=_records_of(_bare_returns(data, quotes), ends),
        lines=int(np.searchsorted(line_ends, consumed)),
        consumed=consumed,
        open_quote=open_quote,
    )


def _quotes(data: Bytes, delimiter: int, quote: int | None) -> tuple[Positions, Positions]:
    """Return the quotes that open and close values in turn, and those that stand astray."""
    if quote is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    quotes = np.flatnonzero(data == quote)
    strays: list[int] = []
    while True:
        opening = quotes[0::2]
        before = np.where(opening > 0, data[np.maximum(opening - 1, 0)], LF)
        doubled = np.zeros(len(opening), np.bool_)
        doubled[1:] = quotes[2::2] - 1 == quotes[1::2][: len(opening) - 1]
        misplaced = np.flatnonzero(~(np.isin(before, [delimiter, LF]) | doubled))
        if not len(misplaced):
            return quotes, np.array(strays, np.int64)
        if len(strays) == MOST_STRAY_QUOTES:
            raise FileUnfit(
                f"The file has more than {MOST_STRAY_QUOTES:,} quotes inside unquoted values. "
                "If it quotes nothing, set quote = '' under [csv] in the mapping."
            )
        at = 2 * int(misplaced[0])
        strays.append(int(quotes[at]))
        quotes = np.delete(quotes, at)


def _misplaced_closing(data: Bytes, quotes: Positions, delimiter: int) -> Positions:
    closing = quotes[1::2]
    closing = closing[closing + 1 < len(data)]
    after = data[closing + 1]
    reopened = np.isin(closing + 1, quotes)
    fits: npt.NDArray[np.bool_] = np.isin(after, [delimiter, LF, CR]) | reopened
    return closing[~fits]


def _bare_returns(data: Bytes, quotes: Positions) -> Positions:
    returns = np.flatnonzero(data == CR)
    returns = returns[returns + 1 < len(data)]
    return _outside(returns[data[returns + 1] != LF], quotes)


def _outside(positions: Positions, quotes: Positions) -> Positions:
    """Keep the positions at which no quote is open."""
    if not len(quotes):
        return positions
    outside: Positions = positions[np.searchsorted(quotes, positions) % 2 == 0]
    return outside


def _records_of(positions: Positions, ends: Positions) -> Any:
    """Mark the records in which the positions lie."""
    marked = np.zeros(len(ends), np.bool_)
    found = np.searchsorted(ends, positions)
    marked[found[found < len(ends)]] = True
    return marked
