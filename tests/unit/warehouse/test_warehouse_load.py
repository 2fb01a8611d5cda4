"""Does the warehouse hold at a million rows, and with many readers beside a writer?"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest

from patronage.warehouse import UnknownEngine, Warehouse
from patronage.warehouse.schemas import CUSTOMER_FACTS

FACTS = CUSTOMER_FACTS.name
MILLION = 1_000_000


def a_million_lines() -> Any:
    random = np.random.default_rng(20170101)
    customer = random.integers(0, 20_000, MILLION)

    def text(prefix: str, values: Any) -> Any:
        names = pa.array([f"{prefix}{value:08d}" for value in range(int(values.max()) + 1)])
        return pa.DictionaryArray.from_arrays(pa.array(values, pa.int32()), names)

    def same(value: str) -> Any:
        return pa.array([value]).take(pa.array(np.zeros(MILLION, dtype=np.int32)))

    return pa.table(
        {
            "customer_id": text("cus_", customer),
            "order_id": text("ord_", random.integers(0, 100_000, MILLION)),
            "line_number": pa.array(np.arange(MILLION, dtype=np.int32)),
            "product_id": text("prd_", random.integers(0, 5_000, MILLION)),
            "ordered_at": pa.array(
                1_483_228_800_000_000 + random.integers(0, 31_536_000, MILLION) * 1_000_000,
                pa.timestamp("us", tz="UTC"),
            ),
            "quantity": pa.array(np.ones(MILLION)),
            "amount_minor": pa.array(random.integers(1, 5_000, MILLION)),
            "currency": same("USD"),
            "kind": same("sale"),
            "import_id": same("imp_1"),
        }
    )


def test_a_million_lines_are_appended_and_add_up(warehouse: Warehouse) -> None:
    lines = a_million_lines()
    manifest = warehouse.append("order_lines", lines, base=None)
    table = warehouse.read("order_lines", manifest.number)
    per_customer = warehouse.polars(
        table.group_by("customer_id").agg(total=table.amount_minor.sum(), lines=table.count())
    )
    expected = np.bincount(
        lines["customer_id"].combine_chunks().indices, weights=lines["amount_minor"]
    )
    assert manifest.rows == per_customer["lines"].sum() == MILLION
    found = per_customer.sort("customer_id")["total"].to_numpy().astype(float)
    np.testing.assert_array_equal(found, expected[expected > 0])


def test_readers_beside_a_writer_see_whole_committed_states_only(
    warehouse: Warehouse, rows: Callable[..., Any]
) -> None:
    """Each state n holds n times the same 500 rows; a torn one would hold something else."""
    batch = rows(CUSTOMER_FACTS, 500)
    committed = [warehouse.append(FACTS, batch, base=None).number]
    wrong: list[object] = []
    reads = [0] * 4
    done = threading.Event()

    def read(reader: int) -> None:
        try:
            while not done.is_set() or not reads[reader]:
                number = committed[-1]
                table = warehouse.read(FACTS, number)
                expression = table.aggregate(rows=table.count(), sum=table.value_number.sum())
                found = warehouse.arrow(expression).to_pylist()[0]
                expected = {"rows": 500 * number, "sum": number * (499 * 500 / 2 + 500 * 0.25)}
                if found != expected:
                    wrong.append((number, found))
                reads[reader] += 1
        except Exception as error:
            wrong.append(error)

    readers = [threading.Thread(target=read, args=(reader,)) for reader in range(4)]
    for thread in readers:
        thread.start()
    for _ in range(12):
        committed.append(warehouse.append(FACTS, batch, base=committed[-1]).number)
    done.set()
    for thread in readers:
        thread.join()
    assert wrong == []
    assert min(reads) > 0
    assert committed == list(range(1, 14))


def test_an_expression_built_in_one_thread_runs_in_another_in_utc(
    warehouse: Warehouse, rows: Callable[..., Any]
) -> None:
    warehouse.append(FACTS, rows(CUSTOMER_FACTS, 3), base=None)
    here = warehouse.read(FACTS, 1)
    found: list[Any] = []

    def elsewhere() -> None:
        there = warehouse.read(FACTS, 1)
        joined = here.join(there, "customer_id").count()
        zone = warehouse.connection.con.sql("SELECT current_setting('TimeZone')").fetchone()
        found.extend((warehouse.connection.execute(joined), zone))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found == [3, ("UTC",)]


def test_batches_may_be_taken_while_the_same_thread_asks_something_else(
    warehouse: Warehouse, rows: Callable[..., Any]
) -> None:
    warehouse.append(FACTS, rows(CUSTOMER_FACTS, 5000), base=None)
    table = warehouse.read(FACTS, 1)
    wanted = ibis.memtable(pa.table({"customer_id": [f"v_{n:04d}" for n in range(0, 5000, 2)]}))
    taken = 0
    for batch in warehouse.batches(table.semi_join(wanted, "customer_id"), rows=1000):
        assert warehouse.connection.execute(table.count()) == 5000
        taken += batch.num_rows
    assert taken == 2500


def test_an_in_memory_table_met_in_one_thread_is_known_in_the_next(
    warehouse: Warehouse, rows: Callable[..., Any]
) -> None:
    warehouse.append(FACTS, rows(CUSTOMER_FACTS, 5), base=None)
    wanted = ibis.memtable(pa.table({"customer_id": ["v_0001", "v_0004"]}))
    matches = warehouse.read(FACTS, 1).semi_join(wanted, "customer_id").count()
    found = [warehouse.connection.execute(matches)]

    def elsewhere() -> None:
        found.append(warehouse.connection.execute(matches))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found == [2, 2]


def test_in_memory_tables_are_let_go_when_nobody_holds_their_expression(
    warehouse: Warehouse,
) -> None:
    def memtables() -> int:
        return sum("memtable" in name for name in warehouse.connection.list_tables())

    kept = ibis.memtable(pa.table({"id": [1, 2]}))
    for number in range(5):
        passing = ibis.memtable(pa.table({"id": [number]}))
        assert warehouse.arrow(kept.semi_join(passing, "id")).num_rows == (number in (1, 2))
        del passing
        gc.collect()
    assert memtables() == 1
    assert warehouse.arrow(kept).num_rows == 2


def test_an_engine_that_is_not_built_in_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownEngine, match="'oracle' is not known; known engines: duckdb"):
        Warehouse(tmp_path, "oracle")


def test_limits_of_the_machine_reach_the_engine(tmp_path: Path) -> None:
    with Warehouse(tmp_path, threads=1, memory_limit="300MB") as warehouse:
        settings = warehouse.connection.con.sql(
            "SELECT current_setting('threads'), current_setting('memory_limit'),"
            " current_setting('temp_directory')"
        ).fetchone()
    assert settings[:2] == (1, "286.1 MiB")
    assert Path(settings[2]).parent == tmp_path / "tmp"
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_folder_the_engine_cannot_write_to_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="O'Brien has an apostrophe"):
        Warehouse(tmp_path / "O'Brien")
