"""Writes small files and imports them by a mapping given as text."""

from __future__ import annotations

from collections.abc import Mapping as Values
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from patronage.access import datasets
from patronage.access.models import DatasetVersion
from patronage.access.roles import SYSTEM
from patronage.identify.errors import ImportRefused
from patronage.identify.imports import import_file
from patronage.identify.mapping import parse_mapping
from patronage.identify.models import (
    Customer,
    Fact,
    Identifier,
    ImportRun,
    Profile,
    QuarantinedRow,
)

SALES = """
dataset = "order_lines"
format = "csv"
currency = "USD"
key = ["order_id", "product_id"]
returns = "negative quantity and amount"

[customer]
column = "card"
kind = "card"
label = "Card {}"

[columns]
order_id.from = "receipt"
product_id.from = "article"
ordered_at.from = "at"
quantity.from = "pieces"
amount.from = "paid"
"""
HEADER = "card,receipt,article,at,pieces,paid"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesIn:
    """The folder of one test, and the clock of its imports."""

    folder: Path
    now: datetime

    def write(self, content: str | bytes, name: str = "sales.csv") -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def bring(
        self, content: str | bytes, mapping: str = SALES, *, name: str = "sales.csv"
    ) -> ImportRun:
        return self.bring_path(self.write(content, name), mapping)

    def bring_path(self, path: Path, mapping: str = SALES) -> ImportRun:
        return import_file(
            actor=SYSTEM, now=self.now, mapping=parse_mapping(mapping, name="test"), path=path
        )

    def sales(self, *rows: str, mapping: str = SALES, name: str = "sales.csv") -> ImportRun:
        """Import rows under the header of the sales file."""
        return self.bring("\n".join([HEADER, *rows, ""]), mapping, name=name)

    def refused(
        self, content: str | bytes, mapping: str = SALES, *, name: str = "sales.csv"
    ) -> ImportRun:
        """Import a file of which nothing may land; return the run that says why."""
        before = everything()
        with pytest.raises(ImportRefused) as caught:
            self.bring(content, mapping, name=name)
        assert everything() == before
        run = ImportRun.objects.get(id=caught.value.run.id)
        assert run.state == "refused"
        assert run.error in str(caught.value)
        return run


def counts(run: ImportRun) -> tuple[int, int, int, int]:
    """Rows read, landed, repeated, quarantined, which must add up."""
    found = run.rows_read, run.rows_landed, run.rows_repeated, run.rows_quarantined
    assert found[0] == sum(found[1:])
    return found


def quarantined(run: ImportRun) -> list[tuple[int, str, str]]:
    rows = QuarantinedRow.objects.filter(run=run).order_by("line")
    found = list(rows.values_list("line", "column", "reason"))
    assert len(found) == run.rows_quarantined
    return found


def stored(dataset: str = "order_lines") -> list[dict[str, Any]]:
    """The committed rows of a dataset, without ids that are drawn at random."""
    rows: list[dict[str, Any]] = datasets.warehouse().arrow(datasets.read(dataset)).to_pylist()
    named = dict(Identifier.objects.values_list("customer_id", "value"))
    for row in rows:
        row.pop("import_id")
        if "customer_id" in row:
            row["customer"] = named[row.pop("customer_id")]
    return sorted(rows, key=lambda row: str(sorted(row.items(), key=str)))


def everything() -> dict[str, Any]:
    """What an import may change; runs and their quarantine apart."""
    models = (Customer, Identifier, Fact, Profile, DatasetVersion)
    state: dict[str, Any] = {m.__name__: list(m.objects.order_by("pk").values()) for m in models}
    return state


def totals() -> Values[str, Values[str, Any]]:
    """Live totals by the customer's identifier."""
    named = dict(Identifier.objects.values_list("customer_id", "value"))
    rows: list[dict[str, Any]] = [dict(row) for row in Profile.objects.values()]
    return {named[row.pop("customer_id")]: row for row in rows}
