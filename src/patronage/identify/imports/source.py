"""Opens the file (and the one joined to it) as a table of raw columns with line numbers."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from patronage.identify.errors import FileUnfit
from patronage.identify.imports.csv_file import FAULT_SCHEMA, LINE, CsvFile, check_names
from patronage.identify.mapping import Mapping

#: Column that is NULL where the joined file has no row.
JOINED: Final = "__patronage_joined__"


class Workspace:
    """Tables made on the way, forgotten at the end whatever happens."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self._token = secrets.token_hex(8)
        self._made: list[tuple[str, bool]] = []

    def keep(self, rows: Any, name: str) -> Any:
        """Compute an expression, or take an Arrow table, as a table of this workspace."""
        full = self._name(name, view=False)
        return self.backend.create_table(full, rows)

    def text_table(self, name: str, columns: tuple[str, ...]) -> tuple[Any, Callable[[Any], None]]:
        """Make an empty table of text columns and lines; return it and what adds rows to it."""
        full = self._name(name, view=False)
        schema = ibis.schema(dict.fromkeys(columns, "string") | {LINE: "int64"})
        table = self.backend.create_table(full, schema=schema)
        return table, lambda rows: self.backend.insert(full, rows)

    def parquet(self, path: Path, name: str) -> Any:
        """Show a Parquet file with its row numbers."""
        full = self._name(name, view=True)
        table = self.backend.read_parquet(path, table_name=full, file_row_number=True)
        return table.mutate(**{LINE: table.file_row_number + 1}).drop("file_row_number")

    def close(self) -> None:
        """Forget every table."""
        for name, view in reversed(self._made):
            drop = self.backend.drop_view if view else self.backend.drop_table
            drop(name, force=True)
        self._made.clear()

    def _name(self, name: str, *, view: bool) -> str:
        full = f"import_{name}_{self._token}_{len(self._made)}"
        self._made.append((full, view))
        return full


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The rows of a file as they stand there."""

    #: table of raw columns, LINE, and JOINED where a second file completes the rows
    rows: Any
    #: rows in the file, malformed ones included
    read: int
    #: Arrow table (line, reason) of malformed rows
    malformed: Any


def digest_of(path: Path, mapping: Mapping) -> str:
    """Return the SHA-256 of the file, or of it and the one joined to it."""
    digests = [_digest(path)]
    if mapping.join is not None:
        digests.append(_digest(path.parent / mapping.join.file))
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def open_source(work: Workspace, mapping: Mapping, path: Path) -> Source:
    """Read the file as the mapping says.

    Raises:
        FileUnfit: it cannot be read, or its columns are not those of the mapping.
    """
    first = _open(work, mapping, path, "file")
    columns = [name for name in first.rows.columns if name != LINE]
    if mapping.join is None:
        _check_columns(mapping, columns)
        return first
    second = _open(work, mapping, path.parent / mapping.join.file, "joined")
    if second.malformed.num_rows:
        line, reason = (second.malformed[name][0].as_py() for name in ("line", "reason"))
        raise FileUnfit(f"{mapping.join.file}, line {line:,}: {reason}. Mend it first.")
    others = [name for name in second.rows.columns if name != LINE]
    shared = [name for name in columns if name in others and name != mapping.join.on]
    if shared:
        raise FileUnfit(
            f"{path.name} and {mapping.join.file} both have a column {shared[0]!r}. Rename one."
        )
    for name, file in ((path.name, columns), (mapping.join.file, others)):
        if mapping.join.on not in file:
            raise FileUnfit(f"{name} has no column {mapping.join.on!r} to join on.")
    _check_columns(mapping, [*columns, *others])
    return Source(
        rows=_joined(first.rows, second.rows, mapping.join.on, mapping.join.file),
        read=first.read,
        malformed=first.malformed,
    )


def _joined(first: Any, second: Any, on: str, file: str) -> Any:
    second = second.drop(LINE).mutate(**{JOINED: ibis.literal(True)})
    repeated = second.group_by(on).aggregate(n=second.count()).filter(lambda t: t.n > 1)
    if repeated.count().execute():
        raise FileUnfit(f"{file} has more than one row with the same {on!r}. Keep one each.")
    renamed = second.rename({"__patronage_on__": on})
    return first.left_join(renamed, first[on] == renamed["__patronage_on__"]).drop(
        "__patronage_on__"
    )


def _open(work: Workspace, mapping: Mapping, path: Path, name: str) -> Source:
    if not path.is_file():
        raise FileUnfit(f"There is no file {path.name} in {path.parent}.")
    if path.stat().st_size == 0:
        raise FileUnfit(f"{path.name} is empty.")
    opened = (
        _csv(work, mapping, path, name) if mapping.format == "csv" else _parquet(work, path, name)
    )
    if opened.read == 0:
        raise FileUnfit(f"{path.name} holds no rows.")
    return opened


def _csv(work: Workspace, mapping: Mapping, path: Path, name: str) -> Source:
    file = CsvFile(path, mapping.csv)
    rows, add = work.text_table(name, file.header)
    for batch in file.batches():
        add(batch)
    malformed = pa.concat_tables(file.faults) if file.faults else FAULT_SCHEMA.empty_table()
    return Source(rows=rows, read=file.rows, malformed=malformed)


def _parquet(work: Workspace, path: Path, name: str) -> Source:
    try:
        metadata = pq.read_metadata(path)
        check_names(metadata.schema.to_arrow_schema().names)
        rows = work.parquet(path.absolute(), name)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise FileUnfit(
            f"{path.name} is not a Parquet file that can be read ({str(error).splitlines()[0]})."
        ) from error
    return Source(rows=rows, read=metadata.num_rows, malformed=FAULT_SCHEMA.empty_table())


def _check_columns(mapping: Mapping, found: list[str]) -> None:
    missing = [name for name in mapping.sources if name not in found]
    if missing:
        raise FileUnfit(
            f"The file has no column {', '.join(map(repr, missing))}, which the mapping names. "
            f"It has: {', '.join(dict.fromkeys(found))}."
        )
    known = {*mapping.sources, *mapping.ignore}
    unknown = [name for name in dict.fromkeys(found) if name not in known]
    if unknown:
        raise FileUnfit(
            f"The mapping does not know the file's column {', '.join(map(repr, unknown))}. "
            "Map each one, or list it under ignore."
        )


def _digest(path: Path) -> str:
    if not path.is_file():
        raise FileUnfit(f"There is no file {path.name} in {path.parent}.")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
