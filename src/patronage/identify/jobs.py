"""Moves what events told to the warehouse, where values and decisions read history."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import pyarrow as pa

from patronage.access import datasets
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.identify.models import WaitingLine

_DATASET: Final = "order_lines"
_COLUMNS: Final = (
    "customer_id",
    "order_id",
    "line_number",
    "product_id",
    "ordered_at",
    "quantity",
    "amount_minor",
    "currency",
    "kind",
)


def land_orders(*, actor: Actor, now: datetime, most: int = 1_000_000) -> int:
    """Write the lines that wait into the warehouse; return how many.

    Files first, then one transaction that names them and removes the waiting rows: a line stands
    in one of the two at every instant, so that the profile's totals never change by this.

    Args:
        most: lines of one run; the next run takes the rest.

    Raises:
        NotAllowed: the actor may not import.
        DatasetMoved: an import was applied meanwhile; nothing was moved, run it again.
    """
    actor.require(Right.IMPORT)
    rows = list(WaitingLine.objects.order_by("pk")[:most].values_list("pk", "event_id", *_COLUMNS))
    if not rows:
        return 0
    ids, events, *columns = (list(column) for column in zip(*rows, strict=True))
    base = datasets.head(_DATASET)
    schema = datasets.read(_DATASET, base).schema().to_pyarrow()
    given = dict(zip(_COLUMNS, columns, strict=True)) | {"import_id": events}
    blank = dict.fromkeys((name for name in schema.names if name not in given), [None] * len(ids))
    table = pa.Table.from_pydict(given | blank, schema=schema)
    manifest = datasets.warehouse().append(_DATASET, table, base=base)
    with atomic():
        datasets.commit(dataset=_DATASET, manifest=manifest, cause="events", now=now)
        for start in range(0, len(ids), 10_000):
            WaitingLine.objects.filter(pk__in=ids[start : start + 10_000]).delete()
    return len(ids)
