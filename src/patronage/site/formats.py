"""How numbers, amounts and instants are written for people, in the reader's language."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from math import floor, log10

from django.utils import formats, timezone
from django.utils.translation import get_language, pgettext

from patronage.vocabulary.money import Money, currency_decimals

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
#: languages that write the currency before the number
_SYMBOL_FIRST = {"en"}
_NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"


def number(value: Decimal | int | float, decimals: int = 0) -> str:
    """A number with the language's separators and a true minus sign."""
    # Django cuts off what it does not show: 0.579 would be 57.8%
    size = abs(Decimal(value)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)
    text = formats.number_format(size, decimals, use_l10n=True, force_grouping=True)
    return _sign(value, text) + text


def significant(value: float, digits: int = 4) -> str:
    """A number with as many digits as count: 9.784, 0.0404, 8,236,000."""
    if not value:
        return number(0)
    decimals = digits - 1 - floor(log10(abs(value)))
    return number(round(value, decimals), max(0, decimals))


def amount(money: Money, style: str = "exact", *, signed: bool = False) -> str:
    """An amount of money: "exact" to the cent, "whole" units, or "short" as in $1.2 M."""
    major = money.major
    size, suffix, decimals = abs(major), "", currency_decimals(money.currency)
    if style == "whole":
        decimals = 0
    elif style == "short":
        size, suffix, decimals = _shortened(size)
    elif style != "exact":
        raise ValueError(f"Money is written 'exact', 'whole' or 'short', not {style!r}.")
    digits = formats.number_format(
        size.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN),
        decimals,
        use_l10n=True,
        force_grouping=True,
    )
    return _sign(major, digits, signed) + _with_currency(digits + suffix, money.currency)


def share(value: float, decimals: int = 1, *, signed: bool = False) -> str:
    """A share between 0 and 1 as per cent."""
    percent = number(abs(value) * 100, decimals)
    gap = "" if _language() in _SYMBOL_FIRST else _NBSP
    return f"{_sign(value, percent, signed)}{percent}{gap}%"


def instant(value: date | datetime, style: str = "minute") -> str:
    """A date, or an instant in the company's time zone (the one active for this request)."""
    if not isinstance(value, datetime):
        return formats.date_format(value, "j M Y")
    local = timezone.localtime(value)
    return formats.date_format(local, "j M Y" if style == "day" else "j M Y, H:i")


def _shortened(size: Decimal) -> tuple[Decimal, str, int]:
    for limit, suffix in (
        (Decimal(10**9), pgettext("billion, after a number", "B")),
        (Decimal(10**6), pgettext("million, after a number", "M")),
        (Decimal(10**3), pgettext("thousand, after a number", "k")),
    ):
        # 999,960 would round to "1000.0 k"
        if size >= limit * Decimal("0.99995"):
            scaled = size / limit
            # three digits that count: $1.19 M, $67.3 k, $142 k
            return scaled, f"{_NBSP}{suffix}", 0 if scaled >= 100 else 1 if scaled >= 10 else 2
    return size, "", 0


def around(currency: str) -> tuple[str, str]:
    """What the reader's language writes before and after an amount in this currency."""
    symbol = _SYMBOLS.get(currency)
    if _language() in _SYMBOL_FIRST:
        return symbol or f"{currency}{_NBSP}", ""
    return "", f"{_NBSP}{symbol or currency}"


def _with_currency(digits: str, currency: str) -> str:
    before, after = around(currency)
    return f"{before}{digits}{after}"


def _sign(value: Decimal | float, digits: str, signed: bool = False) -> str:
    """The sign of what is written: a loss that rounds to nothing is no "−0.0"."""
    if not any(digit in digits for digit in "123456789"):
        return ""
    if value < 0:
        return MINUS
    return "+" if signed and value > 0 else ""


def _language() -> str:
    return (get_language() or "en").split("-")[0]
