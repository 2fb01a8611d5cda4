"""Which customers does the file speak of, and which of them are new?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import ibis
import pyarrow as pa
from ibis import _

from patronage.access.vault import digest_of
from patronage.identify.imports.source import Workspace
from patronage.identify.mapping import CustomerColumn, Mapping
from patronage.identify.mapping.targets import EVENT_FIELD
from patronage.identify.models import Identifier
from patronage.vocabulary.company import Company
from patronage.vocabulary.ids import IdPrefix, new_ids
from patronage.vocabulary.periods import BusinessCalendar

#: Above this many names it is quicker to look at all identifiers of the kind than to ask for each.
_ASK_FOR_EACH: Final = 10_000
NEW_SCHEMA: Final = pa.schema(
    [
        ("customer_id", pa.string()),
        ("source_kind", pa.string()),
        ("source_value", pa.string()),
        ("kind", pa.string()),
        ("label", pa.string()),
        ("entry", pa.string()),
        ("entered_at", pa.timestamp("us", "UTC")),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Who the names in the file are."""

    #: Arrow table (customer_value, customer_id): found, or drawn for new ones
    ids: Any
    #: Arrow table (customer_id) of the new ones
    new: Any


def identify(work: Workspace, rule: CustomerColumn, rows: Any) -> Known:
    """Find the customers that the rows name; draw ids for new ones where the mapping makes some."""
    named = work.backend.to_pyarrow(
        rows.select("customer_value").distinct().order_by("customer_value")
    )
    names = named["customer_value"].to_pylist()
    values = list(map(partial(digest_of, rule.kind), names)) if rule.personal else names
    found = _look_up(rule.kind, values)
    unknown = [value for value in dict.fromkeys(values) if value not in found]
    # Spellings of one personal identifier (capitals, blanks) share a digest, hence an id.
    drawn = dict(zip(unknown, new_ids(IdPrefix.CUSTOMER, len(unknown)), strict=True))
    known = found | drawn if rule.create else found
    ids = pa.table(
        {
            "customer_value": pa.array(names, pa.string()),
            "customer_id": pa.array(map(known.get, values), pa.string()),
        }
    ).drop_null()
    made = pa.array(drawn.values() if rule.create else (), pa.string())
    return Known(ids=ids, new=pa.table({"customer_id": made}))


def new_customers(
    work: Workspace, mapping: Mapping, company: Company, rows: Any, landed: Any, known: Known | None
) -> Any:
    """Give the customers to create: the new ones of whom at least one row lands."""
    rule, event = mapping.customer, EVENT_FIELD[mapping.dataset]
    if rule is None or event is None or known is None or not known.new.num_rows:
        return NEW_SCHEMA.empty_table()
    new = work.keep(known.new, "new_ids").rename(new_id="customer_id")
    kept = rows.semi_join(landed, "line")
    kept = kept.semi_join(new, kept.customer_id == new.new_id)
    entered = kept.group_by("customer_id").aggregate(
        customer_value=kept.customer_value.min(), entered_at=kept[event].min()
    )
    first = entered.entered_at
    panel: Any = ibis.literal(False)
    if mapping.panel_entry_until is not None:
        end = BusinessCalendar(company.time_zone).end_of_day(mapping.panel_entry_until)
        panel = first < ibis.literal(end, type="timestamp('UTC')")
    before, shown, after = rule.label.partition("{}")
    label: Any = ibis.literal(before)
    if shown:
        label = (label + entered.customer_value + ibis.literal(after)).substr(0, 80)
    table = entered.select(
        customer_id=entered.customer_id,
        source_kind=ibis.literal(rule.kind),
        source_value=entered.customer_value,
        kind=ibis.literal(rule.customer_kind),
        label=label,
        entry=ibis.ifelse(panel, "panel", "acquired"),
        entered_at=first,
    ).order_by(_.entered_at, _.source_value)
    return work.backend.to_pyarrow(table).cast(NEW_SCHEMA)


def _look_up(kind: str, values: list[str]) -> dict[str, str]:
    rows = Identifier.objects.filter(kind=kind)
    if len(values) <= _ASK_FOR_EACH:
        rows = rows.filter(value__in=values)
    return dict(rows.values_list("value", "customer_id"))
