"""Valuations, the worth of the base, profit and loss, needs and models as REST resources.

Every answer is a record of the reads: its schema is made from it, so that both say the same.
"""

from patronage.differentiate.api import (  # noqa: F401
    audit,
    backtests,
    customers,
    ledger,
    models,
    profit,
    rankings,
    steering,
    valuations,
    value,
)
from patronage.differentiate.api.router import router

__all__ = ["router"]
