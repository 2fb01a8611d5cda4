"""Are numbers, amounts and instants written as the reader of each language expects?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import timezone, translation

from patronage.vocabulary.money import Money

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"


def written(text: str, **values: Any) -> str:
    rendered: str = Template("{% load patronage %}" + text).render(Context(values))
    return rendered


@pytest.mark.parametrize(
    ("language", "minor", "currency", "expected"),
    [
        ("en", 123_456_789, "USD", "$1,234,567.89"),
        ("en", -5, "USD", f"{MINUS}$0.05"),
        ("en", 1_234, "JPY", "¥1,234"),
        ("en", 1_234, "KWD", f"KWD{NBSP}1.234"),
        ("fr", 123_456_789, "EUR", f"1{NBSP}234{NBSP}567,89{NBSP}€"),
        ("en", 2**63 - 1, "USD", "$92,233,720,368,547,758.07"),
    ],
)
def test_an_amount_is_exact_in_the_language_of_its_reader(
    language: str, minor: int, currency: str, expected: str
) -> None:
    with translation.override(language):
        assert written("{{ minor|money:currency }}", minor=minor, currency=currency) == expected
        assert written("{{ amount|money }}", amount=Money(minor, currency)) == expected


def test_a_mean_of_amounts_is_written_to_the_nearest_minor_unit() -> None:
    assert written("{{ minor|money:'USD' }}", minor=1_405_151.6) == "$14,051.52"
    assert written("{{ minor|money_whole:'USD' }}", minor=-1_405_151.6) == f"{MINUS}$14,052"


@pytest.mark.parametrize(
    ("minor", "expected"),
    [
        (118_950_000, f"$1.19{NBSP}M"),
        (14_210_000, f"$142{NBSP}k"),
        (6_730_000, f"$67.3{NBSP}k"),
        (99_999_600, f"$1.00{NBSP}M"),
        (99_900, "$999"),
        (0, "$0"),
    ],
)
def test_a_short_amount_keeps_three_digits_and_shows_the_exact_one_on_pointing(
    minor: int, expected: str
) -> None:
    text = written("{{ minor|money_short:'USD' }}", minor=minor)
    assert f">{expected}</span>" in text
    exact = written("{{ minor|money:'USD' }}", minor=minor)
    assert f'title="{exact}"' in text


@pytest.mark.parametrize(
    "text",
    ["x|money:'USD'", "x|money_short:'USD'", "x|share", "x|count", "x|when", "absent|money:'USD'"],
)
def test_what_is_not_known_is_never_written_as_a_number(text: str) -> None:
    shown = written("{{ " + text + " }}", x=None)
    assert "not known" in shown
    assert not any(digit in shown for digit in "0123456789")


def test_a_range_with_one_end_unknown_is_not_known() -> None:
    assert "not known" in written("{{ r|interval:'USD' }}", r=(1, None))
    assert written("{{ r|interval:'USD' }}", r=(104_000_000, 135_000_000)) == (
        f"$1.04{NBSP}M to $1.35{NBSP}M"
    )


def test_an_instant_is_shown_in_the_companys_zone_and_in_utc_on_pointing() -> None:
    end_of_year = datetime(2018, 1, 1, 4, 59, tzinfo=UTC)
    with timezone.override(ZoneInfo("America/New_York")):
        shown = written("{{ at|when }}", at=end_of_year)
    assert ">31 Dec 2017, 23:59<" in shown
    assert 'title="2018-01-01 04:59:00 UTC"' in shown


def test_a_share_of_minus_a_thousandth_rounds_to_no_minus_zero() -> None:
    assert written("{{ s|share }}", s=0.1234) == "12.3%"
    assert written("{{ s|share }}", s=-0.00001) == "0.0%"


def test_a_share_is_rounded_not_cut_off() -> None:
    assert written("{{ s|share }}", s=11 / 19) == "57.9%"
    assert written("{{ s|share }}", s=0.99999) == "100.0%"


def test_markup_in_a_label_is_written_as_text() -> None:
    page = Template('{% load components %}{% badge label "bad" %}').render(
        Context({"label": "<script>alert(1)</script>"})
    )
    assert "<script>" not in page
