"""Money from files is exact: it agrees with decimal arithmetic to the last minor unit."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

import ibis
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from patronage.identify.imports.readings import reading
from patronage.identify.mapping import Column
from patronage.vocabulary.money import currency_decimals

CURRENCY = st.sampled_from(["USD", "JPY", "KWD", "CLF"])
AMOUNT = st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=12)
NEAR_TIE = st.builds(
    lambda units, noise: Decimal(units) / 1000 + noise,
    st.integers(-(10**7), 10**7),
    st.sampled_from([Decimal(0), Decimal("1e-12"), Decimal("-1e-12")]),
)


def rounded(major: Decimal, currency: str) -> int:
    """Minor units as decimal arithmetic rounds them."""
    minor = major.scaleb(currency_decimals(currency), Context(prec=60))
    return int(minor.quantize(Decimal(1), ROUND_HALF_EVEN, Context(prec=60)))


def _read(values: list[str] | list[float], currency: str, *, round: bool) -> list[int | None]:
    table = ibis.memtable(pa.table({"x": values}))
    rule = Column(
        field="amount", source="x", type="money", unit="major", currency=currency, round=round
    )
    value = reading(rule, table, None).value
    backend = ibis.duckdb.connect()
    found: list[int | None] = backend.to_pyarrow(table.select(v=value))["v"].to_pylist()
    return found


@given(amounts=st.lists(AMOUNT | NEAR_TIE, min_size=1, max_size=20), currency=CURRENCY)
@settings(max_examples=30, deadline=None)
def test_text_is_rounded_half_to_even_as_decimals_are(
    amounts: list[Decimal], currency: str
) -> None:
    expected = [rounded(amount, currency) for amount in amounts]
    assert _read([f"{amount:f}" for amount in amounts], currency, round=True) == expected


@given(
    amounts=st.lists(
        (AMOUNT | NEAR_TIE).map(float) | st.integers(-(10**6), 10**6).map(lambda n: n / 100),
        min_size=1,
        max_size=20,
    ),
    currency=CURRENCY,
)
@settings(max_examples=30, deadline=None)
def test_a_float_means_the_shortest_decimal_that_denotes_it(
    amounts: list[float], currency: str
) -> None:
    decimals = [Decimal(repr(amount)) for amount in amounts]
    expected = [rounded(amount, currency) for amount in decimals]
    assert _read(amounts, currency, round=True) == expected
    exact = [
        minor if amount == Decimal(minor).scaleb(-currency_decimals(currency)) else None
        for amount, minor in zip(decimals, expected, strict=True)
    ]
    assert _read(amounts, currency, round=False) == exact


def test_the_noise_of_complete_journeys_floats_is_rounded_only_when_asked() -> None:
    assert _read([0.9900000001, 0.99], "USD", round=True) == [99, 99]
    assert _read([0.9900000001, 0.99], "USD", round=False) == [None, 99]


def test_a_power_of_ten_is_noise_where_rounding_is_declared_and_refused_elsewhere() -> None:
    assert _read(["1.4210854715202004e-14", "1.5E1"], "USD", round=True) == [0, 1500]
    assert _read(["1.4210854715202004e-14", "1.5E1"], "USD", round=False) == [None, None]
