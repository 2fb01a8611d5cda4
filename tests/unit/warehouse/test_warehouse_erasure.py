"""Is an erased customer gone from every byte of every file, and is everybody else still there?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest

from patronage.warehouse import Warehouse
from patronage.warehouse.schemas import CUSTOMER_FACTS, PRODUCTS

FACTS = CUSTOMER_FACTS.name
TOKEN = "cus_planted_token_7c1e"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def readable_bytes(path: Path) -> bytes:
    """Return a file's bytes and, for each compressed page in it, the bytes that were compressed."""
    content = path.read_bytes()
    found = [content]
    position = content.find(ZSTD_MAGIC)
    while position >= 0:
        stream = pa.input_stream(pa.BufferReader(content[position:]), compression="zstd")
        try:
            while piece := stream.read(1 << 16):
                found.append(piece)
        except OSError:
            pass  # what follows the page is not compressed
        position = content.find(ZSTD_MAGIC, position + 1)
    return b"".join(found)


def files_that_tell(root: Path, token: str) -> list[str]:
    return [
        str(path)
        for path in root.rglob("*")
        if token in str(path) or (path.is_file() and token.encode() in readable_bytes(path))
    ]


@pytest.fixture
def planted(warehouse: Warehouse, rows: Callable[..., Any]) -> Warehouse:
    """Four files of 5,000 rows: the token is an id in the second, a text in the third."""
    ordinary = [f"cus_{row % 400:05d}" for row in range(5000)]
    with_id = [*ordinary[:-3], TOKEN, TOKEN, TOKEN]
    warehouse.append(FACTS, rows(CUSTOMER_FACTS, 5000, customer_id=ordinary), base=None)
    warehouse.append(FACTS, rows(CUSTOMER_FACTS, 5000, customer_id=with_id), base=1)
    warehouse.append(
        FACTS, rows(CUSTOMER_FACTS, 5000, customer_id=with_id, value_text=with_id), base=2
    )
    warehouse.append(FACTS, rows(CUSTOMER_FACTS, 5000, customer_id=ordinary), base=3)
    return warehouse


def test_an_erased_customer_is_in_no_byte_of_any_file(planted: Warehouse, root: Path) -> None:
    assert len(files_that_tell(root, TOKEN)) == 2
    erased = planted.without_rows(FACTS, [TOKEN], base=4)
    # The broken twin, which forgets to collect the old files, still tells.
    assert len(files_that_tell(root, TOKEN)) == 2
    planted.collect_garbage(FACTS, {erased.number}, spare_newer=False)
    assert files_that_tell(root, TOKEN) == []
    assert erased.rows == 20_000 - 6
    assert planted.verify(FACTS, erased.number) == ()


def test_everybody_else_is_still_there_and_files_without_the_customer_are_not_rewritten(
    planted: Warehouse,
) -> None:
    before, after = planted.manifest(FACTS, 4), planted.without_rows(FACTS, [TOKEN], base=4)
    assert {before.files[0], before.files[3]} == set(before.files) & set(after.files)
    assert len(after.files) == 4
    old, new = planted.read(FACTS, 4), planted.read(FACTS, after.number)
    lost = planted.polars(old.filter(old.customer_id != TOKEN).difference(new, distinct=False))
    gained = planted.polars(new.difference(old, distinct=False))
    assert (len(lost), len(gained)) == (0, 0)


def test_an_orphan_written_on_the_old_state_goes_with_the_erasure(
    planted: Warehouse, rows: Callable[..., Any], root: Path
) -> None:
    erased = planted.without_rows(FACTS, [TOKEN], base=4)
    planted.append(FACTS, rows(CUSTOMER_FACTS, 1), base=4)
    planted.collect_garbage(FACTS, {erased.number})
    assert len(files_that_tell(root, TOKEN)) == 2
    planted.collect_garbage(FACTS, {erased.number}, spare_newer=False)
    assert files_that_tell(root, TOKEN) == []


def test_erasing_nobody_writes_nothing(planted: Warehouse) -> None:
    assert planted.without_rows(FACTS, ["cus_never_seen"], base=4).number == 4
    assert planted.without_rows(FACTS, [], base=4).number == 4


def test_a_condition_takes_the_rows_it_is_true_for_and_leaves_those_it_is_unknown_for(
    warehouse: Warehouse, rows: Callable[..., Any]
) -> None:
    three = rows(CUSTOMER_FACTS, 3, value_text=["old", None, "new"])
    warehouse.append(FACTS, three, base=None)
    thinned = warehouse.without_rows(FACTS, lambda row: row.value_text == "old", base=1)
    left = warehouse.polars(warehouse.read(FACTS, thinned.number).order_by("customer_id"))
    assert left["value_text"].to_list() == [None, "new"]


def test_erasing_the_only_customer_leaves_an_empty_state_that_can_be_read(
    warehouse: Warehouse, rows: Callable[..., Any]
) -> None:
    warehouse.append(FACTS, rows(CUSTOMER_FACTS, 2, customer_id=["a", "a"]), base=None)
    erased = warehouse.without_rows(FACTS, ["a"], base=1)
    assert (erased.rows, erased.files) == (0, ())
    assert warehouse.arrow(warehouse.read(FACTS, erased.number)).num_rows == 0


def test_ids_are_refused_where_rows_are_about_no_customer(
    warehouse: Warehouse, rows: Callable[..., Any]
) -> None:
    warehouse.append(PRODUCTS.name, rows(PRODUCTS, 2), base=None)
    with pytest.raises(ValueError, match="products holds no rows about customers"):
        warehouse.without_rows(PRODUCTS.name, ["v_0001"], base=1)
    kept = warehouse.without_rows(
        PRODUCTS.name, lambda row: row.product_id == ibis.literal("v_0001"), base=1
    )
    assert kept.rows == 1


def test_a_single_id_is_not_taken_for_a_collection_of_letters(planted: Warehouse) -> None:
    with pytest.raises(TypeError, match="not the single text 'cus_00001'"):
        planted.without_rows(FACTS, "cus_00001", base=4)
    assert planted.numbers(FACTS) == [1, 2, 3, 4]
