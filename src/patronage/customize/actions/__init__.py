"""What may be done here: propose offers, rule on them, decide for a customer."""

from patronage.customize.actions.answers import answer_ruling
from patronage.customize.actions.decisions import DecisionAnswer, OfferedTreatment, decide_now
from patronage.customize.actions.falling import fall_to_default
from patronage.customize.actions.offers import (
    Proposal,
    Wording,
    complete_rulings,
    create_team,
    propose_offers,
    withdraw_offer,
)
from patronage.customize.actions.option_choices import PricedOptions, price_options
from patronage.customize.actions.price_tags import price_policy
from patronage.customize.actions.rulings import (
    REASONS,
    RulingPreview,
    preview_ruling,
    rule,
    take_back_ruling,
)
from patronage.customize.actions.targets import set_sales_target
from patronage.customize.actions.versions import next_reference, resubmit_offer

__all__ = [
    "REASONS",
    "DecisionAnswer",
    "OfferedTreatment",
    "PricedOptions",
    "Proposal",
    "RulingPreview",
    "Wording",
    "answer_ruling",
    "complete_rulings",
    "create_team",
    "decide_now",
    "fall_to_default",
    "next_reference",
    "preview_ruling",
    "price_options",
    "price_policy",
    "propose_offers",
    "resubmit_offer",
    "rule",
    "set_sales_target",
    "take_back_ruling",
    "withdraw_offer",
]
