"""Customer equity: value with its interval, the opening-to-closing bridge, return on customer.

Needs NumPy and SciPy only. Levels and lines are whole minor units (cents), so that sums are exact.
"""

from patronage.science.equity.bridge import (
    MOVEMENTS,
    BridgeLines,
    GroupedLines,
    Levels,
    bridge,
    sum_by,
)
from patronage.science.equity.customer_return import ReturnOnCustomer, return_on_customer
from patronage.science.equity.errors import EquityError, InvalidFigures
from patronage.science.equity.rounding import round_half_even_minor
from patronage.science.equity.valuation import CustomerValue, customer_value

__all__ = [
    "MOVEMENTS",
    "BridgeLines",
    "CustomerValue",
    "EquityError",
    "GroupedLines",
    "InvalidFigures",
    "Levels",
    "ReturnOnCustomer",
    "bridge",
    "customer_value",
    "return_on_customer",
    "round_half_even_minor",
    "sum_by",
]
