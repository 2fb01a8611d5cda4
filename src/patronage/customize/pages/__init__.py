"""The gate, the offers of their owners, and decisions explained."""

from patronage.customize.pages.decisions import decision
from patronage.customize.pages.gate import gate
from patronage.customize.pages.offers import offer, offers, withdraw
from patronage.customize.pages.proposals import condition, propose
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
from patronage.customize.pages.rulings import preview, ruling

__all__ = [
    "condition",
    "decision",
    "gate",
    "offer",
    "offers",
    "preview",
    "propose",
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
    "withdraw",
]
