"""Makes a prepared import true, in the caller's transaction: all of it, or nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from patronage.access import datasets, vault
from patronage.access.roles import Actor
from patronage.identify import bulk, merged, profiles
from patronage.identify.actions import create_customers
from patronage.identify.imports.prepare import Prepared
from patronage.identify.imports.quarantine import keep_quarantine
from patronage.identify.mapping import Mapping
from patronage.identify.models import Fact, ImportRun

_BATCH: Final = 50_000


def apply(
    run: ImportRun, prepared: Prepared, *, actor: Actor, now: datetime, mapping: Mapping
) -> None:
    """Create the customers, commit the history, add facts, totals, personal values, quarantine."""
    if prepared.new_customers.num_rows:
        personal = mapping.customer is not None and mapping.customer.personal
        create_customers(actor=actor, now=now, rows=prepared.new_customers, personal=personal)
    if prepared.manifest is not None:
        datasets.commit(dataset=mapping.dataset, manifest=prepared.manifest, cause=run.id, now=now)
    if prepared.facts is not None:
        _add_facts(run, prepared.facts, now)
    if prepared.totals is not None:
        profiles.add(prepared.totals)
        if absorbed := merged.ends_of(prepared.totals["customer_id"].to_pylist()):
            profiles.derive_anew(sorted(absorbed))
    if prepared.personal is not None:
        _add_personal(prepared.personal, now)
    keep_quarantine(run, prepared.quarantine)


def _add_facts(run: ImportRun, facts: Any, now: datetime) -> None:
    for start in range(0, facts.num_rows, _BATCH):
        part = facts.slice(start, _BATCH)
        count = part.num_rows
        bulk.insert(
            Fact,
            {
                "customer": part["customer_id"].to_pylist(),
                "name": part["name"].to_pylist(),
                "value": part["value"].to_pylist(),
                "source": part["source"].to_pylist(),
                "observed_at": part["observed_at"].to_pylist(),
                "recorded_at": [now] * count,
                "import_run": [run.id] * count,
            },
        )


def _add_personal(personal: Any, now: datetime) -> None:
    columns = (personal[name].to_pylist() for name in ("customer_id", "name", "text", "searchable"))
    vault.put_many(
        (
            vault.VaultRow(subject_id=subject, name=name, text=text, searchable=searchable)
            for subject, name, text, searchable in zip(*columns, strict=True)
        ),
        now,
    )
