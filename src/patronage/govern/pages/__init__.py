"""The pages on portfolios: whom one is in charge of, handing over, who holds what value."""

from patronage.govern.pages.assignment import assignment, assignment_csv
from patronage.govern.pages.cover import cover, cover_end
from patronage.govern.pages.customers import portfolio
from patronage.govern.pages.hand_over import hand_over
from patronage.govern.pages.overview import portfolios

__all__ = [
    "assignment",
    "assignment_csv",
    "cover",
    "cover_end",
    "hand_over",
    "portfolio",
    "portfolios",
]
