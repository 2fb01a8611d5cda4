"""What may be done about who is in charge: set up portfolios, appoint, hand over, stand in."""

from patronage.govern.actions.accountability import appoint, set_up_portfolios
from patronage.govern.actions.covers import arrange_cover, end_cover
from patronage.govern.actions.hand_overs import HandOver, digest_of, hand_over
from patronage.govern.actions.policies import (
    Drafted,
    change_draft,
    discard_draft,
    draft_policy,
    publish_policy,
    roll_back,
)
from patronage.govern.actions.rule_texts import NewRule, RuleFinding, checked_rules, findings_of

__all__ = [
    "Drafted",
    "HandOver",
    "NewRule",
    "RuleFinding",
    "appoint",
    "arrange_cover",
    "change_draft",
    "checked_rules",
    "digest_of",
    "discard_draft",
    "draft_policy",
    "end_cover",
    "findings_of",
    "hand_over",
    "publish_policy",
    "roll_back",
    "set_up_portfolios",
]
