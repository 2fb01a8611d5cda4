"""What do orders told by events add to their customers' totals, and to the warehouse?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow as pa

from patronage.identify import bulk, profiles
from patronage.identify.events.plan import Line
from patronage.identify.models import CapturedOrder, WaitingLine

_OF_LINES: Final = (
    "order_id",
    "line_number",
    "product_id",
    "quantity",
    "amount_minor",
    "currency",
    "kind",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An order that one event told."""

    event_id: str
    customer_id: str
    ordered_at: datetime
    lines: Sequence[Line]


def add(told: Sequence[Told]) -> None:
    """Add orders to the live totals and to the lines that wait, in the caller's transaction.

    Sums, firsts and lasts only: in whatever order events come, the totals are the same.
    """
    if not told:
        return
    rows = [(each, line) for each in told for line in each.lines]
    columns: dict[str, list[Any]] = {
        "customer": [each.customer_id for each, _ in rows],
        "event_id": [each.event_id for each, _ in rows],
        "ordered_at": [each.ordered_at for each, _ in rows],
    }
    for name in _OF_LINES:
        columns[name] = [getattr(line, name) for _, line in rows]
    bulk.insert(WaitingLine, columns)
    profiles.add(_totals(rows, _note_orders(rows)))


def _note_orders(rows: Sequence[tuple[Told, Line]]) -> dict[str, int]:
    """Note which orders are told for the first time; give how many by customer."""
    orders = {(line.order_id, each.customer_id) for each, line in rows if line.kind == "sale"}
    known = CapturedOrder.objects.filter(order_id__in={order for order, _ in orders})
    new = sorted(orders - set(known.values_list("order_id", "customer_id")))
    bulk.insert(
        CapturedOrder,
        {"order_id": [order for order, _ in new], "customer": [who for _, who in new]},
    )
    counts: dict[str, int] = {}
    for _, who in new:
        counts[who] = counts.get(who, 0) + 1
    return counts


def _totals(rows: Sequence[tuple[Told, Line]], orders: dict[str, int]) -> Any:
    """Give what the lines add, one row a customer, in the order of their ids: no two deadlock."""
    table = pa.table(
        {
            "customer_id": [each.customer_id for each, _ in rows],
            "sale": [int(line.kind == "sale") for _, line in rows],
            "return": [int(line.kind == "return") for _, line in rows],
            "spend": [line.amount_minor for _, line in rows],
            "returned": [-line.amount_minor if line.kind == "return" else 0 for _, line in rows],
            "ordered_at": pa.array(
                [each.ordered_at if line.kind == "sale" else None for each, line in rows],
                pa.timestamp("us", "UTC"),
            ),
        }
    )
    summed = table.group_by("customer_id").aggregate(
        [
            *((name, "sum") for name in ("sale", "return", "spend", "returned")),
            ("ordered_at", "min"),
            ("ordered_at", "max"),
        ]
    )
    names = ("order_lines", "return_lines", "spend_minor", "returned_minor")
    given = ("sale_sum", "return_sum", "spend_sum", "returned_sum")
    columns = {name: summed[column] for name, column in zip(names, given, strict=True)}
    columns |= {
        "first_order_at": summed["ordered_at_min"],
        "last_order_at": summed["ordered_at_max"],
    }
    who = summed["customer_id"].to_pylist()
    counted = pa.array([orders.get(each, 0) for each in who], pa.int64())
    return pa.table({"customer_id": summed["customer_id"], "orders": counted} | columns).sort_by(
        "customer_id"
    )
