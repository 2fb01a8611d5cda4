"""What did the customer base return on the equity it started with?

Source: Peppers and Rogers (2005), "Return on Customer": current-period profit plus the change in
customer equity, over the equity at the start. What a portfolio's manager did not cause is taken
out.
"""

from dataclasses import dataclass


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
