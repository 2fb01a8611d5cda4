"""What does the form of a ruling say: what is changed, for whom, until when, and is it tested?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from patronage.access.days import day_typed_or_none
from patronage.access.requests import CallerRequest
from patronage.customize.errors import RulingRefused
from patronage.customize.models import Offer, Treatment
from patronage.customize.pages.gate import channel_titles
from patronage.vocabulary.company import Company
from patronage.vocabulary.money import Money, MoneyError, currency_decimals
from patronage.vocabulary.periods import BusinessCalendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that a ruling changes about an offer."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A channel that the offer can go out in."""

    name: str
    title: str
    wording: str
    is_on: bool


def asked_of(posted: QueryDict, effect: str, offer: Offer) -> dict[str, Any]:
    """What the form rules, as the action takes it, but for its end."""
    share = posted.get("test_share", "").strip() if effect == "block" else ""
    return {
        "effect": effect,
        "adaptation": adaptation_of(posted, offer) if effect == "adapt" else {},
        "when": posted.get("when", "").strip(),
        "customer_id": posted.get("customer", "").strip()[:40] or None,
        "test_share": _percent(share) if share else 0.0,
    }


def _percent(text: str) -> float:
    try:
        return float(text) / 100.0
    except ValueError as error:
        raise RulingRefused(
            _("The test share is a number of percent such as 2; found %(text)s.")
            % {"text": text[:40]}
        ) from error


def end_of(posted: QueryDict, company: Company) -> datetime | None:
    """The instant at which the last day that the form names is over; None: no end."""
    day = day_typed_or_none(posted.get("until", ""))
    return None if day is None else BusinessCalendar(company.time_zone).end_of_day(day)


def adaptation_of(posted: QueryDict, offer: Offer) -> dict[str, Any]:
    """What the form changes about the offer as proposed; what is left as it was is no change."""
    changed: dict[str, Any] = {}
    face_value = posted.get("face_value", "").strip()
    if face_value:
        minor = _minor(face_value, offer.currency)
        if minor != offer.face_value_minor:
            changed["face_value_minor"] = minor
    there = sorted(offer.treatments.values_list("channel", flat=True))
    chosen = sorted(posted.getlist("channels"))
    if chosen != there:
        changed["channels"] = chosen
    names = [each["name"] for each in offer.options]
    options = [each for each in names if each in posted.getlist("options")]
    if "options_shown" in posted and options != names:
        changed["options"] = options
    wording = posted.get("wording", "").strip()
    if wording:
        changed["wording"] = wording
    day = posted.get("not_before", "").strip()
    if day:
        changed["not_before"] = day
    return changed


def _minor(text: str, currency: str) -> int:
    try:
        return Money.typed(text, currency).minor
    except MoneyError as error:
        raise RulingRefused(
            _("The saving is an amount such as 1.50; found %(text)s.") % {"text": text[:40]}
        ) from error


def amount_of(minor: int, offer: Offer) -> str:
    return f"{Money(minor, offer.currency).major:.{currency_decimals(offer.currency)}f}"


def choices_of(
    request: CallerRequest, treatments: Sequence[Treatment], kept: Sequence[str] | None
) -> list[Choice]:
    titles = channel_titles(request)
    return [
        Choice(
            name=each.channel,
            title=titles.get(each.channel, each.channel),
            wording=each.wording,
            is_on=kept is None or each.channel in kept,
        )
        for each in treatments
    ]


def changes_of(
    request: CallerRequest,
    offer: Offer,
    treatments: Sequence[Treatment],
    adaptation: Mapping[str, Any],
) -> list[Change]:
    """Before and after, one line for each thing changed."""
    changes: list[Change] = []
    if "face_value_minor" in adaptation:
        before, after = (
            f"{amount_of(each, offer)} {offer.currency}"
            for each in (offer.face_value_minor, adaptation["face_value_minor"])
        )
        changes.append(Change(what=_("Saving"), before=before, after=after))
    if "channels" in adaptation:
        titles = channel_titles(request)
        before, after = (
            ", ".join(titles.get(name, name) for name in names)
            for names in ([each.channel for each in treatments], adaptation["channels"])
        )
        changes.append(Change(what=_("Channels"), before=before, after=after))
    if "options" in adaptation:
        before, after = (
            ", ".join(names) or _("none")
            for names in ([each["name"] for each in offer.options], adaptation["options"])
        )
        changes.append(Change(what=_("Options"), before=before, after=after))
    if "wording" in adaptation:
        said = " · ".join(dict.fromkeys(each.wording for each in treatments))
        changes.append(Change(what=_("Wording"), before=said, after=adaptation["wording"]))
    if "not_before" in adaptation:
        changes.append(
            Change(what=_("Goes out"), before=_("at once"), after=_not_before(adaptation))
        )
    return changes


def _not_before(adaptation: Mapping[str, Any]) -> str:
    return _("not before %(day)s") % {"day": adaptation["not_before"]}
