"""Files that are not what they should be: refused as a whole, or quarantined row by row."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from patronage.access.errors import NotAllowed
from patronage.access.roles import Actor, Role
from patronage.identify.imports import import_file
from patronage.identify.mapping import parse_mapping
from patronage.identify.models import ImportRun

from .files import HEADER, SALES, FilesIn, counts, quarantined, stored

GOOD = "7,r1,milk,2025-03-01T10:00:00Z,2,3.98"


def test_a_good_row_lands_with_exact_money_and_its_instant(files: FilesIn) -> None:
    run = files.sales(GOOD)
    assert (run.state, counts(run), run.customers_created) == ("applied", (1, 1, 0, 0), 1)
    assert stored() == [
        {
            "customer": "7",
            "order_id": "r1",
            "line_number": 1,
            "product_id": "milk",
            "ordered_at": datetime(2025, 3, 1, 10, tzinfo=UTC),
            "quantity": 2.0,
            "amount_minor": 398,
            "list_discount_minor": None,
            "coupon_discount_minor": None,
            "currency": "USD",
            "kind": "sale",
            "store_id": None,
        }
    ]


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("7,r2,milk,2025-03-01T10:00:00Z,two,1.00", "pieces", "expected a number such as 12.5"),
        ("7,r2,milk,2025-03-01T10:00:00Z,1,1.005", "paid", "more decimals than the currency has"),
        ("7,r2,milk,2025-03-01T10:00:00Z,1,1e3", "paid", "expected an amount such as 12.50"),
        ("7,r2,milk,2025-03-01T10:00:00Z,1,NaN", "paid", "expected an amount such as 12.50"),
        ("7,r2,milk,2025-02-30T10:00:00Z,1,1.00", "at", "expected an instant"),
        ("7,r2,milk,2126-03-01T10:00:00Z,1,1.00", "at", "in the future"),
        ("7,r2,milk,,1,1.00", "at", "it is empty"),
        (",r2,milk,2025-03-01T10:00:00Z,1,1.00", "card", "it names no customer"),
        ("7,,milk,2025-03-01T10:00:00Z,1,1.00", "receipt", "it is empty"),
        ("7,r2,milk,2025-03-01T10:00:00Z,-1,1.00", "pieces", "here one of them is not"),
        ("7,r2,milk,2025-03-01T10:00:00Z,1,-1.00", "paid", "here one of them is not"),
        ("7,r2,mi\0lk,2025-03-01T10:00:00Z,1,1.00", "article", "NUL"),
        ("7,r2,milk,2025-03-01T10:00:00Z,1", "", "5 values, but the header has 6"),
        ("7,r2,milk,2025-03-01T10:00:00Z,1,1.00,x", "", "7 values, but the header has 6"),
        ('7,r2,mi"lk,2025-03-01T10:00:00Z,1,1.00', "", "a quote inside an unquoted value"),
        ('7,r2,"mi"lk,2025-03-01T10:00:00Z,1,1.00', "", "text after a closing quote"),
        ("7,r2,mi\rlk,2025-03-01T10:00:00Z,1,1.00", "", "a carriage return inside a value"),
    ],
)
def test_a_row_that_does_not_fit_is_quarantined_and_the_good_ones_land(
    files: FilesIn, row: str, column: str, reason: str
) -> None:
    run = files.sales(GOOD, row, "8,r3,tea,2025-03-02T10:00:00Z,1,2.50")
    assert counts(run) == (3, 2, 0, 1)
    [(line, named, why)] = quarantined(run)
    assert (line, named) == (3, column)
    assert reason in why
    assert {line["product_id"] for line in stored()} == {"milk", "tea"}


def test_what_a_person_may_have_typed_is_never_quoted_in_the_quarantine(files: FilesIn) -> None:
    run = files.sales(GOOD, "7,r2,milk,2025-03-01T10:00:00Z,ada@example.com,1.00")
    [(_, _, reason)] = quarantined(run)
    assert "ada" not in reason
    assert "text of 15 characters" in reason


def test_lines_are_counted_through_blank_lines_and_line_ends_inside_values(
    files: FilesIn,
) -> None:
    run = files.bring(
        f"\r\n{HEADER}\r\n"
        '7,r1,"milk,\r\nwhole ""fresh""",2025-03-01T10:00:00Z,2,3.98\r\n'
        "\r\n"
        "7,r2,tea,2025-03-01T10:00:00Z,two,3.98\r\n"
        "7,r3,jam,2025-03-01T10:00:00Z,x,3.98"
    )
    assert counts(run) == (3, 1, 0, 2)
    assert [line for line, _, _ in quarantined(run)] == [6, 7]
    assert stored()[0]["product_id"] == 'milk,\r\nwhole "fresh"'


def test_negative_lines_are_quarantined_where_the_mapping_knows_no_returns(
    files: FilesIn,
) -> None:
    mapping = SALES.replace('returns = "negative quantity and amount"', "")
    run = files.sales(GOOD, "7,r2,milk,2025-03-02T10:00:00Z,-1,-1.99", mapping=mapping)
    assert counts(run) == (2, 1, 0, 1)
    assert "says of no line that it is a return" in quarantined(run)[0][2]


