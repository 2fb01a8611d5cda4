"""What screens, the API and jobs may see of offers, rulings, decisions and contacts."""

from patronage.customize.reads.audited import decisions_about
from patronage.customize.reads.decisions import (
    DecisionView,
    NextBestAction,
    contacts_of,
    decision,
    decision_runs,
    named_rulings,
    next_best_action,
)
from patronage.customize.reads.gate import GateRow, gate
from patronage.customize.reads.offers import (
    OfferInPortfolio,
    OfferView,
    ReasonCount,
    my_offer,
    my_offers,
    offer,
    offer_funnel,
    offers,
)
from patronage.customize.reads.price_tags import PastTag, PriceTagRow, past_tags, price_tags
from patronage.customize.reads.rulings import RulingView, offer_rulings, rulings
from patronage.customize.reads.targets import TeamTarget, sales_targets

__all__ = [
    "DecisionView",
    "GateRow",
    "NextBestAction",
    "OfferInPortfolio",
    "OfferView",
    "PastTag",
    "PriceTagRow",
    "ReasonCount",
    "RulingView",
    "TeamTarget",
    "contacts_of",
    "decision",
    "decision_runs",
    "decisions_about",
    "gate",
    "my_offer",
    "my_offers",
    "named_rulings",
    "next_best_action",
    "offer",
    "offer_funnel",
    "offer_rulings",
    "offers",
    "past_tags",
    "price_tags",
    "rulings",
    "sales_targets",
]
