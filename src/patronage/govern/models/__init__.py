"""The tables of who is in charge of whom, and by what right."""

from patronage.govern.models.cover import Cover
from patronage.govern.models.policies import CatalogSnapshot, PolicyVersion, Rule
from patronage.govern.models.portfolios import Accountability, Membership, Portfolio, Standing

__all__ = [
    "Accountability",
    "CatalogSnapshot",
    "Cover",
    "Membership",
    "PolicyVersion",
    "Portfolio",
    "Rule",
    "Standing",
]
