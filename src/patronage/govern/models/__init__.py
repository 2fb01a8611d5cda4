"""The tables of who is in charge of whom, and by what right."""

from patronage.govern.models.accounts import (
    Account,
    AccountDelegation,
    AccountMember,
    AccountPlace,
)
from patronage.govern.models.boundaries import Boundary, Capacity
from patronage.govern.models.conflicts import Claim, Conflict, ConflictRuling
from patronage.govern.models.cover import Cover
from patronage.govern.models.levers import Grant, LeverRuling, LeverUse
from patronage.govern.models.policies import CatalogSnapshot, PolicyVersion, Rule
from patronage.govern.models.portfolios import (
    Accountability,
    Membership,
    Portfolio,
    Standing,
    StandingAside,
)
from patronage.govern.models.prices import ListPrice
from patronage.govern.models.service import FenceChange, ServiceTierChange, ServiceTierOverride

__all__ = [
    "Account",
    "AccountDelegation",
    "AccountMember",
    "AccountPlace",
    "Accountability",
    "Boundary",
    "Capacity",
    "CatalogSnapshot",
    "Claim",
    "Conflict",
    "ConflictRuling",
    "Cover",
    "FenceChange",
    "Grant",
    "LeverRuling",
    "LeverUse",
    "ListPrice",
    "Membership",
    "PolicyVersion",
    "Portfolio",
    "Rule",
    "ServiceTierChange",
    "ServiceTierOverride",
    "Standing",
    "StandingAside",
]
