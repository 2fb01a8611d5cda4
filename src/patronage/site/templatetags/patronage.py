"""`{% load patronage %}`: formats for people and the addresses between pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from patronage.site import formats
from patronage.vocabulary.money import Money

register = template.Library()


@register.filter
def money(value: Any, currency: str = "") -> str:
    """`{{ amount|money }}` or `{{ minor|money:currency }}`: exact, to the cent."""
    return _money(value, currency, "exact")


@register.filter
def money_whole(value: Any, currency: str = "") -> str:
    """The same without cents, for columns of large amounts."""
    return _money(value, currency, "whole")


@register.filter
def money_short(value: Any, currency: str = "") -> str:
    """The same as $1.2 M, for tiles; the exact amount shows on pointing."""
    if is_unknown(value):
        return unknown()
    short, exact = _money(value, currency, "short"), _money(value, currency, "exact")
    return format_html('<span class="amount" title="{}">{}</span>', exact, short)


@register.filter
def money_change(value: Any, currency: str = "") -> str:
    """A movement: always with its sign, short, exact on pointing."""
    if is_unknown(value):
        return unknown()
    amount = _as_money(value, currency)
    return format_html(
        '<span class="amount" title="{}">{}</span>',
        formats.amount(amount, signed=True),
        formats.amount(amount, "short", signed=True),
    )


@register.filter
def money_moved(value: Any, currency: str = "") -> str:
    """A movement in whole units with its sign, for columns."""
    if is_unknown(value):
        return unknown()
    return formats.amount(_as_money(value, currency), "whole", signed=True)


@register.filter
def share(value: Any, decimals: int = 1) -> str:
    """`{{ 0.1234|share }}` is 12.3%."""
    return unknown() if is_unknown(value) else formats.share(float(value), int(decimals))


@register.filter
def share_moved(value: Any, decimals: int = 1) -> str:
    """A relative movement with its sign: `{{ 0.1234|share_moved }}` is +12.3%."""
    if is_unknown(value):
        return unknown()
    return formats.share(float(value), int(decimals), signed=True)


@register.filter
def size(value: Any) -> Any:
    """How much, without its sign: for a sentence whose verb says the direction."""
    return value if is_unknown(value) else abs(value)


@register.filter
def count(value: Any) -> str:
    """A whole number with thousands separated; a mean is rounded."""
    return unknown() if is_unknown(value) else formats.number(round(value))


@register.filter
def number(value: Any, decimals: int = 0) -> str:
    """`{{ -0.1234|number:2 }}` is −0.12: the reader's separators, a true minus sign."""
    return unknown() if is_unknown(value) else formats.number(value, int(decimals))


@register.filter
def significant(value: Any, digits: int = 4) -> str:
    """`{{ 8236432.1|significant }}` is 8,236,000: as many digits as count."""
    return unknown() if is_unknown(value) else formats.significant(float(value), int(digits))


@register.filter
def interval(bounds: Sequence[Any] | None, currency: str = "") -> str:
    """`{{ low_high|interval:currency }}`: the range of an estimate, of money or plain numbers."""
    if bounds is None or any(bound is None for bound in bounds):
        return unknown()
    low, high = bounds
    if currency or isinstance(low, Money):
        low_text, high_text = (_money(bound, currency, "short") for bound in (low, high))
    else:
        low_text, high_text = (formats.number(bound, 1) for bound in (low, high))
    return _("%(low)s to %(high)s") % {"low": low_text, "high": high_text}


@register.filter
def when(value: Any, style: str = "minute") -> str:
    """An instant in the company's time zone, its UTC on pointing; `:"day"` without the time."""
    if is_unknown(value):
        return unknown()
    title = f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if isinstance(value, datetime) else ""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        value.isoformat(),
        title or value.isoformat(),
        formats.instant(value, style),
    )


@register.simple_tag
def unknown() -> SafeString:
    """What is not known: never a zero, never an empty cell."""
    return format_html(
        '<span class="unknown"><span aria-hidden="true">–</span>'
        '<span class="for-screen-readers">{}</span></span>',
        _("not known"),
    )


@register.simple_tag
def between(low: Any, high: Any, currency: str = "") -> str:
    """`{% between low high currency %}`: the same as `interval`, from two variables."""
    return interval((low, high), currency)


@register.simple_tag(takes_context=True)
def to(context: template.Context, url_name: str, *args: Any, **query: Any) -> str:
    """`{% to "interact:customer" id tab="value" %}`: an address that keeps the as-of date."""
    asked = getattr(context.get("request"), "as_of", None)
    if asked is not None:
        query.setdefault("as_of", asked.isoformat())
    text = urlencode({key: value for key, value in query.items() if value not in (None, "")})
    return reverse(url_name, args=args) + (f"?{text}" if text else "")


def is_unknown(value: Any) -> bool:
    """Whether there is nothing to write; a template gives "" for a name that is absent."""
    return value is None or value == ""


def _money(value: Any, currency: str, style: str) -> str:
    if is_unknown(value):
        return unknown()
    return formats.amount(_as_money(value, currency), style)


def _as_money(value: Money | int, currency: str) -> Money:
    return value if isinstance(value, Money) else Money(round(value), currency)
