"""Whom is each event about? Found by the names it gives, or made where nobody is known so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from patronage.access.roles import Actor, Right
from patronage.identify import bulk
from patronage.identify.actions import create_customers
from patronage.identify.models import Identifier
from patronage.vocabulary.ids import IdPrefix, new_id

Names = Sequence[tuple[str, str]]


def customers_of(*, actor: Actor, now: datetime, bundles: Sequence[Names]) -> list[str | None]:
    """Give the customer of each bundle of names, the first known name counting; make the others."""
    keys = dict.fromkeys(name for bundle in bundles for name in bundle)
    values = {value for _, value in keys}
    rows = Identifier.objects.filter(kind__in={kind for kind, _ in keys}, value__in=values)
    known = {
        (kind, value): customer_id
        for kind, value, customer_id in rows.values_list("kind", "value", "customer_id")
    }
    made: dict[tuple[str, str], str] = {}
    added: list[tuple[str, str, str]] = []
    found: list[str | None] = []
    for bundle in bundles:
        customer_id = next((known[name] for name in bundle if name in known), None)
        if customer_id is None:
            customer_id = new_id(IdPrefix.CUSTOMER)
            made[bundle[0]] = known[bundle[0]] = customer_id
        for name in bundle:
            if name not in known:
                known[name] = customer_id
                added.append((customer_id, *name))
        found.append(customer_id)
    _make(actor, now, made)
    columns = list(zip(*added, strict=True)) or [(), (), ()]
    bulk.insert(
        Identifier,
        {
            "customer": columns[0],
            "kind": columns[1],
            "value": columns[2],
            "personal": [False] * len(added),
            "recorded_at": [now] * len(added),
        },
    )
    return found


def _make(actor: Actor, now: datetime, made: dict[tuple[str, str], str]) -> None:
    if not made:
        return
    count = len(made)
    rows = {
        "source_kind": [kind for kind, _ in made],
        "source_value": [value for _, value in made],
        "kind": ["person"] * count,
        "label": [f"Customer {id[-6:]}" for id in made.values()],
        "entry": ["acquired"] * count,
        "entered_at": pa.array([now] * count, pa.timestamp("us", "UTC")),
        "customer_id": list(made.values()),
    }
    create_customers(actor=actor, now=now, rows=pa.table(rows), right=Right.CAPTURE)
