"""What may a ruling make of an offer? Each change is checked against what its owner proposed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from django.utils.translation import gettext as _

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
        raise RulingRefused(
            _("%(effect).40r is no effect. Use %(effects)s.")
            % {"effect": effect, "effects": ", ".join(EFFECTS)}
        )
    if effect != "adapt":
        if adaptation:
            raise RulingRefused(
                _("To %(effect)s an offer is not to change it: leave the changes out.")
                % {"effect": effect}
            )
        return Terms(effect=effect)
    if not adaptation:
        raise RulingRefused(
            _("Say what is adapted: %(adaptable)s.") % {"adaptable": ", ".join(ADAPTABLE)}
        )
    unknown = sorted(set(adaptation) - set(ADAPTABLE))
    if unknown:
        raise RulingRefused(
            _("%(unknown).60r cannot be adapted. Change %(adaptable)s.")
            % {"unknown": unknown[0], "adaptable": ", ".join(ADAPTABLE)}
        )
    for name, check in _CHECKS.items():
        if name in adaptation:
            check(offer, adaptation[name])
    return Terms.of(effect, adaptation)


def _check_face_value(offer: Offer, value: object) -> None:
    if type(value) is not int or not 0 <= value <= offer.face_value_minor:
        raise RulingRefused(
            _(
                "The saving is a whole number of minor units from 0 to %(face_value_minor)s, "
                "which the owner proposed; found %(value).40r."
            )
            % {"face_value_minor": offer.face_value_minor, "value": value}
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
            _(
                "Name some of the offer's channels (%(there)s), each once; found %(value).80r. "
                "To stop all of them, block the offer."
            )
            % {"there": ", ".join(there), "value": value}
        )


def _check_wording(_offer: Offer, value: object) -> None:
    if (
        not isinstance(value, str)
        or not 0 < len(value.strip()) <= LONGEST_WORDING
        or "\x00" in value
    ):
        raise RulingRefused(
            _("The wording has 1 to %(longest_wording)s characters.")
            % {"longest_wording": LONGEST_WORDING}
        )


def _check_not_before(offer: Offer, value: object) -> None:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None or day.isoformat() != value:
        raise RulingRefused(
            _("`not_before` is a date such as 2017-10-15, found %(value).40r.") % {"value": value}
        )
    end = offer.valid_until
    zone = current().company.zone()
    if end is not None and day > end.astimezone(zone).date():
        raise RulingRefused(
            _("The offer ends on %(end)s, before %(day)s.")
            % {"end": f"{end.astimezone(zone):%Y-%m-%d}", "day": day}
        )


def _check_options(offer: Offer, value: object) -> None:
    options = read_options(offer.options)
    names = [each.name for each in options]
    if not isinstance(value, list) or any(each not in names for each in value):
        raise RulingRefused(
            _("Name the offer's options to keep (%(names)s); found %(value).80r.")
            % {"names": ", ".join(names) or _("it has none"), "value": value}
        )
    wrong = kept_wrong(options, value)
    if wrong is not None:
        raise RulingRefused(
            _("These options cannot be kept without the others: %(wrong)s") % {"wrong": wrong}
        )


_CHECKS: Final = {
    "options": _check_options,
    "face_value_minor": _check_face_value,
    "channels": _check_channels,
    "wording": _check_wording,
    "not_before": _check_not_before,
}
