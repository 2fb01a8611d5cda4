"""Works out everything an import will change, and writes the new files, before any transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
from ibis import _

from patronage.access import datasets
from patronage.access.progress import Progress
from patronage.identify import profiles
from patronage.identify.imports.customers import Known, identify, new_customers
from patronage.identify.imports.fit import fit
from patronage.identify.imports.selection import Selection, select_new, with_customers
from patronage.identify.imports.source import Workspace, open_source
from patronage.identify.mapping import Mapping
from patronage.vocabulary.company import Company
from patronage.warehouse import Manifest

QUARANTINE_SCHEMA = pa.schema(
    [("line", pa.int64()), ("column", pa.string()), ("reason", pa.string())]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What the import will change once it is applied."""

    read: int
    landed: int
    repeated: int
    #: Arrow table (line, column, reason), one row a row of the file that does not land
    quarantine: Any
    #: Arrow table for `create_customers`
    new_customers: Any
    #: the dataset's next state; None where nothing is new
    manifest: Manifest | None
    #: Arrow table for `profiles.add`; None where the dataset says nothing of totals
    totals: Any | None
    #: Arrow table (customer_id, name, value, source, observed_at)
    facts: Any | None
    #: Arrow table (customer_id, name, text, searchable)
    personal: Any | None

    @property
    def quarantined(self) -> int:
        """Rows of the file that do not land."""
        return int(self.quarantine.num_rows)


def prepare(
    work: Workspace,
    *,
    run_id: str,
    mapping: Mapping,
    path: Path,
    company: Company,
    now: datetime,
    progress: Progress,
) -> Prepared:
    """Read, check, identify, compare; then write the new rows as files that nobody reads yet.

    Raises:
        FileUnfit: the file as a whole is not what the mapping says.
    """
    progress(0.0, "reading the file")
    source = open_source(work, mapping, path)
    progress(0.2, "checking rows")
    fitted = fit(work, mapping, source, company=company, now=now)
    malformed = source.malformed.append_column("column", pa.array([""] * source.malformed.num_rows))
    refusals = [malformed, _arrow(work, fitted.misfits)]
    rows = fitted.rows
    known: Known | None = None
    if mapping.customer is not None:
        progress(0.4, "recognising customers")
        known = identify(work, mapping.customer, rows)
        rows, lost = with_customers(work, rows, known.ids)
        refusals.append(_arrow(work, _refusal(lost, mapping.customer.column, "unknown customer")))
    progress(0.5, "comparing with what is there")
    base = datasets.head(mapping.dataset)
    existing = None if base is None else datasets.read(mapping.dataset, base)
    selection = select_new(work, mapping, rows, existing)
    key = ", ".join(mapping.key) or "facts"
    refusals.append(_arrow(work, selection.conflicts.mutate(column=ibis.literal(key))))
    landed = int(selection.landed.count().execute())
    progress(0.6, "writing history")
    return Prepared(
        read=source.read,
        landed=landed,
        repeated=int(selection.repeated.count().execute()),
        quarantine=pa.concat_tables(
            [part.select(QUARANTINE_SCHEMA.names).cast(QUARANTINE_SCHEMA) for part in refusals]
        ).sort_by("line"),
        new_customers=new_customers(work, mapping, company, rows, selection.landed, known),
        manifest=_write(mapping, selection, existing, base, run_id) if landed else None,
        totals=_totals(work, mapping, selection, existing) if landed else None,
        facts=_facts(work, selection) if mapping.facts and landed else None,
        personal=_personal(work, mapping, rows, selection) if mapping.personal else None,
    )


def _write(
    mapping: Mapping,
    selection: Selection,
    existing: Any | None,
    base: int | None,
    run_id: str,
) -> Manifest | None:
    rows = selection.new.drop("line").mutate(import_id=ibis.literal(run_id))
    if mapping.dataset == "order_lines" and "line_number" not in rows.columns:
        rows = _numbered(selection.new, existing).mutate(import_id=ibis.literal(run_id))
    return datasets.warehouse().append(mapping.dataset, rows, base=base)


def _numbered(new: Any, existing: Any | None) -> Any:
    """Number the lines of each order as they stand in the file, after those already there."""
    number = ibis.row_number().over(group_by="order_id", order_by="line") + 1
    rows = new.mutate(line_number=number).drop("line")
    if existing is None:
        return rows
    before = existing.group_by("order_id").aggregate(most=_.line_number.max())
    before = before.rename(order="order_id")
    joined = rows.left_join(before, rows.order_id == before.order)
    later = joined.line_number + joined.most.fill_null(0)
    return joined.mutate(line_number=later).drop("most", "order")


def _totals(
    work: Workspace, mapping: Mapping, selection: Selection, existing: Any | None
) -> Any | None:
    totals = profiles.totals_of(mapping.dataset, selection.new, existing)
    return None if totals is None else _arrow(work, totals)


def _facts(work: Workspace, selection: Selection) -> Any:
    new = selection.new
    return _arrow(
        work,
        new.select(
            "customer_id",
            "name",
            value=ibis.coalesce(new.value_text, new.value_number.cast("string")),
            source=new["source"],
            observed_at=new.observed_at,
        ),
    )


def _personal(work: Workspace, mapping: Mapping, rows: Any, selection: Selection) -> Any:
    """Give each customer's last stated value of each personal column."""
    kept = rows.semi_join(selection.landed, "line")
    parts = []
    for index, personal in enumerate(mapping.personal):
        value = kept[f"personal_{index}"]
        stated = kept.filter(value.notnull())
        last = stated.group_by("customer_id").aggregate(
            text=stated[f"personal_{index}"].argmax(stated.line)
        )
        parts.append(
            _arrow(
                work,
                last.mutate(
                    name=ibis.literal(personal.name), searchable=ibis.literal(personal.searchable)
                ),
            )
        )
    return pa.concat_tables(parts)


def _refusal(lines: Any, column: str, reason: str) -> Any:
    return lines.mutate(column=ibis.literal(column), reason=ibis.literal(reason))


def _arrow(work: Workspace, expression: Any) -> Any:
    return work.backend.to_pyarrow(expression)
