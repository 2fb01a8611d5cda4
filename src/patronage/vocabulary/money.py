"""How much, in which currency? Exact amounts in integer minor units that never mix currencies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

#: ISO 4217: decimals of the currencies that do not have two.
_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
#: ISO 4217: the active currencies with two decimals.
_TWO_DECIMALS = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL
MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK
PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS
TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
CURRENCY_DECIMALS: dict[str, int] = dict.fromkeys(_TWO_DECIMALS.split(), 2) | {
    code: decimals for decimals, codes in _DECIMALS.items() for code in codes.split()
}
#: As people type it: a comma or a point before the decimals, thousands set apart or not.
_TYPED_NUMBER = re.compile(
    r"(?P<sign>[+-]?)"
    r"(?P<whole>[0-9]+|[0-9]{1,3}(?P<apart>[ \u00a0\u202f.,])[0-9]{3}(?:(?P=apart)[0-9]{3})*)"
    r"(?:(?P<mark>[.,])(?P<part>[0-9]+))?"
)
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)


class MoneyError(ValueError):
    """An amount that cannot be stored exactly, or an operation over two currencies."""


def currency_decimals(currency: str) -> int:
    """Give the decimals of an ISO 4217 code: 2 for USD, 0 for JPY, 3 for KWD."""
    try:
        return CURRENCY_DECIMALS[currency]
    except (KeyError, TypeError):
        raise MoneyError(
            f"{currency!r} is not an ISO 4217 currency code. Write three capitals, such as 'USD'."
        ) from None


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount. Equal only to the same amount in the same currency."""

    #: The amount in the currency's smallest unit: cents for USD, yen for JPY.
    minor: int
    #: ISO 4217 code.
    currency: str

    def __post_init__(self) -> None:
        currency_decimals(self.currency)
        if type(self.minor) is not int:
            raise MoneyError(
                f"Money holds whole minor units of {self.currency}, found {self.minor!r}. "
                "Use Money.parse for text or a Decimal."
            )

    @classmethod
    def typed(cls, text: str, currency: str) -> Money:
        """Read major units as a person types them: ``1234.56``, ``1234,56``, ``1 234,56``.

        Raises:
            MoneyError: for what is no amount, and for what could be read in two ways, such as
                ``1,234``: thousands to some, decimals to others.
        """
        plain = text.strip().replace("\N{MINUS SIGN}", "-")
        found = _TYPED_NUMBER.fullmatch(plain)
        is_plain = _PLAIN_NUMBER.fullmatch(plain) is not None
        if found is None or (found["mark"] and found["mark"] == found["apart"]):
            raise MoneyError(f"Cannot read {text!r} as {currency}: write it as '1234.56'.")
        whole, part = re.sub(r"[^0-9]", "", found["whole"]), found["part"]
        looks_grouped = part is not None and len(part) == 3 and found["apart"] is None
        if not is_plain and looks_grouped and len(whole) <= 3:
            raise MoneyError(
                f"Cannot read {text!r} as {currency}: the comma may stand before thousands or "
                f"before decimals. Write {whole + part!r} or '{whole}.{part}'."
            )
        return cls.parse(found["sign"] + whole + (f".{part}" if part else ""), currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Give nothing, in this currency."""
        return cls(0, currency)

    @classmethod
    def parse(cls, amount: str | int | Decimal, currency: str) -> Money:
        """Read major units exactly: ``Money.parse("12.34", "USD")``.

        Raises:
            MoneyError: for floats, for text that is no plain number and for more decimals than
                the currency has (trailing zeros count: they claim a precision that is not there).
        """
        decimals = currency_decimals(currency)
        if isinstance(amount, bool) or not isinstance(amount, str | int | Decimal):
            raise MoneyError(
                f"Cannot read {amount!r} as {currency}: a {type(amount).__name__} is not exact. "
                "Give text, an int or a Decimal."
            )
        text = format(amount, "f") if isinstance(amount, Decimal) else str(amount).strip()
        if _PLAIN_NUMBER.fullmatch(text) is None:
            raise MoneyError(
                f"Cannot read {text!r} as {currency}: expected a number such as '1234.56', "
                "without thousands separators, exponent or symbol."
            )
        whole, _, part = text.partition(".")
        if len(part) > decimals:
            raise MoneyError(
                f"Cannot read {text!r} as {currency}: it has {len(part)} decimals and {currency} "
                f"has {decimals}. Round it first, and say how."
            )
        return cls(int(whole + part.ljust(decimals, "0")), currency)

    @classmethod
    def total(cls, amounts: Iterable[Money], currency: str) -> Money:
        """Add up amounts of one currency; no amounts are zero of that currency."""
        total = cls.zero(currency)
        for amount in amounts:
            total += amount
        return total

    @property
    def major(self) -> Decimal:
        """The amount in major units, exact."""
        digits = tuple(int(digit) for digit in str(abs(self.minor)))
        return Decimal((int(self.minor < 0), digits, -currency_decimals(self.currency)))

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same_currency(other, "add"), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same_currency(other, "subtract"), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __abs__(self) -> Money:
        return Money(abs(self.minor), self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same_currency(other, "compare")

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same_currency(other, "compare")

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same_currency(other, "compare")

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same_currency(other, "compare")

    def times(self, factor: Decimal | int) -> Money:
        """Multiply, rounding half to even at the currency's smallest unit."""
        if isinstance(factor, bool) or not isinstance(factor, Decimal | int):
            raise MoneyError(
                f"Cannot multiply {self.format()} by {factor!r}: "
                f"a {type(factor).__name__} is not exact. Give a Decimal or an int."
            )
        if isinstance(factor, Decimal) and not factor.is_finite():
            raise MoneyError(f"Cannot multiply {self.format()} by {factor}: it is not a number.")
        # A Fraction rounds half to even and, unlike a Decimal, never loses a digit before that.
        return Money(round(self.minor * Fraction(factor)), self.currency)

    def allocate(self, weights: Sequence[int | Decimal]) -> list[Money]:
        """Share out by weight without losing or inventing a cent.

        Each share is rounded down and the cents left over go to the largest remainders, the
        earlier share first where remainders are equal.
        """
        sound = all(isinstance(each, int | Decimal) and each - each == 0 for each in weights)
        exact = [Fraction(weight) for weight in weights] if sound else []
        if any(weight < 0 for weight in exact) or not sum(exact):
            raise MoneyError(
                f"Cannot share {self.format()} by {list(weights)!r}: weights must be ints or "
                "Decimals of 0 or more and at least one above 0."
            )
        size, whole = abs(self.minor), sum(exact)
        shares = [size * weight / whole for weight in exact]
        floors = [share.numerator // share.denominator for share in shares]
        by_remainder = sorted(range(len(shares)), key=lambda at: (floors[at] - shares[at], at))
        for at in by_remainder[: size - sum(floors)]:
            floors[at] += 1
        sign = -1 if self.minor < 0 else 1
        return [Money(sign * floor, self.currency) for floor in floors]

    def format(self) -> str:
        """Write the amount the same way in every locale: ``USD -1,234.56``."""
        return f"{self.currency} {self.major:,f}"

    def __str__(self) -> str:
        return self.format()

    def _same_currency(self, other: Money, verb: str) -> int:
        if not isinstance(other, Money):
            raise TypeError(
                f"Cannot {verb} {self.format()} and {other!r}: expected Money in {self.currency}, "
                f"found {type(other).__name__}."
            )
        if other.currency != self.currency:
            raise MoneyError(
                f"Cannot {verb} {self.format()} and {other.format()}: the currencies differ. "
                "Convert one with a dated rate first."
            )
        return other.minor
