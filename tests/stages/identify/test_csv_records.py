"""Records, values and line numbers agree with Python's own CSV reader on well-formed text."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patronage.identify.errors import FileUnfit
from patronage.identify.imports import csv_file
from patronage.identify.imports.csv_file import LINE, CsvFile
from patronage.identify.imports.csv_records import MOST_STRAY_QUOTES, split_records
from patronage.identify.mapping import CsvOptions

VALUE = st.text(alphabet='ab,;"\n é😀=', max_size=6)
ROWS = st.lists(st.tuples(VALUE, VALUE, VALUE), min_size=1, max_size=12)


@given(rows=ROWS, end=st.sampled_from(["\n", "\r\n"]), block=st.integers(1, 40))
@settings(max_examples=200, deadline=None)
def test_values_and_lines_are_those_of_the_standard_reader(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    end: str,
    block: int,
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("one", "two", "three"), *rows])
    path = tmp_path_factory.mktemp("csv") / "file.csv"
    path.write_bytes(text.getvalue().encode())
    reader = csv.reader(io.StringIO(text.getvalue(), newline=""))
    next(reader)
    expected, line = [], reader.line_num + 1
    for row in reader:
        expected.append((line, *row))
        line = reader.line_num + 1
    assert _read(path, block) == expected


@given(
    data=st.binary(max_size=60).map(lambda raw: bytes(b'a,"\n\r '[byte % 6] for byte in raw)),
    block=st.integers(1, 30),
)
@settings(max_examples=400, deadline=None)
def test_every_record_is_either_read_or_reported_however_the_text_is_broken(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, block: int
) -> None:
    path = tmp_path_factory.mktemp("csv") / "file.csv"
    path.write_bytes(b"one,two\n" + data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "BLOCK", block)
        found = _lines(path)
    if found is None:
        return
    file, good = found
    bad = [line for fault in file.faults for line in fault["line"].to_pylist()]
    assert len(good) + len(bad) == file.rows
    assert len({*good, *bad}) == file.rows
    assert all(2 <= line <= data.count(b"\n") + 2 for line in (*good, *bad))


def test_a_block_without_quotes_is_split_at_every_line_end() -> None:
    data = np.frombuffer(b"a,b\n\nc\n", np.uint8)
    records = split_records(data, delimiter=ord(","), quote=ord('"'), final=True)
    assert records.values.tolist() == [2, 1, 1]
    assert records.blank.tolist() == [False, True, False]
    assert records.lines_before.tolist() == [0, 1, 2]


def test_a_file_full_of_stray_quotes_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("one,two\n" + '5" pan,7" pan\n' * MOST_STRAY_QUOTES)
    with pytest.raises(FileUnfit, match="quote = ''"):
        CsvFile(path, CsvOptions())


def _lines(path: Path) -> tuple[CsvFile, list[int]] | None:
    """Lines of the rows read; None where the file is refused for a quote that never closes."""
    try:
        file = CsvFile(path, CsvOptions())
        lines = [line for batch in file.batches() for line in batch[LINE].to_pylist()]
    except FileUnfit as refused:
        if "never closed" in str(refused):
            return None
        raise
    return file, lines


def _read(path: Path, block: int) -> list[tuple[object, ...]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "BLOCK", block)
        file = CsvFile(path, CsvOptions())
        rows: list[tuple[object, ...]] = [
            (row[LINE], row["one"], row["two"], row["three"])
            for batch in file.batches()
            for row in batch.to_pylist()
        ]
    assert not file.faults
    return rows
