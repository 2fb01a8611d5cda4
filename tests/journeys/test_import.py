"""Can an administrator bring a file in, see that the counts add up, and read what did not fit?"""

from __future__ import annotations

import csv
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from patronage.access import datasets
from patronage.identify.imports.prepare import prepare
from patronage.identify.mapping import packaged, packaged_names
from patronage.identify.models import ImportRun

from .conftest import LogIn, fits, keep_picture, serious

pytestmark = pytest.mark.browser

MAPPING = """
dataset = "order_lines"
format = "csv"
time_zone = "America/New_York"
currency = "USD"
key = ["order_id", "product_id"]

[customer]
column = "card"
kind = "card"
customer_kind = "household"
label = "Card {}"
create = true

[columns.order_id]
from = "order"

[columns.product_id]
from = "product"

[columns.ordered_at]
from = "at"

[columns.quantity]
from = "pieces"

[columns.amount]
from = "paid"
"""
GOOD = [
    ("c1", f"o{number}", "p1", f"2025-03-{number:02d} 10:00", "1", "2.50")
    for number in range(1, 21)
]
#: each is wrong in one column; what stands there may be personal and is never repeated
BAD = [
    ("c1", "o90", "p1", "2025-03-01 10:00", "1", "two dollars"),
    ("c2", "o91", "p1", "2199-01-01 10:00", "1", "1.00"),
    ("c2", "o92", "p1", "yesterday", "1", "1.00"),
]


