"""What screens, the API and jobs may see of who is in charge of whom."""

from patronage.govern.reads.boundaries import (
    BoundaryRow,
    Touched,
    boundaries,
    touched,
)
from patronage.govern.reads.charge import (
    InCharge,
    MembershipRow,
    history_of,
    manager_of,
    managers_at,
    memberships_at,
    memberships_between,
)
from patronage.govern.reads.covers import CoverRow, covers, deputies_of, possible_deputies
from patronage.govern.reads.customers import Page, Row, page
from patronage.govern.reads.levers import (
    GrantRow,
    MyLevers,
    UseRow,
    grants,
    lever_uses,
    my_levers,
    possible_delegates,
)
from patronage.govern.reads.policies import (
    PolicyRow,
    RuleRow,
    changeable,
    next_rule_end,
    policies_at,
    policy_version,
    policy_versions,
    rules_in_force,
)
from patronage.govern.reads.portfolios import (
    PortfolioInCharge,
    PortfolioSummary,
    hand_over_targets,
    my_portfolios,
    portfolio_summary,
)
from patronage.govern.reads.terms import CustomerTerms, TermsReason, terms

__all__ = [
    "BoundaryRow",
    "CoverRow",
    "CustomerTerms",
    "GrantRow",
    "InCharge",
    "MembershipRow",
    "MyLevers",
    "Page",
    "PolicyRow",
    "PortfolioInCharge",
    "PortfolioSummary",
    "Row",
    "RuleRow",
    "TermsReason",
    "Touched",
    "UseRow",
    "boundaries",
    "changeable",
    "covers",
    "deputies_of",
    "grants",
    "hand_over_targets",
    "history_of",
    "lever_uses",
    "manager_of",
    "managers_at",
    "memberships_at",
    "memberships_between",
    "my_levers",
    "my_portfolios",
    "next_rule_end",
    "page",
    "policies_at",
    "policy_version",
    "policy_versions",
    "portfolio_summary",
    "possible_delegates",
    "possible_deputies",
    "rules_in_force",
    "terms",
    "touched",
]
