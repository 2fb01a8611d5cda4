"""What may be done here: propose offers, rule on them, decide for a customer."""

from patronage.customize.actions.decisions import DecisionAnswer, OfferedTreatment, decide_now
from patronage.customize.actions.offers import (
    Proposal,
    Wording,
    complete_rulings,
    create_team,
    propose_offers,
    withdraw_offer,
)
from patronage.customize.actions.price_tags import price_policy
from patronage.customize.actions.rulings import REASONS, RulingPreview, preview_ruling, rule

__all__ = [
    "REASONS",
    "DecisionAnswer",
    "OfferedTreatment",
    "Proposal",
    "RulingPreview",
    "Wording",
    "complete_rulings",
    "create_team",
    "decide_now",
    "preview_ruling",
    "price_policy",
    "propose_offers",
    "rule",
    "withdraw_offer",
]
