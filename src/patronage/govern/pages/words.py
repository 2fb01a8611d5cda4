"""How are objectives, tiers and needs written on the pages of portfolios?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from patronage.vocabulary.company import Company

OBJECTIVES: Final[Mapping[str, Promise]] = {
    "retain": _("Retain"),
    "grow": _("Grow"),
    "convert": _("Convert"),
    "exit": _("Exit"),
    "acquire": _("Acquire"),
}


def objective_words(objective: str) -> str:
    """The objective as people call it; the empty one is not known yet."""
    return str(OBJECTIVES.get(objective, objective))


def objectives_of(company: Company | None) -> list[tuple[str, str]]:
    """The objectives that the company declares, with their words, each once."""
    declared = [rule.objective for rule in company.objectives] if company else []
    return [(name, objective_words(name)) for name in dict.fromkeys(declared)]


def tiers_of(company: Company | None) -> list[tuple[str, str]]:
    """The tiers that the company declares, most valuable first."""
    return [(tier.name, tier.name.capitalize()) for tier in company.tiers] if company else []


def service_tiers_of(company: Company | None) -> list[tuple[str, str]]:
    """The service tiers that the company declares, the most served first, with their titles."""
    return [(tier.name, tier.title) for tier in company.service_tiers] if company else []


def needs_of(company: Company | None) -> list[tuple[str, str]]:
    """The needs that the company declares, with their titles."""
    return [(need.name, need.title) for need in company.needs] if company else []


def years_of(company: Company | None) -> str:
    """The horizon of long-term value in years, such as "3" or "1.5"."""
    return f"{(company.horizon_days if company else 1095) / 365:.2g}"


LEVER_WORDS: Final[Mapping[str, Promise]] = {
    "price": _("Change of price"),
    "discount": _("Discount"),
    "premium": _("Premium"),
    "message": _("Message"),
    "channel": _("Channel"),
    "frequency": _("Further contact"),
    "service_level": _("Service level"),
    "goodwill": _("Goodwill gesture"),
    "offer": _("Offer"),
}
PER_WORDS: Final[Mapping[str, Promise]] = {
    "use": _("each time"),
    "customer_quarter": _("a customer and quarter"),
    "quarter": _("a quarter"),
    "all": _("in all"),
}
ROLE_WORDS: Final[Mapping[str, Promise]] = {
    "agent": _("Agents"),
    "complaint_handler": _("Complaint handlers"),
}
BOUNDARY_WORDS: Final[Mapping[str, Promise]] = {
    "price_floor": _("Price no lower than"),
    "discount_cap": _("Discount no more than"),
    "premium_cap": _("Premium no more than"),
    "goodwill_cap": _("Goodwill no more than"),
    "contact_cap": _("Further contacts no more than"),
    "protected": _("Protected: no marketing, no premium"),
    "availability": _("Not to be had"),
    "capacity": _("Stock or capacity no more than"),
    "law": _("Forbidden: no lever, no offer"),
    "conflict": _("Conflicts ruled on within"),
}
SOURCE_WORDS: Final[Mapping[str, Promise]] = {
    "law": _("Law"),
    "contract": _("Contract"),
    "board": _("Board"),
}
