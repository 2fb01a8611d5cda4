"""A sentence with its parts, kept apart from its language: each reader reads it in their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _noop

from patronage.vocabulary.money import Money


@dataclass(frozen=True, slots=True)
class Said:
    """Words as they are asked for, and what stands in them."""

    #: a text for gettext with `%(name)s` for its parts
    text: str
    parts: Mapping[str, str | Said] = field(default_factory=dict)

    def __str__(self) -> str:
        return gettext(self.text) % {name: str(part) for name, part in self.parts.items()}

    def to_json(self) -> dict[str, Any]:
        """Give the stored form."""
        return {
            "text": self.text,
            "parts": {
                name: part if isinstance(part, str) else part.to_json()
                for name, part in self.parts.items()
            },
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Said:
        """Read what `to_json` gave."""
        parts = stored["parts"].items()
        return cls(
            stored["text"],
            {name: part if isinstance(part, str) else cls.from_json(part) for name, part in parts},
        )


#: what a limit is counted over
PER_WORDS: Final[dict[str, str]] = {
    "use": _noop("each time"),
    "customer_quarter": _noop("a customer and quarter"),
    "quarter": _noop("a quarter"),
    "all": _noop("in all"),
}
#: levers that change what a customer pays
OF_AN_AMOUNT: Final[dict[str, str]] = {
    "price": _noop("price change of %(amount)s"),
    "discount": _noop("discount of %(amount)s"),
    "premium": _noop("premium of %(amount)s"),
}


def said(amount: int, unit: str | None, currency: str = "") -> Said:
    """An amount with its unit, exactly."""
    if unit == "basis points":
        return Said("%(amount)s %%", {"amount": f"{amount / 100:g}"})
    if unit == "minor units" and currency:
        return Said("%(amount)s", {"amount": str(Money(amount, currency))})
    text = {"times": _noop("%(amount)s times"), "days": _noop("%(amount)s days")}.get(
        unit or "", _noop("%(amount)s minor units")
    )
    return Said(text, {"amount": str(amount)})