def test_an_id_that_stands_twice_lands_once_and_contradictions_are_quarantined(
    files: FilesIn,
) -> None:
    run = files.sales(GOOD, GOOD, GOOD.replace("3.98", "4.98"))
    assert counts(run) == (3, 1, 1, 1)
    assert quarantined(run) == [
        (4, "order_id, product_id", "the same key stands in line 2 with other values")
    ]


def test_another_currency_than_the_companys_is_quarantined(files: FilesIn) -> None:
    mapping = SALES.replace('currency = "USD"', "") + 'currency.from = "money"\n'
    run = files.bring(
        f"{HEADER},money\n{GOOD},USD\n{GOOD.replace('r1', 'r2')},EUR\n"
        f"{GOOD.replace('r1', 'r3')},XXX\n{GOOD.replace('r1', 'r4')},\n",
        mapping,
    )
    assert counts(run) == (4, 1, 0, 3)
    reasons = [reason for _, _, reason in quarantined(run)]
    assert "has no dated rate" in reasons[0]
    assert "not an ISO 4217 code" in reasons[1]
    assert "missing" in reasons[2]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (HEADER + "\n", "holds no rows"),
        (f"{HEADER},colour\n{GOOD},red\n", "does not know the file's column 'colour'"),
        (HEADER.replace(",paid", "") + "\n7,r1,milk,2025-03-01,2\n", "has no column 'paid'"),
        (f"{HEADER},CARD\n{GOOD},1\n", "has column 'card' twice"),
        (f"{HEADER},\n{GOOD},1\n", "Column 7 of the file has no name"),
        (f"{HEADER}\n{GOOD}\n".encode("utf-16"), "is not utf-8 text"),
        (f"{HEADER}\n{GOOD.replace('milk', 'café')}\n".encode("cp1252"), "in line 2"),
        (f'{HEADER}\n{GOOD}\n7,"r2,milk\n', "in the record of line 3 is never closed"),
        (f"{HEADER}\n7,{'x' * 1_100_000},a\n", "longer than 1,048,576 bytes"),
        (f"{HEADER}\n7,r1,milk,2025-03-01,two,1\n", "none of its 1 rows fits; the first, line 2"),
    ],
)
def test_a_file_that_cannot_be_read_changes_nothing_and_says_why(
    files: FilesIn, content: str | bytes, reason: str
) -> None:
    assert reason in files.refused(content).error


def test_a_refused_file_keeps_its_quarantine_and_may_be_tried_again(files: FilesIn) -> None:
    bad = f"{HEADER}\n7,r1,milk,2025-03-01,two,1\n"
    run = files.refused(bad)
    assert counts(run) == (1, 0, 0, 1)
    assert quarantined(run)[0][:2] == (2, "pieces")
    assert files.refused(bad).id != run.id


def test_text_in_a_declared_encoding_and_with_a_byte_order_mark_is_read(files: FilesIn) -> None:
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        declared = "utf-8" if encoding == "utf-8-sig" else encoding
        mapping = SALES + f'\n[csv]\nencoding = "{declared}"\n'
        row = GOOD.replace("milk", f"café {encoding}")
        run = files.bring(f"{HEADER}\n{row}\n".encode(encoding), mapping)
        assert counts(run) == (1, 1, 0, 0)
    assert {line["product_id"] for line in stored()} == {
        "café utf-8-sig",
        "café utf-16",
        "café cp1252",
    }


def test_a_file_that_quotes_nothing_is_read_when_its_mapping_says_so(files: FilesIn) -> None:
    mapping = SALES + "\n[csv]\nquote = ''\n"
    run = files.sales(GOOD.replace("milk", '12" pan'), mapping=mapping)
    assert counts(run) == (1, 1, 0, 0)
    assert stored()[0]["product_id"] == '12" pan'


def test_a_stray_quote_does_not_swallow_the_lines_after_it(files: FilesIn) -> None:
    rows = [GOOD.replace("r1", f"r{n}") for n in range(2, 30)]
    run = files.sales(GOOD.replace("milk", '5" pan'), *rows)
    assert counts(run) == (29, 28, 0, 1)


def test_a_parquet_file_that_is_none_is_refused(files: FilesIn) -> None:
    mapping = SALES.replace('"csv"', '"parquet"')
    assert "is not a Parquet file" in files.refused("not parquet at all", mapping).error


def test_a_missing_file_is_refused_by_name(files: FilesIn) -> None:
    with pytest.raises(Exception, match=r"There is no file absent\.csv"):
        files.bring_path(files.folder / "absent.csv")


def test_who_may_not_import_leaves_no_trace(files: FilesIn) -> None:
    actor = Actor(id="usr_x", name="Ann", roles=frozenset({Role.ANALYST}))
    with pytest.raises(NotAllowed):
        import_file(
            actor=actor,
            now=files.now,
            mapping=parse_mapping(SALES, name="test"),
            path=files.write(f"{HEADER}\n{GOOD}\n"),
        )
    assert not ImportRun.objects.exists()
