"""Reads a CSV file block by block into columns of text, each row with its exact line number."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv

from patronage.identify.errors import FileUnfit
from patronage.identify.imports.csv_records import Records, split_records
from patronage.identify.mapping import CsvOptions

BLOCK: Final = 8 * 1024 * 1024
LONGEST_RECORD: Final = 1024 * 1024
#: Name of the column with the line; no column of a file can be called this.
LINE: Final = "__patronage_line__"
FAULT_SCHEMA: Final = pa.schema([("line", pa.int64()), ("reason", pa.string())])


def check_names(names: Sequence[str]) -> None:
    """Refuse a file whose columns cannot be told apart, capitals aside."""
    folded = [name.casefold() for name in names]
    twice = [name for name in names if folded.count(name.casefold()) > 1]
    if twice:
        raise FileUnfit(f"The file has column {twice[0]!r} twice. Rename one.")
    if "" in folded:
        raise FileUnfit(f"Column {folded.index('') + 1} of the file has no name. Name it.")


class CsvFile:
    """One CSV file. `header` is known at once; `faults` grows while `batches` is read."""

    def __init__(self, path: Path, options: CsvOptions) -> None:
        self._path = path
        self._options = options
        self._line = 1
        self._blocks = self._complete_blocks()
        self.faults: list[Any] = []
        self.rows = 0
        self.header: tuple[str, ...] = ()
        self._first = self._read_header()

    def batches(self) -> Iterator[Any]:
        """Yield the well-formed rows: Arrow tables of text columns and `LINE`, in order."""
        yield from self._tables(self._first)
        for block in self._blocks:
            yield from self._tables(block)

    def _read_header(self) -> tuple[Any, Records, int]:
        for data, records, line in self._blocks:
            shown = np.flatnonzero(~records.blank)
            if not len(shown):
                continue
            at = int(shown[0])
            text = bytes(data[records.starts[at] : records.ends[at]]).decode()
            parsed = csv.reader(
                [text.rstrip("\r")],
                delimiter=self._options.delimiter,
                quotechar=self._options.quote or None,
                quoting=csv.QUOTE_MINIMAL if self._options.quote else csv.QUOTE_NONE,
            )
            self.header = tuple(name.strip() for name in next(parsed))
            check_names(self.header)
            records.blank[at] = True
            return data, records, line
        raise FileUnfit("The file is empty: expected a line with the names of the columns.")

    def _tables(self, block: tuple[Any, Records, int]) -> Iterator[Any]:
        data, records, line = block
        ragged = records.values != len(self.header)
        bad = (ragged | records.stray_quote | records.bare_return) & ~records.blank
        good = ~bad & ~records.blank
        lines = records.lines_before + line
        self.rows += int(bad.sum() + good.sum())
        if bad.any():
            self.faults.append(self._described(records, bad, lines))
        if good.any():
            yield self._parsed(data, records, good).append_column(LINE, pa.array(lines[good]))

    def _described(self, records: Records, bad: Any, lines: Any) -> Any:
        expected = len(self.header)
        counts, which = np.unique(records.values[bad], return_inverse=True)
        ragged = np.array([f"{n} values, but the header has {expected}" for n in counts])[which]
        reasons = np.where(
            records.stray_quote[bad],
            "a quote inside an unquoted value, or text after a closing quote",
            np.where(records.bare_return[bad], "a carriage return inside a value", ragged),
        )
        return pa.table([lines[bad], reasons.astype(str)], schema=FAULT_SCHEMA)

    def _parsed(self, data: Any, records: Records, good: Any) -> Any:
        if good.all():
            kept = data[: records.consumed]
        else:
            lengths = np.append(records.starts[1:], records.consumed) - records.starts
            kept = data[: records.consumed][np.repeat(good, lengths)]
        table = pa.csv.read_csv(
            pa.py_buffer(np.ascontiguousarray(kept)),
            read_options=pa.csv.ReadOptions(
                column_names=self.header, use_threads=False, block_size=len(kept) + 1
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=self._options.delimiter,
                quote_char=self._options.quote or False,
                newlines_in_values=True,
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(self.header, pa.string()), strings_can_be_null=False
            ),
        )
        if table.num_rows != int(good.sum()):
            raise FileUnfit(
                f"Near line {self._line:,} the values cannot be told apart: found "
                f"{table.num_rows:,} rows where {int(good.sum()):,} were expected. "
                "Write the file again with plain quotes and line ends."
            )
        return table

    def _complete_blocks(self) -> Iterator[tuple[Any, Records, int]]:
        quote = ord(self._options.quote) if self._options.quote else None
        left = b""
        for text, final in self._utf8():
            data = np.frombuffer(left + text, np.uint8)
            records = split_records(
                data, delimiter=ord(self._options.delimiter), quote=quote, final=final
            )
            if final and records.open_quote:
                line = self._line + records.lines
                raise FileUnfit(f"A quote in the record of line {line:,} is never closed.")
            left = bytes(data[records.consumed :])
            longest = int((records.ends - records.starts).max(initial=0))
            if max(longest, len(left)) > LONGEST_RECORD:
                raise FileUnfit(self._too_long(records))
            yield data, records, self._line
            self._line += records.lines

    def _too_long(self, records: Records) -> str:
        long = np.flatnonzero(records.ends - records.starts > LONGEST_RECORD)
        before = int(records.lines_before[long[0]]) if len(long) else records.lines
        return (
            f"The record of line {self._line + before:,} is longer than {LONGEST_RECORD:,} bytes. "
            "Look for a quote that is never closed, or for missing line ends."
        )

    def _utf8(self) -> Iterator[tuple[bytes, bool]]:
        """Yield the text as UTF-8, without a byte order mark, and whether it is the last piece."""
        decoder = codecs.getincrementaldecoder(self._options.encoding)("strict")
        start, lines = True, 1
        with self._path.open("rb") as file:
            while True:
                block = file.read(BLOCK)
                try:
                    text = decoder.decode(block, final=not block)
                except (UnicodeDecodeError, UnicodeError) as error:
                    raise FileUnfit(self._undecodable(error, lines)) from error
                if start and text:
                    text, start = text.removeprefix("\ufeff"), False
                encoded = text.encode("utf-8")
                lines += encoded.count(b"\n")
                yield encoded, not block
                if not block:
                    return

    def _undecodable(self, error: UnicodeError, lines: int) -> str:
        where = f"after line {lines:,}"
        if isinstance(error, UnicodeDecodeError):
            line = lines + error.object[: error.start].count(b"\n")
            where = f"in line {line:,}"
        return (
            f"The file is not {self._options.encoding} text: a byte {where} means nothing there. "
            "Set encoding under [csv] in the mapping to what it was written in, such as 'cp1252'."
        )
