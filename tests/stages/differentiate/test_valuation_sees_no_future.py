"""Nothing later than the as-of date is seen: corrupt all of it and not one figure moves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import ibis
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from patronage.access.roles import SYSTEM
from patronage.differentiate import reads
from patronage.differentiate.jobs import value
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.valuation import history as history_module
from patronage.warehouse.untyped import Table

from .history import NOW, History, commit, create_customers, line

AS_OF = date(2024, 12, 31)
#: midnight in New York
END = datetime(2025, 1, 1, 5, tzinfo=UTC)


def figures(run: ValuationRun) -> pl.DataFrame:
    return reads.valuations(run).drop("run_id", "model_version")


def corrupt_later_lines(history: History, currency: str) -> None:
    """Give every later line a wild amount, another product and a stranger as its customer."""
    later = pl.col("ordered_at") >= END
    corrupted = history.lines.with_columns(
        amount_minor=pl.when(later)
        .then(pl.col("amount_minor") * 1000 + 1)
        .otherwise("amount_minor"),
        product_id=pl.when(later).then(pl.lit("prd_19")).otherwise("product_id"),
        currency=pl.when(later).then(pl.lit(currency)).otherwise("currency"),
        customer_id=pl.when(later & (pl.col("line_number") == 1))
        .then(pl.lit("cus_stranger"))
        .otherwise("customer_id"),
    )
    create_customers(["cus_stranger"])
    commit("order_lines", corrupted)


def value_before_and_after_corruption(
    history: History, *, currency: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    before = figures(value(actor=SYSTEM, now=NOW, as_of=AS_OF))
    corrupt_later_lines(history, currency)
    return before, figures(value(actor=SYSTEM, now=NOW, as_of=AS_OF))


def test_corrupting_every_later_row_changes_nothing(history: History) -> None:
    before, after = value_before_and_after_corruption(history, currency="EUR")

    assert len(before) > 100
    assert_frame_equal(before, after, check_exact=True)


def test_a_valuation_that_peeks_is_caught(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    def peeking(lines: Table, instant: datetime) -> Table:
        last = ibis.literal(instant - timedelta(seconds=1), type="timestamp('UTC')")
        return lines.mutate(ordered_at=ibis.least(lines.ordered_at, last))

    monkeypatch.setattr(history_module, "seen_before", peeking)

    before, after = value_before_and_after_corruption(history, currency="USD")

    with pytest.raises(AssertionError):
        assert_frame_equal(before, after, check_exact=True)


def test_the_day_ends_at_midnight_where_the_company_is(history: History) -> None:
    last_second = line("cus_night", END - timedelta(seconds=1), 1000)
    first_instant = line("cus_morning", END, 1000)
    create_customers(["cus_night", "cus_morning"])
    commit("order_lines", pl.concat([history.lines, last_second, first_instant]))

    valued = figures(value(actor=SYSTEM, now=NOW, as_of=AS_OF))

    assert "cus_morning" not in valued["customer_id"]
    (age,) = valued.filter(customer_id="cus_night")["age_days"]
    assert age == 0
