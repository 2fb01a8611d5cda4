"""How does a person write the amount of a lever? "15 %", "12.50" or "3": exact, or refused.

A room of its own because pages and the command line read and show the same.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _

from patronage.govern.errors import AmountUnread
from patronage.vocabulary.money import Money, MoneyError


def amount_typed(text: str, unit: str, currency: str) -> int:
    """Read an amount in its unit: a percentage, money or a number of times.

    Raises:
        AmountUnread: it is none, or finer than the unit.
    """
    if unit == "minor units":
        try:
            return Money.typed(text, currency).minor
        except MoneyError as error:
            raise AmountUnread(
                text=text, expected=_("money such as 12.50 %(currency)s") % {"currency": currency}
            ) from error
    hundred = unit == "basis points"
    expected = "a percentage such as 12.5 %" if hundred else "a whole number such as 3"
    plain = text.replace("%", "").replace(" ", "").replace("\u202f", "").replace("\u2212", "-")
    try:
        number = Decimal(plain.replace(",", ".")) * (100 if hundred else 1)
    except InvalidOperation as error:
        raise AmountUnread(text=text, expected=expected) from error
    if not number.is_finite() or number != number.to_integral_value() or abs(number) > 2**53:
        raise AmountUnread(text=text, expected=expected)
    return int(number)


def amount_said(amount: int | None, unit: str, currency: str) -> str:
    """The same for people; empty for none."""
    if amount is None:
        return ""
    if unit == "minor units":
        return str(Money(amount, currency))
    if unit == "days":
        return f"{amount} d"
    return f"{Decimal(amount) / 100:f} %" if unit == "basis points" else f"{amount} ×"
