"""Customer equity: value with its interval, the opening-to-closing bridge, return on customer.

Needs NumPy and SciPy only. What is booked is in whole minor units (cents), so that sums are exact.
"""

from patronage.science.equity.bridge import (
    ATTRIBUTABLE,
    MOVEMENTS,
    UNATTRIBUTABLE,
    BridgeLines,
    GroupedLines,
    bridge,
    movements_of,
    sum_by,
)
from patronage.science.equity.customer_return import (
    PAID_LINES,
    ReturnOnCustomer,
    lifetime_days,
    paid_for,
    return_on_customer,
)
from patronage.science.equity.errors import EquityError, InvalidFigures
from patronage.science.equity.levels import BEGINNINGS, ENDS, Levels
from patronage.science.equity.luck import LuckBand, luck_band, variance_of_draws
from patronage.science.equity.rounding import round_half_even_minor
from patronage.science.equity.valuation import CustomerValue, customer_value

__all__ = [
    "ATTRIBUTABLE",
    "BEGINNINGS",
    "ENDS",
    "MOVEMENTS",
    "PAID_LINES",
    "UNATTRIBUTABLE",
    "BridgeLines",
    "CustomerValue",
    "EquityError",
    "GroupedLines",
    "InvalidFigures",
    "Levels",
    "LuckBand",
    "ReturnOnCustomer",
    "bridge",
    "customer_value",
    "lifetime_days",
    "luck_band",
    "movements_of",
    "paid_for",
    "return_on_customer",
    "round_half_even_minor",
    "sum_by",
    "variance_of_draws",
]
