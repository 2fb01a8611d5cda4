"""What do the events say of each customer in total, kept live and rebuilt from the events equal?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from typing import Any, Final

import ibis
import pyarrow as pa
from ibis import _

from patronage.access import audit, datasets
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.identify import bulk, merged
from patronage.identify.models import Profile, WaitingLine

COUNTS: Final = (
    "orders",
    "order_lines",
    "return_lines",
    "spend_minor",
    "returned_minor",
    "contacts",
    "redemptions",
)
FIRSTS: Final = ("first_order_at",)
LASTS: Final = ("last_order_at", "last_contact_at", "last_redemption_at")
FIELDS: Final = (*COUNTS, *FIRSTS, *LASTS)
_NOTHING: Final[dict[str, Any]] = dict.fromkeys(COUNTS, 0) | dict.fromkeys((*FIRSTS, *LASTS))


def totals_of(dataset: str, rows: Any, existing: Any | None = None) -> Any | None:
    """Give what rows of a dataset add to the totals, one row a customer; None where nothing.

    Args:
        dataset: name of the dataset.
        rows: Ibis table of its rows.
        existing: rows committed before, so that an order split over files counts once.
    """
    if dataset == "order_lines":
        return _of_orders(rows, existing)
    if dataset == "past_contacts":
        return rows.group_by("customer_id").aggregate(
            contacts=_.count(), last_contact_at=_.contacted_at.max()
        )
    if dataset == "redemptions":
        return rows.group_by("customer_id").aggregate(
            redemptions=_.count(), last_redemption_at=_.redeemed_at.max()
        )
    return None


def totals_from_events(came_as: Sequence[str] | None = None) -> Any:
    """Give the totals that the committed history yields: an Arrow table, one row a customer.

    Args:
        came_as: only of rows that came under these ids; None: of all.
    """
    parts = []
    into = merged.mapping()
    for dataset in ("order_lines", "past_contacts", "redemptions"):
        rows = _history(dataset)
        if came_as is not None:
            rows = rows.filter(rows.customer_id.isin(list(came_as)))
        totals = totals_of(dataset, merged.joined(rows, into) if into else rows)
        parts.append(_with_all_fields(totals))
    stacked = reduce(lambda left, right: left.union(right), parts)
    summed = stacked.group_by("customer_id").aggregate(
        **{name: stacked[name].sum().cast("int64") for name in COUNTS},
        **{name: stacked[name].min() for name in FIRSTS},
        **{name: stacked[name].max() for name in LASTS},
    )
    return datasets.warehouse().arrow(summed)


def _history(dataset: str) -> Any:
    """Give a dataset with the rows that events told and that do not stand in it yet."""
    rows = datasets.read(dataset)
    if dataset != "order_lines":
        return rows
    names = ("customer_id", "order_id", "ordered_at", "amount_minor", "kind")
    waiting = list(WaitingLine.objects.values_list(*names))
    columns = zip(names, zip(*waiting, strict=True) if waiting else [()] * len(names), strict=True)
    types = rows.select(*names).schema().to_pyarrow()
    table = pa.Table.from_pydict({name: list(some) for name, some in columns}, schema=types)
    return rows.select(*names).union(ibis.memtable(table))


def add(totals: Any) -> int:
    """Add totals (an Arrow table of `customer_id` and some fields) to the live rows.

    Runs in the caller's transaction; customers without a row get one.
    """
    table = Profile._meta.db_table
    given = [name for name in totals.column_names if name != "customer_id"]
    counts = {name: f"{name} = {table}.{name} + excluded.{name}" for name in COUNTS}
    firsts = {name: _nearer(table, name, "<") for name in FIRSTS}
    lasts = {name: _nearer(table, name, ">") for name in LASTS}
    changes = ", ".join((counts | firsts | lasts)[name] for name in given)
    columns = {name: totals[name].to_pylist() for name in totals.column_names}
    for name in COUNTS:
        if name not in columns:
            columns[name] = [0] * totals.num_rows
    columns = {("customer" if name == "customer_id" else name): v for name, v in columns.items()}
    return bulk.insert(
        Profile, columns, on_conflict=f"ON CONFLICT (customer_id) DO UPDATE SET {changes}"
    )


def derive_anew(customer_ids: Sequence[str]) -> None:
    """Give these customers and whom they absorbed the totals of their history, in a transaction.

    The absorbed have none: theirs are the kept one's.
    """
    ends = merged.ends_of(customer_ids)
    parts = merged.parts_of(dict.fromkeys(ends.get(each, each) for each in customer_ids))
    totals = totals_from_events(parts)
    Profile.objects.filter(pk__in=parts).update(**_NOTHING)
    if totals.num_rows:
        add(totals)


def rebuild(*, actor: Actor, now: datetime) -> int:
    """Replace every live row by what the events say; return the number of customers with any.

    Raises:
        NotAllowed: the actor may not import.
    """
    actor.require(Right.IMPORT)
    with atomic():
        Profile.objects.update(**_NOTHING)
        count = add(totals_from_events())
        audit.record(
            actor=actor,
            now=now,
            action="rebuild profiles",
            subject_kind="profile",
            subject_id="all",
            right=Right.IMPORT,
            before={},
            change={"customers": count},
        )
    return count


def _of_orders(rows: Any, existing: Any | None) -> Any:
    sale = rows.kind == "sale"
    lines = rows.group_by("customer_id").aggregate(
        order_lines=sale.sum().cast("int64"),
        return_lines=(~sale).sum().cast("int64"),
        spend_minor=rows.amount_minor.sum().cast("int64"),
        returned_minor=ibis.ifelse(sale, 0, -rows.amount_minor).sum().cast("int64"),
        first_order_at=rows.ordered_at.min(where=sale),
        last_order_at=rows.ordered_at.max(where=sale),
    )
    orders = rows.filter(sale).select("customer_id", "order_id").distinct()
    if existing is not None:
        before = existing.filter(existing.kind == "sale").select("customer_id", "order_id")
        orders = orders.anti_join(before, ["customer_id", "order_id"])
    counted = orders.group_by("customer_id").aggregate(orders=_.count())
    joined = lines.left_join(counted, "customer_id").drop("customer_id_right")
    return joined.mutate(orders=joined.orders.fill_null(0))


def _with_all_fields(totals: Any) -> Any:
    return totals.select(
        "customer_id",
        **{n: totals[n] if n in totals.columns else ibis.literal(0, "int64") for n in COUNTS},
        **{
            n: totals[n] if n in totals.columns else ibis.null("timestamp('UTC', 6)")
            for n in (*FIRSTS, *LASTS)
        },
    )


def _nearer(table: str, name: str, sign: str) -> str:
    """SQL that keeps the earlier or the later of two instants, one of which may be unknown."""
    return (
        f"{name} = CASE WHEN {table}.{name} IS NULL OR excluded.{name} {sign} {table}.{name} "
        f"THEN excluded.{name} ELSE {table}.{name} END"
    )
