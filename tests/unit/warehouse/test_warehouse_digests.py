"""Is a file that is no longer what its manifest says found and named?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from patronage.warehouse import Warehouse
from patronage.warehouse.schemas import VALUATIONS

NAME = VALUATIONS.name


@pytest.fixture
def written(warehouse: Warehouse, rows: Callable[..., Any], root: Path) -> Path:
    manifest = warehouse.append(NAME, rows(VALUATIONS, 500), base=None)
    return root / NAME / "files" / manifest.files[0].name


def what_differs(warehouse: Warehouse) -> dict[str, str]:
    return {difference.what: difference.file for difference in warehouse.verify(NAME, 1)}


def test_untouched_files_do_not_differ(warehouse: Warehouse, written: Path) -> None:
    assert warehouse.verify(NAME, 1) == ()


def test_one_flipped_bit_is_found_and_named(warehouse: Warehouse, written: Path) -> None:
    content = bytearray(written.read_bytes())
    content[len(content) // 2] ^= 1
    written.write_bytes(content)
    assert what_differs(warehouse)["sha256"] == written.name


def test_rows_taken_out_of_a_file_are_counted(warehouse: Warehouse, written: Path) -> None:
    pq.write_table(pq.read_table(written).slice(0, 499), written)
    assert set(what_differs(warehouse)) == {"bytes", "sha256", "rows"}
    assert any("rows expected 500, found 499" in str(found) for found in warehouse.verify(NAME, 1))


def test_a_file_cut_short_is_unreadable(warehouse: Warehouse, written: Path) -> None:
    written.write_bytes(written.read_bytes()[:-20])
    assert any("unreadable" in found.found for found in warehouse.verify(NAME, 1))


def test_a_missing_file_is_named(warehouse: Warehouse, written: Path) -> None:
    written.unlink()
    assert what_differs(warehouse) == {"missing": written.name}


def test_a_manifest_changed_on_disk_has_another_digest(
    warehouse: Warehouse, written: Path, root: Path
) -> None:
    digest = warehouse.manifest(NAME, 1).digest
    path = root / NAME / "manifests" / "00000001.json"
    path.write_text(path.read_text().replace('"rows": 500', '"rows": 501'))
    assert warehouse.manifest(NAME, 1).digest != digest
