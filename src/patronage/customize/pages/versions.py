"""In what does a version of an offer differ from the one before, in the reader's words?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patronage.customize.models import Offer
from patronage.customize.versions import differences
from patronage.vocabulary.money import Money, currency_decimals

_WORDS: Final[Mapping[str, Promise]] = {
    "name": gettext_lazy("Name"),
    "description": gettext_lazy("In a sentence"),
    "category": gettext_lazy("Product category"),
    "department": gettext_lazy("Department"),
    "need": gettext_lazy("Need it answers"),
    "face_value_minor": gettext_lazy("Saves the customer"),
    "redemption_cost_minor": gettext_lazy("Costs us when used"),
    "eligibility": gettext_lazy("For whom"),
    "options": gettext_lazy("Options"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that a version changes."""

    what: str
    before: str
    after: str


def differences_in_words(offer: Offer, titles: Mapping[str, str]) -> list[Difference]:
    """What changed since the version before, a line each; nothing for a first version."""
    return [
        Difference(
            what=str(_WORDS.get(name, titles.get(name, name))),
            before=_said(name, before, offer),
            after=_said(name, after, offer),
        )
        for name, before, after in differences(offer)
    ]


def _said(name: str, value: Any, offer: Offer) -> str:
    if name.endswith("_minor"):
        amount = Money(value, offer.currency).major
        return f"{amount:.{currency_decimals(offer.currency)}f} {offer.currency}"
    if not value:
        return _("everybody") if name == "eligibility" else _("nothing")
    return ", ".join(value) if isinstance(value, list) else str(value)
