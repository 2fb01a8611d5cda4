"""Rules as a form holds them: one card a rule, a blank card is no rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _

from patronage.access.asking import in_words
from patronage.access.company import current
from patronage.access.days import day_typed
from patronage.access.errors import Refused
from patronage.customize.pages.rule_rows import CATALOGS, text_of
from patronage.govern.actions import NewRule
from patronage.govern.errors import PolicyRefused, PolicyRuleRefused
from patronage.govern.reads import RuleRow
from patronage.vocabulary.money import Money, MoneyError, currency_decimals
from patronage.vocabulary.periods import BusinessCalendar
from patronage.vocabulary.predicates import PredicateError

#: Blank cards below the rules that are there.
_BLANK: Final = 2
_NAMES: Final = (
    "order",
    "name",
    "effect",
    "when",
    "when_rows",
    "offers",
    "offers_rows",
    "amount",
    "percent",
    "channels",
    "not_before",
    "service_tier",
    "route_to",
    "last_day",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One rule as its form shows it; every value is the text of a field."""

    place: int
    order: str
    name: str = ""
    effect: str = "block"
    when: str = ""
    #: what the condition builder holds, where it was used; it then counts and not the text
    when_rows: str = ""
    offers: str = ""
    offers_rows: str = ""
    #: for prefer, in the currency's units
    amount: str = ""
    #: for adapt
    percent: str = ""
    channels: str = ""
    not_before: str = ""
    service_tier: str = ""
    route_to: str = ""
    #: last day on which it counts
    last_day: str = ""


def cards_of(rules: tuple[RuleRow, ...]) -> list[Card]:
    """The cards of rules that are there, and blank ones."""
    company = current().company
    calendar = BusinessCalendar(company.time_zone)
    cards = [
        Card(
            place=each.position,
            order=str(each.position),
            name=each.name,
            effect=each.effect,
            when=each.when,
            offers=each.offers,
            amount=_amount_text(each.amount_minor, company.currency),
            percent=str(each.adaptation.get("face_value_percent", "")),
            channels=", ".join(each.adaptation.get("channels", [])),
            not_before=each.adaptation.get("not_before", ""),
            service_tier=each.service_tier,
            route_to=each.route_to,
            last_day=_day_before(each.valid_until, calendar),
        )
        for each in rules
    ]
    return [*cards, *blank_cards(len(cards))]


def blank_cards(there: int) -> list[Card]:
    """Cards for rules that are not written yet."""
    return [Card(place=place, order=str(place)) for place in range(there + 1, there + _BLANK + 1)]


def cards_sent(sent: QueryDict) -> list[Card]:
    """The cards as they came, blank ones among them."""
    columns = {name: sent.getlist(name) for name in _NAMES}
    count = len(columns["name"])
    if any(len(values) != count for values in columns.values()):
        raise PolicyRefused(_("The form is not complete. Load the page again."))
    return [
        Card(place=place + 1, **{name: columns[name][place] for name in _NAMES})
        for place in range(count)
    ]


def rules_sent(cards: list[Card]) -> list[NewRule]:
    """The rules that cards say, in the order of their numbers; blank cards are left out.

    Raises:
        PolicyRefused: a number, an amount, a day or a row of a condition cannot be read.
    """
    written = [
        each for each in cards if any(map(str.strip, (each.name, each.when, each.when_rows)))
    ]
    ordered = sorted(written, key=lambda each: (_number(each), each.place))
    return [_rule(each) for each in ordered]


def _rule(card: Card) -> NewRule:
    adaptation: dict[str, Any] = {}
    if card.effect == "adapt":
        if card.percent.strip():
            adaptation["face_value_percent"] = _whole(card, card.percent)
        if card.channels.strip():
            adaptation["channels"] = [
                one.strip() for one in card.channels.split(",") if one.strip()
            ]
        if card.not_before:
            adaptation["not_before"] = card.not_before
    name = card.name or _("rule %(place)s") % {"place": card.order}
    return NewRule(
        name=name,
        effect=card.effect,
        when=_condition(name, "when", card.when, card.when_rows) or "true",
        offers=_condition(name, "offers", card.offers, card.offers_rows),
        amount_minor=_amount(card) if card.effect == "prefer" and card.amount.strip() else None,
        adaptation=adaptation,
        service_tier=card.service_tier if card.effect == "service_tier" else "",
        route_to=card.route_to if card.effect == "route" else "",
        valid_until=_end(card),
    )


def _condition(rule: str, part: str, text: str, rows: str) -> str:
    """The condition as text, whether it was written or built."""
    if not rows:
        return text.strip()
    try:
        return text_of(rows, CATALOGS[part])
    except PredicateError as error:
        raise PolicyRuleRefused(rule=rule, part=part, reason=in_words(error)) from error


def _number(card: Card) -> int:
    return _whole(card, card.order) if card.order.strip() else card.place


def _whole(card: Card, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise PolicyRefused(
            _("Rule “%(name)s”: “%(text)s” is no whole number.")
            % {"name": card.name, "text": text[:40]}
        ) from error


def _amount(card: Card) -> int:
    currency = current().company.currency
    try:
        return Money.typed(card.amount, currency).minor
    except MoneyError as error:
        raise PolicyRefused(
            _("Rule “%(name)s”: “%(text)s” is no amount; write it like 1.50.")
            % {"name": card.name, "text": card.amount[:40]}
        ) from error


def _amount_text(minor: int | None, currency: str) -> str:
    if minor is None:
        return ""
    major = Money(minor, currency).major
    return f"{major:.{currency_decimals(currency)}f}"


def _end(card: Card) -> datetime | None:
    if not card.last_day:
        return None
    try:
        day = day_typed(card.last_day)
    except Refused as error:
        said = {"name": card.name, "said": error}
        raise PolicyRefused(_("Rule “%(name)s”: %(said)s") % said) from error
    return BusinessCalendar(current().company.time_zone).end_of_day(day)


def _day_before(until: datetime | None, calendar: BusinessCalendar) -> str:
    if until is None:
        return ""
    day = calendar.date_of(until)
    first = calendar.start_of_day(day)
    return (day if until > first else date.fromordinal(day.toordinal() - 1)).isoformat()