#: a packaged mapping that completes each row from another file
JOINING = next(name for name in packaged_names() if packaged(name)[0].join is not None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Twenty rows that fit and three that do not."""
    return written(tmp_path / "march.csv", [*GOOD, *BAD])


def written(path: Path, rows: Sequence[tuple[str, ...]]) -> Path:
    with path.open("w", newline="") as target:
        csv.writer(target).writerows([("card", "order", "product", "at", "pieces", "paid"), *rows])
    return path


def to_imports(page: Page) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Imports").click()


def bring_in(page: Page, file: Path, mapping: str = MAPPING) -> None:
    to_imports(page)
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_label("Mapping", exact=True).select_option(label="Pasted below")
    page.get_by_label("Pasted mapping").fill(mapping)
    page.get_by_role("button", name="Import", exact=True).click()


def figures(page: Page) -> dict[str, int]:
    shown = page.locator(".figure")
    labels = shown.locator(".label").all_inner_texts()
    values = shown.locator(".value").all_inner_texts()
    return {k: int(v.replace(",", "")) for k, v in zip(labels, values, strict=True)}


def test_a_file_lands_its_misfits_are_listed_and_the_counts_add_up(
    log_in: LogIn, file: Path, tmp_path: Path
) -> None:
    page = log_in("adam")
    bring_in(page, file)
    expect(page.get_by_role("heading", level=1)).to_have_text("20 rows landed, 3 did not fit")
    assert figures(page) == {"Rows read": 23, "Landed": 20, "Already there": 0, "Set aside": 3}
    expect(page.get_by_text("1 customer is new")).to_be_visible()
    rows = page.locator("main table tbody tr")
    expect(rows).to_have_count(3)
    # line 1 is the head, so the first misfit stands in line 22
    expect(rows.nth(0)).to_contain_text("22")
    expect(rows.nth(0)).to_contain_text("paid")
    expect(rows.nth(0)).to_contain_text("expected an amount such as 12.50")
    expect(rows.nth(1)).to_contain_text("future")
    keep_picture(page, "import-1440")
    assert serious(page) == []

    with page.expect_download() as download:
        page.get_by_role("link", name="Take all as CSV").click()
    download.value.save_as(tmp_path / "quarantine.csv")
    with (tmp_path / "quarantine.csv").open(newline="") as lines:
        taken = list(csv.DictReader(lines))
    assert [(row["line"], row["column"]) for row in taken] == [
        ("22", "paid"),
        ("23", "at"),
        ("24", "at"),
    ]
    fits(page, 390)
    keep_picture(page, "import-390")


def test_the_same_file_again_leads_to_the_same_import(log_in: LogIn, file: Path) -> None:
    page = log_in("adam")
    bring_in(page, file)
    expect(page.get_by_text("20 rows landed")).to_be_visible()
    first = page.url
    before = datasets.head("order_lines")
    bring_in(page, file)
    expect(page).to_have_url(first)
    assert ImportRun.objects.count() == 1
    assert datasets.head("order_lines") == before
    to_imports(page)
    expect(page.locator("main table tbody tr")).to_have_count(1)
    expect(page.locator("main table tbody tr")).to_contain_text("Adam")


def test_a_file_without_one_good_row_is_refused_in_words(log_in: LogIn, tmp_path: Path) -> None:
    page = log_in("adam")
    bring_in(page, written(tmp_path / "bad.csv", BAD))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Nothing was imported from bad")
    expect(page.get_by_role("alert")).to_contain_text("none of its 3 rows fits")
    assert figures(page)["Landed"] == 0
    assert serious(page) == []


def test_an_unusable_mapping_is_said_beside_its_field_and_nothing_is_tried(
    log_in: LogIn, file: Path
) -> None:
    page = log_in("adam")
    bring_in(page, file, MAPPING.replace('currency = "USD"', 'curency = "USD"'))
    error = page.locator(".field", has_text="Pasted mapping").locator(".error")
    expect(error).to_contain_text("money without a currency")
    keep_picture(page, "import-mapping-error")
    assert serious(page) == []
    assert ImportRun.objects.count() == 0
    to_imports(page)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("Choose the file to import.")).to_be_visible()
    expect(page.get_by_text("Choose a mapping, or paste one.")).to_be_visible()


def test_a_mapping_that_joins_a_second_file_asks_for_it(log_in: LogIn, file: Path) -> None:
    page = log_in("adam")
    to_imports(page)
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_label("Mapping", exact=True).select_option(JOINING)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("This mapping completes each row from")).to_be_visible()
    assert ImportRun.objects.count() == 0


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Imports stop half-way until the event is set."""
    go = threading.Event()

    def slow(*arguments: Any, progress: Any, **named: Any) -> Any:
        progress(0.4, "checking rows")
        go.wait(30)
        return prepare(*arguments, progress=progress, **named)

    monkeypatch.setattr("patronage.identify.imports.run.prepare", slow)
    yield go
    go.set()
    for thread in threading.enumerate():
        if thread.name == "import":
            thread.join(30)


def test_a_long_import_shows_progress_may_be_left_and_is_found_again(
    log_in: LogIn, file: Path, held: threading.Event
) -> None:
    page = log_in("adam")
    bring_in(page, file)
    expect(page.get_by_role("heading", level=1)).to_have_text("march.csv is coming in")
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "40")
    expect(page.get_by_text("checking rows")).to_be_visible()
    keep_picture(page, "import-progress")
    assert serious(page) == []
    to_imports(page)
    row = page.locator("main table tbody tr")
    expect(row).to_contain_text("Under way")
    row.get_by_role("link").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    held.set()
    expect(page.get_by_role("heading", level=1)).to_have_text("20 rows landed, 3 did not fit")


def test_an_executive_looks_on_and_an_agent_does_not(
    log_in: LogIn, file: Path, live_server: LiveServer
) -> None:
    page = log_in("adam")
    bring_in(page, file)
    run = page.url
    page = log_in("eva")
    page.goto(run)
    expect(page.get_by_text("20 rows landed")).to_be_visible()
    to_imports(page)
    expect(page.get_by_role("button", name="Import", exact=True)).to_have_count(0)
    page = log_in("agent")
    for address in (run, f"{run}/quarantine.csv", f"{live_server.url}/imports"):
        answer = page.request.get(address)
        assert answer.status == 403
    expect(page).not_to_have_url(re.compile("/imports"))
