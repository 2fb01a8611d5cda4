"""How are objectives, tiers, needs and quarters written on the pages of value?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from patronage.differentiate.reads.customer_base import FROM_THE_START
from patronage.vocabulary.company import Company

OBJECTIVE_WORDS: Final[Mapping[str, Promise]] = {
    "retain": _("Retain"),
    "grow": _("Grow"),
    "convert": _("Convert"),
    "exit": _("Exit"),
    "acquire": _("Acquire"),
}


def objective_words(objective: str) -> str:
    """The objective as people call it."""
    return str(OBJECTIVE_WORDS.get(objective, objective))


def need_words(company: Company | None, need: str) -> str:
    """The need's title; the empty one is not known."""
    if not need:
        return gettext("Not known")
    titles = {each.name: each.title for each in company.needs} if company else {}
    return titles.get(need, need)


def years_words(horizon_days: int) -> str:
    """The horizon of long-term value in years, such as "3" or "1.5"."""
    return f"{horizon_days / 365:.2g}"


def quarter_words(quarter: str) -> str:
    """ "2017-Q1" as people write it."""
    year, _dash, number = quarter.partition("-Q")
    return gettext("Q%(number)s %(year)s") % {"number": number, "year": year}


def cohort_words(cohort: str) -> str:
    """The quarter of a cohort's first purchase as people write it."""
    return gettext("There from the start") if cohort == FROM_THE_START else quarter_words(cohort)
