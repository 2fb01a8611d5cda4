"""What the warehouse's tests stand on: a folder of their own, and rows that fit a dataset.

Run as a program with a release's name, it writes that release's fixture under `written_by`:
three rows of every dataset, which all later releases must still read. A fixture may be written
again until its release is out, and never after.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from patronage.warehouse import DATASETS, ColumnType, Dataset, Warehouse
from patronage.warehouse.columns import Column

#: Builds an Arrow table that fits a dataset: `rows` rows, columns replaced by name.
Rows = Callable[..., Any]

ARROW_TYPES = {
    ColumnType.STRING: pa.string(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.INT8: pa.int8(),
    ColumnType.INT32: pa.int32(),
    ColumnType.INT64: pa.int64(),
    ColumnType.FLOAT64: pa.float64(),
    ColumnType.DATE: pa.date32(),
    ColumnType.INSTANT: pa.timestamp("us", tz="UTC"),
}


def _value(column: Column, row: int) -> Any:
    match column.type:
        case ColumnType.STRING:
            return column.values[row % len(column.values)] if column.values else f"v_{row:04d}"
        case ColumnType.BOOLEAN:
            return row % 2 == 0
        case ColumnType.DATE:
            return date(2017, 1, 1) + timedelta(days=row)
        case ColumnType.INSTANT:
            return datetime(2017, 1, 1, tzinfo=UTC) + timedelta(hours=row, microseconds=row)
        case ColumnType.FLOAT64:
            return row + 0.25
        case _:
            return row


def sample(dataset: Dataset, count: int, **replaced: Any) -> Any:
    """Return rows that fit a dataset, the same for the same arguments."""
    columns = {
        column.name: pa.array(
            replaced.get(column.name, [_value(column, row) for row in range(count)]),
            ARROW_TYPES[column.type],
        )
        for column in dataset.columns
    }
    return pa.table(columns)


@pytest.fixture(scope="session")
def rows() -> Rows:
    """The builder of rows that fit a dataset."""
    return sample


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty folder for one warehouse."""
    return tmp_path / "history"


@pytest.fixture
def warehouse(root: Path) -> Iterator[Warehouse]:
    """A warehouse in that folder."""
    with Warehouse(root) as opened:
        yield opened


def write_fixture(release: str) -> None:
    """Write every dataset as the present code writes it."""
    kept = Path(__file__).parent / "written_by" / release
    shutil.rmtree(kept, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder, Warehouse(Path(folder)) as warehouse:
        for dataset in DATASETS.values():
            warehouse.append(dataset.name, sample(dataset, 3), base=None)
            for room in ("files", "manifests"):
                shutil.copytree(Path(folder, dataset.name, room), kept / dataset.name / room)


if __name__ == "__main__":
    write_fixture(sys.argv[1])
