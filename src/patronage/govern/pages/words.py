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


def needs_of(company: Company | None) -> list[tuple[str, str]]:
    """The needs that the company declares, with their titles."""
    return [(need.name, need.title) for need in company.needs] if company else []


def years_of(company: Company | None) -> str:
    """The horizon of long-term value in years, such as "3" or "1.5"."""
    return f"{(company.horizon_days if company else 1095) / 365:.2g}"
