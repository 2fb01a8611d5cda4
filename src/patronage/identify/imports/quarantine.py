"""Keeps the rows that did not fit, and hands them out as CSV that no spreadsheet executes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, Final

from patronage.identify import bulk
from patronage.identify.models import ImportRun, QuarantinedRow

#: What makes a spreadsheet take a cell for a formula, after the blanks it skips.
_TRIGGERS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
_BATCH: Final = 50_000


def keep_quarantine(run: ImportRun, rows: Any) -> None:
    """Write the rows (an Arrow table of line, column, reason) in the caller's transaction."""
    for start in range(0, rows.num_rows, _BATCH):
        part = rows.slice(start, _BATCH)
        bulk.insert(
            QuarantinedRow,
            {
                "run": [run.id] * part.num_rows,
                "line": part["line"].to_pylist(),
                "column": [name[:100] for name in part["column"].to_pylist()],
                "reason": [reason[:300] for reason in part["reason"].to_pylist()],
            },
        )


def safe_cell(value: object) -> str:
    """Write a cell so that no spreadsheet takes it for a formula: an apostrophe goes before it."""
    text = str(value)
    if text[:1] in _TRIGGERS or text.strip().startswith(_TRIGGERS):
        return f"'{text}"
    return text


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield a CSV file line by line, every cell safe."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in _with_header(header, rows):
        writer.writerow([safe_cell(cell) for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _with_header(
    header: Iterable[str], rows: Iterable[Iterable[object]]
) -> Iterator[Iterable[object]]:
    yield header
    yield from rows
