"""Money is exact, keeps its currency and never loses a cent."""

from __future__ import annotations

import decimal
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patronage.vocabulary.money import Money, MoneyError, currency_decimals

amounts = st.integers(-(10**15), 10**15)


@pytest.mark.parametrize(
    ("currency", "decimals"),
    # ISO 4217, list one.
    [("USD", 2), ("EUR", 2), ("JPY", 0), ("KRW", 0), ("ISK", 0), ("CLP", 0), ("KWD", 3), ("BHD", 3),
     ("TND", 3), ("CLF", 4), ("HUF", 2), ("MGA", 2)],
)  # fmt: skip
def test_currencies_have_the_decimals_of_iso_4217(currency: str, decimals: int) -> None:
    assert currency_decimals(currency) == decimals
    assert Money(1, currency).major == Decimal(1).scaleb(-decimals)


@pytest.mark.parametrize("currency", ["usd", "US", "XXY", "", "DM"])
def test_a_code_that_iso_4217_does_not_have_is_refused(currency: str) -> None:
    with pytest.raises(MoneyError, match="ISO 4217"):
        Money(1, currency)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("12.34", "USD", 1234), ("12.3", "USD", 1230), ("12", "USD", 1200), ("-0.01", "USD", -1),
     ("+5", "USD", 500), ("1234", "JPY", 1234), ("1.234", "KWD", 1234), (Decimal("0.1"), "USD", 10),
     (Decimal("1E+3"), "USD", 100_000), (7, "EUR", 700)],
)  # fmt: skip
def test_amounts_are_read_exactly(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("12.345", "USD"), ("12.340", "USD"), ("1.5", "JPY"), ("1,234.56", "USD"), ("1e3", "USD"),
     ("", "USD"), ("NaN", "USD"), (Decimal("NaN"), "USD"), (Decimal("Infinity"), "USD"),
     ("\u0661", "USD"), ("$5", "USD"), ("1.", "USD"), (12.34, "USD"), (True, "USD"), (None, "USD")],
)  # fmt: skip
def test_what_is_not_exact_is_refused_and_named(amount: object, currency: str) -> None:
    with pytest.raises(MoneyError, match=currency):
        Money.parse(amount, currency)  # type: ignore[arg-type]  # wrong types are the point


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("1234.56", "USD", 123_456), ("1234,56", "EUR", 123_456), ("1 234,56", "EUR", 123_456),
     ("1\u202f234,5", "EUR", 123_450), ("1,234.56", "USD", 123_456), ("1.234,56", "EUR", 123_456),
     ("1,234,567", "JPY", 1_234_567), ("-12", "USD", -1200), ("\u221212,5", "EUR", -1250),
     ("1.234", "KWD", 1234), ("1 234,567", "KWD", 1_234_567)],
)  # fmt: skip
def test_amounts_are_read_as_people_type_them(text: str, currency: str, minor: int) -> None:
    assert Money.typed(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [("1,234", "USD"), ("1.234", "USD"), ("1,234", "KWD"), ("1,234", "JPY"), ("1.234.56", "USD"),
     ("1 23", "EUR"), ("12,34,56", "EUR"), ("1,2345", "EUR"), ("", "USD"), ("1e3", "USD"),
     ("\u0661", "USD"), ("$5", "USD")],
)  # fmt: skip
def test_what_could_be_read_in_two_ways_is_refused(text: str, currency: str) -> None:
    with pytest.raises(MoneyError, match=currency):
        Money.typed(text, currency)


def test_minor_units_are_whole() -> None:
    with pytest.raises(MoneyError, match="whole minor units"):
        Money(1.5, "USD")  # type: ignore[arg-type]  # wrong types are the point


@given(amounts, amounts)
def test_sums_and_differences_are_those_of_the_cents(a: int, b: int) -> None:
    left, right = Money(a, "EUR"), Money(b, "EUR")
    assert (left + right).minor == a + b
    assert left - right == -(right - left)
    assert (left < right) == (a < b)
    assert (left >= right) == (a >= b)
    assert Money.total([left, right], "EUR") == left + right


@pytest.mark.parametrize("verb", ["__add__", "__sub__", "__lt__", "__ge__"])
def test_two_currencies_never_meet_and_the_error_names_both(verb: str) -> None:
    with pytest.raises(MoneyError, match=r"USD 1\.00 and EUR 2\.00"):
        getattr(Money(100, "USD"), verb)(Money(200, "EUR"))
    with pytest.raises(TypeError, match="expected Money in USD"):
        getattr(Money(100, "USD"), verb)(1)
    assert Money(100, "USD") != Money(100, "EUR")


@given(amounts, st.decimals(-1000, 1000, allow_nan=False, places=6))
def test_products_round_half_to_even_as_decimal_does(minor: int, factor: Decimal) -> None:
    with decimal.localcontext() as context:
        context.prec = 60
        expected = int((minor * factor).quantize(Decimal(1), rounding=decimal.ROUND_HALF_EVEN))
    assert Money(minor, "USD").times(factor).minor == expected


@pytest.mark.parametrize(("minor", "rounded"), [(1, 0), (3, 2), (5, 2), (7, 4), (-1, 0), (-3, -2)])
def test_halves_go_to_the_even_cent(minor: int, rounded: int) -> None:
    assert Money(minor, "USD").times(Decimal("0.5")).minor == rounded


@pytest.mark.parametrize("factor", [0.5, True, Decimal("NaN"), Decimal("Infinity")])
def test_inexact_factors_are_refused(factor: object) -> None:
    with pytest.raises(MoneyError, match="Cannot multiply"):
        Money(100, "USD").times(factor)  # type: ignore[arg-type]  # wrong types are the point


@given(amounts, st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any))
def test_shares_add_up_to_the_cent_and_none_is_a_cent_off(minor: int, weights: list[int]) -> None:
    shares = Money(minor, "USD").allocate(weights)
    assert Money.total(shares, "USD").minor == minor
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share.minor * sum(weights) - minor * weight) < sum(weights)


def test_the_odd_cents_go_to_the_largest_remainders_then_to_the_first() -> None:
    assert [each.minor for each in Money(100, "USD").allocate([1, 1, 1])] == [34, 33, 33]
    assert [each.minor for each in Money(-100, "USD").allocate([1, 1, 1])] == [-34, -33, -33]
    assert [each.minor for each in Money(10, "USD").allocate([Decimal("0.15"), 1])] == [1, 9]


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [0.5, 0.5], [Decimal("NaN")]])
def test_weights_that_share_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(MoneyError, match="Cannot share USD"):
        Money(100, "USD").allocate(weights)


def test_amounts_are_written_the_same_everywhere() -> None:
    assert Money(123456, "USD").format() == "USD 1,234.56"
    assert str(Money(-1, "USD")) == "USD -0.01"
    assert Money(1234567, "JPY").format() == "JPY 1,234,567"
    assert Money(1, "KWD").format() == "KWD 0.001"
