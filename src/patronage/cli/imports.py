"""`patronage import`: bring a file in by a mapping."""

from __future__ import annotations

from pathlib import Path

from patronage.access.errors import Refused
from patronage.cli.call import current
from patronage.cli.show import facts, rows, say, working
from patronage.identify import reads
from patronage.identify.errors import ImportRefused
from patronage.identify.imports import import_file
from patronage.identify.mapping import Mapping, load_mapping, packaged
from patronage.identify.models import ImportRun

_SHOWN = 10


def import_(file: Path, *, mapping: str) -> None:
    """Bring a file in; the same file by the same mapping again changes nothing.

    Rows that do not fit are set aside with line, column and reason. Exit status 1 where nothing
    was imported.

    Parameters
    ----------
    file
        The CSV or Parquet file.
    mapping
        Path of a mapping file (.toml), or the name of a packaged mapping.
    """
    call = current()
    began = call.clock()
    try:
        with working(f"Importing {file.name}") as progress:
            run = import_file(
                actor=call.actor,
                now=began,
                mapping=_mapping(mapping),
                path=call.path(file),
                progress=progress,
            )
    except ImportRefused as error:
        _set_aside(error.run)
        raise
    facts("", counts(run))
    _set_aside(run)
    if run.started_at < began:
        say("This file was imported before: nothing was done again.")


def counts(run: ImportRun) -> dict[str, object]:
    """Give what an import did, in numbers that add up."""
    return {
        "file": run.file_name,
        "dataset": run.dataset,
        "read": run.rows_read,
        "landed": run.rows_landed,
        "repeated": run.rows_repeated,
        "quarantined": run.rows_quarantined,
        "customers_created": run.customers_created,
        "import": run.id,
    }


def _mapping(named: str) -> Mapping:
    if named.endswith(".toml"):
        return load_mapping(current().path(Path(named)))
    found = packaged(named)
    if len(found) != 1:
        names = ", ".join(mapping.name for mapping in found)
        raise Refused(f"{named} is {len(found)} mappings. Name one of {names}.")
    return found[0]


def _set_aside(run: ImportRun) -> None:
    if not run.rows_quarantined:
        return
    page = reads.quarantine(current().actor, run.id, limit=_SHOWN)
    rows(
        "Rows that did not fit",
        [
            {"file": run.file_name, "line": row.line, "column": row.column, "reason": row.reason}
            for row in page.rows
        ],
    )
    if page.next is not None:
        say(f"… and {page.total - len(page.rows):,} more: see the import on its page.")
