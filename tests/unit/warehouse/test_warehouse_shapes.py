"""Are rows that do not fit refused whole, and are those that fit kept exactly?"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from patronage.warehouse import (
    DATASETS,
    Dataset,
    NewerSchema,
    RowsDoNotFit,
    SchemaChanged,
    Warehouse,
)
from patronage.warehouse.columns import float64, string
from patronage.warehouse.schemas import CUSTOMER_FACTS, ORDER_LINES

FACTS = CUSTOMER_FACTS.name
RELEASES = sorted((Path(__file__).parent / "written_by").iterdir())


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=lambda dataset: dataset.name)
def test_rows_come_back_as_they_went_in(
    warehouse: Warehouse, rows: Callable[..., Any], dataset: Dataset
) -> None:
    given = rows(dataset, 50)
    warehouse.append(dataset.name, given.select(given.column_names[::-1]), base=None)
    back = warehouse.arrow(warehouse.read(dataset.name, 1))
    order = [(name, "ascending") for name in dataset.sort_by]
    assert back.sort_by(order).to_pylist() == given.sort_by(order).to_pylist()


def test_missing_nullable_columns_are_filled_with_null(
    warehouse: Warehouse, rows: Callable[..., Any]
) -> None:
    given = rows(CUSTOMER_FACTS, 2).drop(["value_text"])
    untyped = given.set_column(2, "value_number", pa.nulls(2))
    warehouse.append(FACTS, untyped, base=None)
    back = warehouse.polars(warehouse.read(FACTS, 1))
    assert back["value_text"].null_count() == back["value_number"].null_count() == 2


def changed(given: Any, name: str, values: Any) -> Any:
    return given.set_column(given.column_names.index(name), name, values)


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "unknown column": (lambda t: t.append_column("shoe_size", pa.array([1, 2])), "shoe_size"),
    "missing columns": (
        lambda t: t.drop(["currency", "order_id"]),
        "missing required columns order_id, currency",
    ),
    "untyped required column": (
        lambda t: changed(t, "currency", pa.nulls(2)),
        "missing required columns currency",
    ),
    "null in a required column": (
        lambda t: changed(t, "customer_id", pa.array(["a", None])),
        "customer_id is NULL in 1 rows",
    ),
    "cents as a fraction": (
        lambda t: changed(t, "amount_minor", pa.array([1.5, 2.0])),
        "amount_minor is float64, expected int64",
    ),
    "instant without zone": (
        lambda t: changed(t, "ordered_at", pa.array([datetime(2017, 1, 1)] * 2)),  # noqa: DTZ001  the missing zone is the point
        "ordered_at is timestamp.*expected a timestamp with a time zone",
    ),
    "overflow": (
        lambda t: changed(t, "line_number", pa.array([1, 2**40])),
        "1099511627776",
    ),
    "word not on the list": (
        lambda t: changed(t, "kind", pa.array(["sale", "gift"])),
        "kind is none of sale, return in 1 rows",
    ),
    "not a number": (
        lambda t: changed(t, "quantity", pa.array([float("nan"), float("inf")])),
        "quantity is not a finite number in 2 rows",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_rows_that_do_not_fit_are_refused_and_leave_nothing(
    warehouse: Warehouse, rows: Callable[..., Any], root: Path, case: str
) -> None:
    spoil, reason = REFUSED[case]
    with pytest.raises(RowsDoNotFit, match=reason):
        warehouse.append("order_lines", spoil(rows(ORDER_LINES, 2)), base=None)
    assert warehouse.numbers("order_lines") == []
    assert not list(root.rglob("*.parquet"))


def test_every_kind_of_source_brings_the_same_rows(
    warehouse: Warehouse, rows: Callable[..., Any]
) -> None:
    given = rows(CUSTOMER_FACTS, 3)
    warehouse.append(FACTS, given, base=None)
    sources = (
        given.to_reader(),
        iter(given.to_batches(max_chunksize=1)),
        ibis.memtable(given),
        warehouse.read(FACTS, 1),
        warehouse.connection.con.sql(f"SELECT * FROM ({ibis.to_sql(warehouse.read(FACTS, 1))})"),
        duckdb.connect().from_arrow(given),
    )
    for source in sources:
        written = warehouse.replace(FACTS, source, base=1)
        back = warehouse.arrow(warehouse.read(FACTS, written.number).order_by("customer_id"))
        assert back.to_pylist() == given.to_pylist()


def test_no_rows_are_a_state_but_no_batches_are_no_rows(
    warehouse: Warehouse, rows: Callable[..., Any]
) -> None:
    nothing = warehouse.append(FACTS, rows(CUSTOMER_FACTS, 0), base=None)
    assert (nothing.rows, nothing.files) == (0, ())
    with pytest.raises(ValueError, match="pass an empty table"):
        warehouse.append(FACTS, iter(()), base=1)
    assert warehouse.numbers(FACTS) == [1]


def test_whole_decimals_become_money_and_dictionaries_become_text(
    warehouse: Warehouse, rows: Callable[..., Any]
) -> None:
    given = rows(ORDER_LINES, 2)
    given = changed(given, "amount_minor", pa.array([Decimal(7), Decimal(-8)], pa.decimal128(38)))
    given = changed(given, "currency", pa.array(["USD", "EUR"]).dictionary_encode())
    warehouse.append("order_lines", given, base=None)
    back = warehouse.arrow(warehouse.read("order_lines", 1).order_by("customer_id"))
    assert back["amount_minor"].to_pylist() == [7, -8]
    assert back["currency"].to_pylist() == ["USD", "EUR"]


@pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)
def test_what_earlier_releases_wrote_is_still_read_and_newer_columns_are_null(
    root: Path, rows: Callable[..., Any], release: Path
) -> None:
    shutil.copytree(release, root)
    with Warehouse(root) as warehouse:
        for name in (folder.name for folder in release.iterdir()):
            dataset = DATASETS[name]
            held = dataset.columns_at(warehouse.manifest(name, 1).schema_version)
            expected = [
                {column: value if column in held else None for column, value in row.items()}
                for row in rows(dataset, 3).to_pylist()
            ]
            assert warehouse.verify(name, 1) == ()
            back = warehouse.arrow(warehouse.read(name, 1).order_by(list(dataset.sort_by)))
            assert back.to_pylist() == expected
            assert warehouse.append(name, rows(dataset, 1), base=1).rows == 4


def test_a_version_declared_anew_after_files_were_written_with_it_is_refused(
    root: Path, rows: Callable[..., Any]
) -> None:
    with Warehouse(root) as before:
        before.append(FACTS, rows(CUSTOMER_FACTS, 2), base=None)
    anew = replace(
        CUSTOMER_FACTS, columns=(*CUSTOMER_FACTS.columns, float64("confidence", null=True))
    )
    with (
        Warehouse(root, datasets={FACTS: anew}) as after,
        pytest.raises(SchemaChanged, match="schema version 1 declares now: confidence"),
    ):
        after.read(FACTS, 1)


def test_a_column_added_later_is_null_in_older_files_and_kept_in_newer_ones(
    root: Path, rows: Callable[..., Any]
) -> None:
    later = replace(
        CUSTOMER_FACTS,
        version=2,
        columns=(
            string("half_life", null=True, since=2),
            *CUSTOMER_FACTS.columns,
            float64("confidence", null=True, since=2),
        ),
    )
    with Warehouse(root) as old:
        old.append(FACTS, rows(CUSTOMER_FACTS, 2, customer_id=["old_1", "old_2"]), base=None)
    with Warehouse(root, datasets={FACTS: later}) as new:
        new.append(FACTS, rows(later, 1, customer_id=["new"], confidence=[0.5]), base=1)
        both = new.polars(new.read(FACTS, 2).order_by("customer_id"))
        assert both["confidence"].to_list() == [0.5, None, None]
        assert both.columns == list(later.column_names)
        rewritten = new.without_rows(FACTS, ["old_2"], base=2)
        assert {file.schema_version for file in rewritten.files} == {2}
        left = new.polars(new.read(FACTS, rewritten.number).order_by("customer_id"))
        assert left["customer_id"].to_list() == ["new", "old_1"]
    with Warehouse(root) as old, pytest.raises(NewerSchema, match=r"schema version 2.*up to 1"):
        old.read(FACTS, 2)


def test_a_declaration_that_older_files_cannot_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="not nullable \\['late'\\]"):
        Dataset(
            name="broken",
            version=2,
            columns=(string("customer_id"), string("late", since=2)),
            sort_by=("customer_id",),
        )


def test_files_are_compressed_sorted_and_cut_as_another_reader_sees_them(
    warehouse: Warehouse, rows: Callable[..., Any], root: Path
) -> None:
    count = 140_000
    customers = [f"cus_{(row * 7919) % count:06d}" for row in range(count)]
    given = rows(CUSTOMER_FACTS, count, customer_id=customers, source=["survey"] * count)
    (file,) = warehouse.append(FACTS, given, base=None).files
    stored = pq.ParquetFile(root / FACTS / "files" / file.name)
    groups = [stored.metadata.row_group(index) for index in range(stored.num_row_groups)]
    assert len(groups) == 2
    assert max(group.num_rows for group in groups) <= 131_072
    assert {group.column(index).compression for group in groups for index in range(7)} == {"ZSTD"}
    assert all(group.column(5).has_dictionary_page for group in groups)
    assert stored.read()["customer_id"].to_pylist() == sorted(customers)
    assert file.rows == stored.metadata.num_rows == count
