"""What did the customer base return on the equity it started with?

Source: Peppers and Rogers (2005), "Return on Customer": current-period profit plus the change in
customer equity, over the equity at the start. What a portfolio's manager did not cause is taken
out. Equity is that of the whole lifetime: a window of a few years also earns the days by which it
moves on, so that its return says little unless what was to be expected stands beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from math import ceil, log
from operator import add
from typing import Final, Protocol, Self, TypeVar

from patronage.science.equity.bridge import ATTRIBUTABLE
from patronage.science.equity.errors import InvalidFigures

_DAYS_A_YEAR: Final = 365
#: the lines of which the paid figure is made, beside the margin realised
PAID_LINES: Final = ("expected_margin", *ATTRIBUTABLE)
#: a lifetime is never taken for shorter than this, however little is at stake
_YEARS_AT_LEAST: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnOnCustomer:
    """A rate of return, or why there is none."""

    #: gain / base, 0.12 being 12 %; None where undetermined
    rate: float | None
    #: why the rate is None
    reason: str | None
    #: numerator, minor units
    gain: int
    #: denominator, minor units
    base: int


def return_on_customer(
    *,
    realised_margin: int,
    opening: int,
    closing: int,
    hand_overs: int = 0,
    time_weighted_hand_overs: int = 0,
    not_attributable: int = 0,
) -> ReturnOnCustomer:
    """Return on Customer of a portfolio or the enterprise over one period.

    (realised_margin + closing - opening - hand_overs - not_attributable)
    / (opening + time_weighted_hand_overs).

    Arguments, whole minor units of one currency: `realised_margin` after contact and acquisition
    cost; `opening` and `closing` equity, full lifetime (a moving window adds a return from rolling
    forward alone); `hand_overs` received less given, at their value on the day, and the same
    weighted by the share of the period after each; `not_attributable` the sum of movements nobody
    earned, such as model changes, corrections, currency.

    The rate is None, with a reason, where the denominator is not above 0.
    """
    gain = realised_margin + closing - opening - hand_overs - not_attributable
    base = opening + time_weighted_hand_overs
    if base <= 0:
        reason = (
            f"Opening equity and hand-overs come to {base} minor units: "
            "a return needs equity above 0 to be earned on."
        )
        return ReturnOnCustomer(rate=None, reason=reason, gain=gain, base=base)
    return ReturnOnCustomer(rate=gain / base, reason=None, gain=gain, base=base)


def lifetime_days(*, largest_annual_margin: float, annual_discount_rate: float) -> int:
    """How far ahead must value be counted for the rest to be below a cent?

    A customer who brings m a year for ever brings m v^L / ln(1 + i) after L years, seen from
    today, with v = 1 / (1 + i). L is the first whole number of years that makes it less than one
    minor unit for the largest m of the base, so for everybody; that customers leave makes it less
    still.

    Arguments: `largest_annual_margin`, minor units a year, of the customer of whom most is
    expected; `annual_discount_rate`, effective, above 0: without it a lifetime has no end.

    Returns days, ten years' at least. Raises `InvalidFigures` for a rate not above 0.
    """
    if not annual_discount_rate > 0:
        raise InvalidFigures(
            f"A whole lifetime needs a discount rate above 0, found {annual_discount_rate}: "
            "without one, what is far away is worth as much as what is near."
        )
    force = log(1 + annual_discount_rate)
    years = log(max(largest_annual_margin, 1.0) / force) / force
    return _DAYS_A_YEAR * max(ceil(years), _YEARS_AT_LEAST)


class _Addable(Protocol):
    def __add__(self, other: Self, /) -> Self: ...


Amount = TypeVar("Amount", bound=_Addable)


def paid_for(lines: Mapping[str, Amount], realised_margin: Amount) -> Amount:
    """What a manager can be paid for: margin against what was expected, experience, customers won.

    Arguments, whole minor units, a number or a column with a row a manager: `lines` of the pieces
    that count for the manager, by name as in `BridgeLines`; `realised_margin` of the same pieces.
    Pieces within the days after a hand-over in which both managers see them count for the giver,
    who chose the day: so nobody's pay is raised by handing on a customer who fell silent, nor by
    being handed a valuable one.
    """
    return reduce(add, (lines[name] for name in PAID_LINES), realised_margin)
