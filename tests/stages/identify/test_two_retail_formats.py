"""Two unlike retailers are read by configuration alone, into the same history."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from patronage.access import vault
from patronage.access.company import load_company
from patronage.access.roles import SYSTEM
from patronage.identify import reads
from patronage.identify.models import Customer, Identifier

from .conftest import COMPANY
from .files import FilesIn, counts, quarantined, stored, totals

GERMAN = """
dataset = "order_lines"
format = "csv"
time_zone = "Europe/Berlin"
currency = "EUR"
decimal = ","
key = ["order_id", "line_number"]
returns = { column = "Art", values = ["R"] }
ignore = ["Filiale Ort"]

[csv]
encoding = "cp1252"
delimiter = ";"

[customer]
column = "E-Mail"
kind = "email"
label = "Kunde"
personal = true

[columns.email]
from = "E-Mail"
personal = true
searchable = true

[columns.name]
from = "Name"
personal = true

[columns.order_id]
from = "Bon"

[columns.line_number]
from = "Pos"

[columns.product_id]
from = "Artikel"

[columns.ordered_at]
from = "Zeit"
format = "%d.%m.%Y %H:%M"

[columns.quantity]
from = "Menge"

[columns.amount]
from = "Betrag"
"""
GERMAN_FILE = (
    "Bon;Pos;Art;Artikel;Zeit;Menge;Betrag;E-Mail;Name;Filiale Ort\r\n"
    "B1;1;V;Brötchen;25.10.2025 09:15;2,5;1234,50;Ada@Example.com;Ada Groß;Köln\r\n"
    "B1;2;R;Käse;25.10.2025 09:15;1;3,20;ada@example.com;Ada Groß;Köln\r\n"
    'B2;1;V;Milch;01.07.2025 23:30;1;0,99;otto@example.com;"Otto; der Große";Köln\r\n'
    "B3;1;V;Milch;2025-07-01;1;0,99;otto@example.com;Otto;Köln\r\n"
)

EPOCH = """
dataset = "order_lines"
format = "parquet"
key = ["order_id", "product_id"]
returns = "negative quantity and amount"

[customer]
column = "buyer"
kind = "buyer"
customer_kind = "organisation"
label = "Buyer {}"

[constants]
quantity = 1

[columns]
order_id.from = "order"
product_id.from = "sku"
ordered_at = { from = "ms", unit = "milliseconds" }
amount = { from = "cents", unit = "minor" }
currency.from = "iso"
"""


def _in_euros(files: FilesIn) -> None:
    text = COMPANY.format(currency="EUR")
    load_company(actor=SYSTEM, now=files.now, text=text, reason="moved")


def test_a_german_till_with_marked_returns_and_personal_identifiers(files: FilesIn) -> None:
    _in_euros(files)
    run = files.bring(GERMAN_FILE.encode("cp1252"), GERMAN)
    assert counts(run) == (4, 3, 0, 1)
    assert quarantined(run) == [
        (5, "Zeit", "expected an instant as %d.%m.%Y %H:%M, found '2025-07-01'")
    ]
    lines = {(row["order_id"], row["line_number"]): row for row in stored()}
    bread, cheese, milk = lines["B1", 1], lines["B1", 2], lines["B2", 1]
    assert bread["ordered_at"] == datetime(2025, 10, 25, 7, 15, tzinfo=UTC)
    assert milk["ordered_at"] == datetime(2025, 7, 1, 21, 30, tzinfo=UTC)
    assert (bread["amount_minor"], bread["quantity"], bread["kind"]) == (123450, 2.5, "sale")
    assert (cheese["amount_minor"], cheese["quantity"], cheese["kind"]) == (-320, -1.0, "return")


def test_personal_values_are_in_the_vault_only_and_found_by_the_whole_value(
    files: FilesIn, tmp_path: Path
) -> None:
    _in_euros(files)
    files.bring(GERMAN_FILE.encode("cp1252"), GERMAN)
    assert not Identifier.objects.filter(personal=False).exists()
    [ada] = reads.search(SYSTEM, "ADA@example.com", files.now)
    assert vault.get(ada.id, "name") == "Ada Groß"
    assert reads.customer(SYSTEM, ada.id, files.now).personal["email"] == "ada@example.com"
    [otto] = reads.search(SYSTEM, "otto@example.com", files.now)
    assert vault.get(otto.id, "name") == "Otto; der Große"
    assert reads.search(SYSTEM, "otto", files.now) == []
    parquet = list((tmp_path / "warehouse").rglob("*.parquet"))
    assert parquet
    for path in parquet:
        assert b"example.com" not in pq.read_table(path).to_pandas().to_csv().encode()


def test_addresses_that_differ_in_capitals_only_are_one_customer(files: FilesIn) -> None:
    _in_euros(files)
    files.bring(GERMAN_FILE.encode("cp1252"), GERMAN)
    assert Customer.objects.count() == 2


def test_a_parquet_export_in_cents_and_milliseconds_with_a_currency_a_row(
    files: FilesIn,
) -> None:
    table = pa.table(
        {
            "buyer": pa.array([11, 11, 12]),
            "order": pa.array([1.0, 2.0, 3.0]),
            "sku": ["a", "b", "c"],
            "ms": pa.array([1_735_689_600_000, 1_735_689_600_500, None]),
            "cents": pa.array([199, 250, 300]),
            "iso": ["USD", "usd", "USD"],
        }
    )
    path = files.folder / "export.parquet"
    pq.write_table(table, path)
    run = files.bring_path(path, EPOCH)
    assert counts(run) == (3, 2, 0, 1)
    assert quarantined(run) == [(3, "ms", "it is empty")]
    assert {row["order_id"] for row in stored()} == {"1", "2"}
    assert totals()["11"]["spend_minor"] == 449
    assert totals()["11"]["last_order_at"] == datetime(2025, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)
