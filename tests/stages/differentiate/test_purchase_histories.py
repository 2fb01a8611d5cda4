"""One pass over ordered lines finds what the grouped query finds."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from patronage.differentiate.valuation import purchase_histories as module
from patronage.differentiate.valuation.history import Horizon, customer_statistics, service_days
from patronage.differentiate.valuation.purchase_histories import (
    MODELLED,
    purchase_histories,
    statistics_in_order,
)
from patronage.vocabulary.company import Company, parse_company
from patronage.warehouse import DATASETS, Warehouse
from tests.stages.differentiate.history import COMPANY

AS_OF = date(2017, 11, 20)
HORIZON = Horizon(as_of=AS_OF, period_start=date(2017, 10, 1))


@pytest.fixture
def company() -> Company:
    return parse_company(COMPANY)


def lines(
    rows: int,
    seed: int,
    *,
    customers: int = 40,
    since: int = 0,
    days: int = 400,
    late: float = 0.0,
    products: int = 5,
) -> Any:
    """Orders of several lines at odd hours, around changes of the clock, some of them returned.

    A share of `late` comes up to ten hours after its order, with other orders in between.
    """
    rng = np.random.default_rng(seed)
    order = rng.integers(0, rows // 3, rows)
    by_order = rng.integers(0, customers, rows)
    minutes = rng.integers(since * 1440, (since + days) * 1440, rows)
    later = np.where(rng.random(rows) < late, rng.integers(1, 600, rows), 0)
    start = datetime(2017, 1, 1, tzinfo=UTC)
    whose = [f"cus_{customer:03d}" for customer in by_order[order].tolist()]
    is_return = rng.random(rows) < 0.2
    amount = rng.integers(1, 5000, rows) * np.where(is_return, -1, 1)
    off = pl.Series(rng.integers(1, 90, rows), dtype=pl.Int64)
    frame = pl.DataFrame(
        {
            "customer_id": whose,
            "order_id": [f"ord_{seed}_{number}" for number in order.tolist()],
            "line_number": np.arange(rows, dtype=np.int32),
            "product_id": [f"prd_{number}" for number in rng.integers(0, products, rows).tolist()],
            "ordered_at": [
                start + timedelta(minutes=minute) for minute in (minutes[order] + later).tolist()
            ],
            "quantity": 1.0,
            "amount_minor": amount.astype(np.int64),
            "list_discount_minor": off.set(pl.Series(rng.random(rows) < 0.5), None),
            "coupon_discount_minor": off.set(pl.Series(rng.random(rows) < 0.5), None),
            "currency": np.where(rng.random(rows) < 0.05, "EUR", "USD").tolist(),
            "kind": np.where(is_return, "return", "sale").tolist(),
            "store_id": pl.Series([None] * rows, dtype=pl.String),
            "import_id": "imp_1",
        }
    )
    return frame.select([column.name for column in DATASETS["order_lines"].columns]).to_arrow()


def products() -> Any:
    """Of departments and categories with and without a declared margin and need; prd_4 is none."""
    unknown = dict.fromkeys(("subcategory", "brand", "manufacturer", "package"))
    return pl.DataFrame(
        [
            {"product_id": f"prd_{number}", "department": name, "category": name}
            | unknown
            | {"import_id": "imp_2"}
            for number, name in enumerate(("GROCERY", "PRODUCE", "FUEL", "DRUG GM"))
        ],
        schema_overrides=dict.fromkeys(unknown, pl.String),
    ).to_arrow()


def contacts() -> Any:
    at = [datetime(2017, 3 + 2 * month, 5, tzinfo=UTC) for month in range(5)]
    return pl.DataFrame(
        {
            "customer_id": [f"cus_{number:03d}" for number in range(5)],
            "campaign_id": "cpn_1",
            "campaign_kind": pl.Series([None] * 5, dtype=pl.String),
            "channel": "mail",
            "contacted_at": at,
            "ended_at": at,
            "import_id": "imp_3",
        }
    ).to_arrow()


class Found:
    """The answers of the pass and of the query, sorted by customer."""

    def __init__(self, folder: Path, files: Sequence[Any], company: Company) -> None:
        with Warehouse(folder) as warehouse:
            number = None
            for rows in files:
                number = warehouse.append("order_lines", rows, base=number).number
            table = warehouse.read("order_lines", number)
            stock = warehouse.append("products", products(), base=None).number
            made = warehouse.append("past_contacts", contacts(), base=None).number
            sold = warehouse.read("products", stock)
            served = service_days(
                warehouse.read("past_contacts", made),
                warehouse.read("cases", None),
                company=company,
                as_of=AS_OF,
            )
            modelled = purchase_histories(warehouse, table, sold, company=company, horizon=HORIZON)
            passed = statistics_in_order(
                warehouse, table, sold, company=company, horizon=HORIZON, served=served
            )
            query = customer_statistics(
                table, sold, company=company, horizon=HORIZON, served=served
            )
            self.query = warehouse.polars(query).sort("customer_id")
        self.passed = passed.select(self.query.columns).sort("customer_id")
        self.modelled = modelled.sort("customer_id")

    @property
    def are_equal(self) -> bool:
        assert_frame_equal(self.passed, self.query)
        assert_frame_equal(self.modelled, self.query.select(MODELLED))
        return True


@pytest.fixture
def read_again(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many customers each pass asked of the query."""
    counts: list[int] = []
    put_together = module._put_together

    def counting(runs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        found, left = put_together(runs)
        counts.append(len(left))
        return found, left

    monkeypatch.setattr(module, "_put_together", counting)
    return counts


def cut_to(rows: int) -> Any:
    def cut(warehouse: Warehouse, expression: Any) -> list[Any]:
        return list(warehouse.arrow(expression).to_batches(max_chunksize=rows))

    return cut


@pytest.mark.parametrize("batch", [1, 7, 100, 1_000_000])
@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
def test_ordered_lines_give_what_the_grouped_query_gives(
    tmp_path: Path,
    company: Company,
    monkeypatch: pytest.MonkeyPatch,
    read_again: list[int],
    zone: str,
    batch: int,
) -> None:
    monkeypatch.setattr(Warehouse, "batches", cut_to(batch))
    found = Found(tmp_path, [lines(900, 1)], replace(company, time_zone=zone))
    assert found.are_equal
    assert read_again[0] == 0
    for name in (
        "days",
        "baskets",
        "sales_minor",
        "returns_minor",
        "discounts_minor",
        "cost_parts",
    ):
        assert found.query[name].n_unique() > 5, f"{name} says nothing"


def test_parts_of_a_file_in_another_order_are_put_together(
    tmp_path: Path, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Groups of rows are written as they are done: each is sorted, their order is not."""

    def shuffled(warehouse: Warehouse, expression: Any) -> list[Any]:
        parts = warehouse.arrow(expression).to_batches(max_chunksize=70)
        return [parts[place] for place in np.random.default_rng(1).permutation(len(parts))]

    monkeypatch.setattr(Warehouse, "batches", shuffled)
    assert Found(tmp_path, [lines(900, 1)], company).are_equal


def test_lines_of_unknown_products_do_not_make_the_history_be_read_again(
    tmp_path: Path, company: Company, read_again: list[int]
) -> None:
    assert Found(tmp_path, [lines(20_000, 1, customers=900)], company).are_equal
    assert read_again == [0, 0]


def test_files_of_months_that_follow_one_another_are_put_together(
    tmp_path: Path, company: Company, read_again: list[int]
) -> None:
    months = [lines(300, seed, since=100 * seed, days=99) for seed in (1, 2, 0)]
    assert Found(tmp_path, months, company).are_equal
    assert read_again == [0, 0]


def test_customers_in_files_about_the_same_months_are_read_again(
    tmp_path: Path, company: Company, monkeypatch: pytest.MonkeyPatch, read_again: list[int]
) -> None:
    monkeypatch.setattr(Warehouse, "batches", cut_to(100))
    overlapping = [lines(300, 1), lines(300, 2), lines(60, 3, customers=3)]
    assert Found(tmp_path, overlapping, company).are_equal
    assert min(read_again) > 0


def test_orders_that_come_back_after_others_of_the_day_are_one_basket(
    tmp_path: Path, company: Company, read_again: list[int]
) -> None:
    assert Found(
        tmp_path, [lines(900, 1, customers=6, days=20, late=0.3, products=4)], company
    ).are_equal
    assert max(read_again) > 0


def test_orders_not_compared_would_count_baskets_twice(
    tmp_path: Path, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without comparing the orders of busy days, the test above would fail."""
    monkeypatch.setattr(module, "_BASKETS_TO_COMPARE", 1_000)
    found = Found(tmp_path, [lines(900, 1, customers=6, days=20, late=0.3, products=4)], company)
    assert found.passed["baskets"].sum() > found.query["baskets"].sum()


def test_runs_that_touch_would_count_a_day_twice(
    tmp_path: Path, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without looking at what touches, the test above would fail."""
    monkeypatch.setattr(Warehouse, "batches", cut_to(100))
    put_together = module._put_together
    monkeypatch.setattr(
        module,
        "_put_together",
        lambda runs: put_together(runs.with_columns(latest=pl.col("earliest") - 1)),
    )
    found = Found(tmp_path, [lines(300, 1), lines(300, 1)], company)
    assert found.passed["days"].sum() > found.query["days"].sum()


def test_nothing_seen_is_nobody(tmp_path: Path, company: Company) -> None:
    found = Found(tmp_path, [lines(30, 1, since=500)], company)
    assert found.are_equal
    assert len(found.passed) == 0
