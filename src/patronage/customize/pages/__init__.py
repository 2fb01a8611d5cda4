"""The gate, the offers of their owners, and decisions explained."""

from patronage.customize.pages.decisions import decision
from patronage.customize.pages.gate import gate
from patronage.customize.pages.offers import offer, offers, sales_target, withdraw
from patronage.customize.pages.proposals import condition, propose, resubmit
from patronage.customize.pages.rule_rows import rules_rows
from patronage.customize.pages.rules import (
    rules,
    rules_check,
    rules_discard,
    rules_edit,
    rules_new,
    rules_price,
    rules_publish,
    rules_roll_back,
    rules_version,
)
from patronage.customize.pages.rulings import answer, preview, ruling, take_back

__all__ = [
    "answer",
    "condition",
    "decision",
    "gate",
    "offer",
    "offers",
    "preview",
    "propose",
    "resubmit",
    "rules",
    "rules_check",
    "rules_discard",
    "rules_edit",
    "rules_new",
    "rules_price",
    "rules_publish",
    "rules_roll_back",
    "rules_rows",
    "rules_version",
    "ruling",
    "sales_target",
    "take_back",
    "withdraw",
]
