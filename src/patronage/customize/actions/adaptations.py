"""What may a ruling make of an offer? Each change is checked against what its owner proposed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from patronage.access.company import current
from patronage.customize.actions.offers import LONGEST_WORDING
from patronage.customize.errors import RulingRefused
from patronage.customize.models import Offer
from patronage.customize.options import kept_wrong, read_options
from patronage.customize.terms import Terms

EFFECTS: Final = ("allow", "adapt", "block")
ADAPTABLE: Final = ("face_value_minor", "channels", "wording", "not_before", "options")


def checked_terms(offer: Offer, effect: str, adaptation: Mapping[str, Any]) -> Terms:
    if effect not in EFFECTS:
        raise RulingRefused(f"{effect!r:.40} is no effect. Use {', '.join(EFFECTS)}.")
    if effect != "adapt":
        if adaptation:
            raise RulingRefused(f"To {effect} an offer is not to change it: leave the changes out.")
        return Terms(effect=effect)
    if not adaptation:
        raise RulingRefused(f"Say what is adapted: {', '.join(ADAPTABLE)}.")
    unknown = sorted(set(adaptation) - set(ADAPTABLE))
    if unknown:
        raise RulingRefused(f"{unknown[0]!r:.60} cannot be adapted. Change {', '.join(ADAPTABLE)}.")
    for name, check in _CHECKS.items():
        if name in adaptation:
            check(offer, adaptation[name])
    return Terms.of(effect, adaptation)


def _check_face_value(offer: Offer, value: object) -> None:
    if type(value) is not int or not 0 <= value <= offer.face_value_minor:
        raise RulingRefused(
            f"The saving is a whole number of minor units from 0 to {offer.face_value_minor}, "
            f"which the owner proposed; found {value!r:.40}."
        )


def _check_channels(offer: Offer, value: object) -> None:
    there = sorted(offer.treatments.values_list("channel", flat=True))
    if (
        not isinstance(value, list)
        or not value
        or any(each not in there for each in value)
        or len(set(value)) < len(value)
    ):
        raise RulingRefused(
            f"Name some of the offer's channels ({', '.join(there)}), each once; "
            f"found {value!r:.80}. To stop all of them, block the offer."
        )


def _check_wording(_offer: Offer, value: object) -> None:
    if (
        not isinstance(value, str)
        or not 0 < len(value.strip()) <= LONGEST_WORDING
        or "\x00" in value
    ):
        raise RulingRefused(f"The wording has 1 to {LONGEST_WORDING} characters.")


def _check_not_before(offer: Offer, value: object) -> None:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None or day.isoformat() != value:
        raise RulingRefused(f"`not_before` is a date such as 2017-10-15, found {value!r:.40}.")
    end = offer.valid_until
    zone = current().company.zone()
    if end is not None and day > end.astimezone(zone).date():
        raise RulingRefused(f"The offer ends on {end.astimezone(zone):%Y-%m-%d}, before {day}.")


def _check_options(offer: Offer, value: object) -> None:
    options = read_options(offer.options)
    names = [each.name for each in options]
    if not isinstance(value, list) or any(each not in names for each in value):
        raise RulingRefused(
            f"Name the offer's options to keep ({', '.join(names) or 'it has none'}); "
            f"found {value!r:.80}."
        )
    wrong = kept_wrong(options, value)
    if wrong is not None:
        raise RulingRefused(f"These options cannot be kept without the others: {wrong}")


_CHECKS: Final = {
    "options": _check_options,
    "face_value_minor": _check_face_value,
    "channels": _check_channels,
    "wording": _check_wording,
    "not_before": _check_not_before,
}
