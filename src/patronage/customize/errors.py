"""What can go wrong with offers, rulings and decisions, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.utils.translation import gettext as _

from patronage.access.errors import Refused


class OfferRefused(Refused):
    """A proposal cannot be kept as it stands; nothing of the batch was."""

    def __init__(self, *, ref: str, reason: str) -> None:
        super().__init__(_("Offer %(ref)r: %(reason)s") % {"ref": ref, "reason": reason})
        self.ref = ref


class RulingRefused(Refused):
    """A ruling's effect, reason or adaptation cannot be used."""


class OptionsRefused(Refused):
    """A set of options was not offered so, or does not go together."""


class NotValued(Refused):
    """Decisions rest on a valuation as of the same date."""

    def __init__(self, *, as_of: date) -> None:
        super().__init__(
            _(
                "Nobody is valued as of %(as_of)s, and decisions rest on values. Value the "
                "customers as of that date first."
            )
            % {"as_of": as_of}
        )


class DateNotOver(Refused):
    """The date has not ended yet, so what is known as of it could still change."""

    def __init__(self, *, as_of: date) -> None:
        super().__init__(
            _("%(as_of)s has not ended yet in the company's time zone. Choose a date that is over.")
            % {"as_of": as_of}
        )


class NoOffers(Refused):
    """There is nothing to decide between."""

    def __init__(self, *, as_of: date) -> None:
        super().__init__(
            _("No offer is open at the end of %(as_of)s. Propose offers that are valid then.")
            % {"as_of": as_of}
        )


class BaseMoved(Refused):
    """What a plan rested on changed again and again while it was being written."""

    def __init__(self, *, tries: int) -> None:
        super().__init__(
            _(
                "Contacts, consents, rulings or the budget changed during each of %(tries)s "
                "tries to write the decisions; nothing was written. Run the decisions again."
            )
            % {"tries": tries}
        )


class BudgetSpent(Refused):
    """The period's budget does not hold what was to be reserved."""

    def __init__(self, *, period: str, wanted_minor: int) -> None:
        super().__init__(
            _(
                "The budget of %(period)s does not hold %(wanted_minor)s minor units any more. "
                "Nothing was written; decide again with what is left."
            )
            % {"period": period, "wanted_minor": wanted_minor}
        )


class NotPriced(Refused):
    """A draft of rules cannot be priced yet, or not in this way."""


class NotDecided(Refused):
    """The request for a decision cannot be understood."""


class UnknownChannel(NotDecided):
    """The channel is none of the company's."""

    def __init__(self, *, channel: str, known: Sequence[str]) -> None:
        super().__init__(
            _("%(channel)r is none of the channels (%(known)s). Use one.")
            % {"channel": channel, "known": ", ".join(known)}
        )
