"""What screens, the API and jobs may see of who is in charge of whom."""

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

__all__ = [
    "CoverRow",
    "InCharge",
    "MembershipRow",
    "Page",
    "PolicyRow",
    "PortfolioInCharge",
    "PortfolioSummary",
    "Row",
    "RuleRow",
    "changeable",
    "covers",
    "deputies_of",
    "hand_over_targets",
    "history_of",
    "manager_of",
    "managers_at",
    "memberships_at",
    "memberships_between",
    "my_portfolios",
    "next_rule_end",
    "page",
    "policies_at",
    "policy_version",
    "policy_versions",
    "portfolio_summary",
    "possible_deputies",
    "rules_in_force",
]
