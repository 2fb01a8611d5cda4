"""The pages on portfolios: whom one is in charge of, handing over, who holds what value."""

from patronage.govern.pages.accounts import account, accounts, appoint
from patronage.govern.pages.accounts import delegate as delegate_account
from patronage.govern.pages.accounts import end_delegation as end_account_delegation
from patronage.govern.pages.accounts import join as join_account
from patronage.govern.pages.accounts import leave as leave_account
from patronage.govern.pages.accounts import move as move_account
from patronage.govern.pages.assignment import assignment, assignment_csv
from patronage.govern.pages.boundaries import boundaries, boundary_lift, boundary_preview
from patronage.govern.pages.conflicts import (
    claim,
    conflict,
    conflicts,
    rule_on_conflict,
    withdraw_claim,
)
from patronage.govern.pages.cover import cover, cover_end
from patronage.govern.pages.customers import portfolio
from patronage.govern.pages.fence import fence, fence_context, set_fence
from patronage.govern.pages.hand_over import hand_over
from patronage.govern.pages.levers import (
    delegate,
    end_grant,
    grant,
    my_levers,
    pull,
    rule_on_use,
    terms,
)
from patronage.govern.pages.overview import portfolios
from patronage.govern.pages.service_tiers import (
    revoke_service_tier,
    service_tier_context,
    set_service_tier,
)

__all__ = [
    "account",
    "accounts",
    "appoint",
    "assignment",
    "assignment_csv",
    "boundaries",
    "boundary_lift",
    "boundary_preview",
    "claim",
    "conflict",
    "conflicts",
    "cover",
    "cover_end",
    "delegate",
    "delegate_account",
    "end_account_delegation",
    "end_grant",
    "fence",
    "fence_context",
    "grant",
    "hand_over",
    "join_account",
    "leave_account",
    "move_account",
    "my_levers",
    "portfolio",
    "portfolios",
    "pull",
    "revoke_service_tier",
    "rule_on_conflict",
    "rule_on_use",
    "service_tier_context",
    "set_fence",
    "set_service_tier",
    "terms",
    "withdraw_claim",
]
