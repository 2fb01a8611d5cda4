"""What may be done about who is in charge: set up portfolios, appoint, hand over, stand in."""

from patronage.govern.actions.accountability import appoint, set_up_portfolios
from patronage.govern.actions.accounts import (
    delegate_account,
    end_account_delegation,
    join_account,
    leave_account,
    move_account,
    open_account,
)
from patronage.govern.actions.boundaries import lift_boundary, set_boundary
from patronage.govern.actions.claims import NewEvidence, make_claim, withdraw_claim
from patronage.govern.actions.conflicts import rule_on_conflict
from patronage.govern.actions.covers import arrange_cover, end_cover
from patronage.govern.actions.fence import set_fence
from patronage.govern.actions.grants import delegate_lever, end_grant, grant_lever
from patronage.govern.actions.hand_overs import HandOver, digest_of, hand_over
from patronage.govern.actions.lever_uses import pull_lever, rule_on_lever
from patronage.govern.actions.policies import (
    Drafted,
    change_draft,
    discard_draft,
    draft_policy,
    publish_policy,
    roll_back,
)
from patronage.govern.actions.prices import tell_list_prices
from patronage.govern.actions.rule_texts import NewRule, RuleFinding, checked_rules, findings_of
from patronage.govern.actions.service_tiers import end_service_override, override_service_tier

__all__ = [
    "Drafted",
    "HandOver",
    "NewEvidence",
    "NewRule",
    "RuleFinding",
    "appoint",
    "arrange_cover",
    "change_draft",
    "checked_rules",
    "delegate_account",
    "delegate_lever",
    "digest_of",
    "discard_draft",
    "draft_policy",
    "end_account_delegation",
    "end_cover",
    "end_grant",
    "end_service_override",
    "findings_of",
    "grant_lever",
    "hand_over",
    "join_account",
    "leave_account",
    "lift_boundary",
    "make_claim",
    "move_account",
    "open_account",
    "override_service_tier",
    "publish_policy",
    "pull_lever",
    "roll_back",
    "rule_on_conflict",
    "rule_on_lever",
    "set_boundary",
    "set_fence",
    "set_up_portfolios",
    "tell_list_prices",
    "withdraw_claim",
]
