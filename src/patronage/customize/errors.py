"""What can go wrong with offers, rulings and decisions, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from patronage.access.errors import Refused


class OfferRefused(Refused):
    """A proposal cannot be kept as it stands; nothing of the batch was."""

    def __init__(self, *, ref: str, reason: str) -> None:
        super().__init__(f"Offer {ref!r}: {reason}")
        self.ref = ref


class RulingRefused(Refused):
    """A ruling's effect, reason or adaptation cannot be used."""


class OptionsRefused(Refused):
    """A set of options was not offered so, or does not go together."""


class NotValued(Refused):
    """Decisions rest on a valuation as of the same date."""

    def __init__(self, *, as_of: date) -> None:
        super().__init__(
            f"Nobody is valued as of {as_of}, and decisions rest on values. "
            "Value the customers as of that date first."
        )


class DateNotOver(Refused):
    """The date has not ended yet, so what is known as of it could still change."""

    def __init__(self, *, as_of: date) -> None:
        super().__init__(
            f"{as_of} has not ended yet in the company's time zone. Choose a date that is over."
        )


class NoOffers(Refused):
    """There is nothing to decide between."""

    def __init__(self, *, as_of: date) -> None:
        super().__init__(
            f"No offer is open at the end of {as_of}. Propose offers that are valid then."
        )


class BaseMoved(Refused):
    """What a plan rested on changed again and again while it was being written."""

    def __init__(self, *, tries: int) -> None:
        super().__init__(
            f"Contacts, consents, rulings or the budget changed during each of {tries} tries to "
            "write the decisions; nothing was written. Run the decisions again."
        )


class BudgetSpent(Refused):
    """The period's budget does not hold what was to be reserved."""

    def __init__(self, *, period: str, wanted_minor: int) -> None:
        super().__init__(
            f"The budget of {period} does not hold {wanted_minor} minor units any more. "
            "Nothing was written; decide again with what is left."
        )


class NotPriced(Refused):
    """A draft of rules cannot be priced yet, or not in this way."""


class NotDecided(Refused):
    """The request for a decision cannot be understood."""


class UnknownChannel(NotDecided):
    """The channel is none of the company's."""

    def __init__(self, *, channel: str, known: Sequence[str]) -> None:
        super().__init__(f"{channel!r} is none of the channels ({', '.join(known)}). Use one.")
