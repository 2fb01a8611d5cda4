"""One pass over ordered lines finds what the grouped query finds."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from patronage.differentiate.valuation import purchase_histories as purchase_histories_module
from patronage.differentiate.valuation.history import Horizon, customer_statistics
from patronage.differentiate.valuation.purchase_histories import SCHEMA, purchase_histories
from patronage.vocabulary.company import Company, parse_company
from patronage.vocabulary.periods import BusinessCalendar
from patronage.warehouse import DATASETS, Warehouse
from tests.stages.differentiate.history import COMPANY

AS_OF = date(2017, 11, 20)


@pytest.fixture
def company() -> Company:
    return parse_company(COMPANY)


def lines(rows: int, seed: int, *, customers: int = 40, since: int = 0, days: int = 400) -> Any:
    """Orders of several lines at odd hours, around changes of the clock, some of them returned."""
    rng = np.random.default_rng(seed)
    order = rng.integers(0, rows // 3, rows)
    by_order = rng.integers(0, customers, rows)
    minutes = rng.integers(since * 1440, (since + days) * 1440, rows)
    start = datetime(2017, 1, 1, tzinfo=UTC)
    whose = [f"cus_{customer:03d}" for customer in by_order[order].tolist()]
    is_return = rng.random(rows) < 0.2
    amount = rng.integers(1, 5000, rows) * np.where(is_return, -1, 1)
    frame = pl.DataFrame(
        {
            "customer_id": whose,
            "order_id": [f"ord_{seed}_{number}" for number in order.tolist()],
            "line_number": np.arange(rows, dtype=np.int32),
            "product_id": "prd_1",
            "ordered_at": [start + timedelta(minutes=minute) for minute in minutes[order].tolist()],
            "quantity": 1.0,
            "amount_minor": amount.astype(np.int64),
            "list_discount_minor": pl.Series([None] * rows, dtype=pl.Int64),
            "coupon_discount_minor": pl.Series([None] * rows, dtype=pl.Int64),
            "currency": "USD",
            "kind": np.where(is_return, "return", "sale").tolist(),
            "store_id": pl.Series([None] * rows, dtype=pl.String),
            "import_id": "imp_1",
        }
    )
    return frame.select([column.name for column in DATASETS["order_lines"].columns]).to_arrow()


def both(folder: Path, files: Sequence[Any], company: Company) -> tuple[pl.DataFrame, pl.DataFrame]:
    with Warehouse(folder) as warehouse:
        number = None
        for rows in files:
            base = None if number is None else number
            number = warehouse.append("order_lines", rows, base=base).number
        table = warehouse.read("order_lines", number)
        found = purchase_histories(
            warehouse, table, calendar=BusinessCalendar(company.time_zone), as_of=AS_OF
        )
        query = customer_statistics(
            table,
            warehouse.read("products", None),
            company=company,
            horizon=Horizon(as_of=AS_OF, period_start=date(2017, 10, 1)),
        )
        grouped = warehouse.polars(query).filter(pl.col("days") > 0).select(list(SCHEMA))
    return found, grouped.sort("customer_id")


@pytest.mark.parametrize("batch", [1, 7, 100, 1_000_000])
@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
def test_ordered_lines_give_what_the_grouped_query_gives(
    tmp_path: Path, company: Company, monkeypatch: pytest.MonkeyPatch, zone: str, batch: int
) -> None:
    def cut(warehouse: Warehouse, expression: Any, *, rows: int) -> list[Any]:
        return list(warehouse.arrow(expression).to_batches(max_chunksize=batch))

    monkeypatch.setattr(Warehouse, "batches", cut)
    found, grouped = both(tmp_path, [lines(900, 1)], replace(company, time_zone=zone))
    assert found.sort("customer_id").equals(grouped.cast(found.schema))


def test_files_of_months_that_follow_one_another_are_put_together(
    tmp_path: Path, company: Company
) -> None:
    months = [lines(300, seed, since=100 * seed, days=99) for seed in (1, 2, 0)]
    found, grouped = both(tmp_path, months, company)
    assert found.sort("customer_id").equals(grouped.cast(found.schema))


def test_customers_in_files_about_the_same_months_are_read_again(
    tmp_path: Path, company: Company
) -> None:
    overlapping = [lines(300, 1), lines(300, 2), lines(60, 3, customers=3)]
    found, grouped = both(tmp_path, overlapping, company)
    assert found.sort("customer_id").equals(grouped.cast(found.schema))


def test_runs_that_touch_would_count_a_day_twice(
    tmp_path: Path, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without looking at what touches, the test above would fail."""
    told_apart = purchase_histories_module._told_apart
    monkeypatch.setattr(
        purchase_histories_module,
        "_told_apart",
        lambda runs: told_apart(runs.with_columns(latest=pl.col("earliest") - 1)),
    )
    found, grouped = both(tmp_path, [lines(300, 1), lines(300, 1)], company)
    assert found["days"].sum() > grouped["days"].sum()


def test_nothing_seen_is_nobody(tmp_path: Path, company: Company) -> None:
    found, grouped = both(tmp_path, [lines(30, 1, since=500)], company)
    assert found.schema == pl.Schema(SCHEMA)
    assert (len(found), len(grouped)) == (0, 0)
