"""What comes again has one effect: the same file, the same rows in another, split orders."""

from __future__ import annotations

from patronage.access.models import AuditEntry
from patronage.access.ports import CustomersCreated
from patronage.identify.models import Customer, ImportRun

from .files import SALES, FilesIn, counts, everything, quarantined, stored, totals

ROWS = (
    "7,r1,milk,2025-03-01T10:00:00Z,2,3.98",
    "7,r1,tea,2025-03-01T10:00:00Z,1,2.50",
    "8,r2,milk,2025-03-02T10:00:00Z,1,1.99",
)


def test_the_same_file_by_the_same_mapping_changes_nothing(files: FilesIn) -> None:
    first = files.sales(*ROWS)
    before = everything(), AuditEntry.objects.count(), ImportRun.objects.count()
    again = files.sales(*ROWS, name="renamed.csv")
    assert again.id == first.id
    assert (everything(), AuditEntry.objects.count(), ImportRun.objects.count()) == before


def test_the_same_rows_in_another_file_are_repeats(files: FilesIn) -> None:
    files.sales(*ROWS)
    rows, live = stored(), totals()
    run = files.sales(*reversed(ROWS))
    assert (run.state, counts(run)) == ("applied", (3, 0, 3, 0))
    assert (stored(), totals()) == (rows, live)


def test_a_key_that_was_imported_with_other_values_is_quarantined(files: FilesIn) -> None:
    files.sales(*ROWS)
    rows = stored()
    changed = ROWS[2].replace("1.99", "2.99")
    run = files.sales(changed, changed, ROWS[0], "9,r9,jam,2025-03-03T10:00:00Z,1,4.00")
    assert counts(run) == (4, 1, 1, 2)
    assert {reason for _, _, reason in quarantined(run)} == {
        "the same key was imported before with other values"
    }
    assert [row for row in stored() if row["customer"] != "9"] == rows


def test_a_customer_all_of_whose_rows_contradict_earlier_ones_is_not_created(
    files: FilesIn, created: list[CustomersCreated]
) -> None:
    files.sales(*ROWS)
    run = files.sales(ROWS[0].replace("7,", "70,", 1), "8,r3,jam,2025-03-05T10:00:00Z,1,4.00")
    assert (counts(run), run.customers_created) == ((2, 1, 0, 1), 0)
    assert Customer.objects.count() == 2
    assert len(created) == 1


def test_an_order_split_over_two_files_counts_once_and_its_lines_are_numbered_on(
    files: FilesIn,
) -> None:
    files.sales(ROWS[0], name="a.csv")
    files.sales(*ROWS[1:], name="b.csv")
    assert totals()["7"]["orders"] == 1
    assert totals()["7"]["order_lines"] == 2
    numbers = {row["product_id"]: row["line_number"] for row in stored() if row["customer"] == "7"}
    assert numbers == {"milk": 1, "tea": 2}


def test_new_customers_are_announced_once_with_their_first_event(
    files: FilesIn, created: list[CustomersCreated]
) -> None:
    run = files.sales(ROWS[2].replace("03-02", "03-09").replace("r2", "r5"), *ROWS)
    assert run.customers_created == 2
    [event] = created
    entered = {label: f"{at:%m-%d}" for _, label, at in event.customers}
    assert entered == {"Card 7": "03-01", "Card 8": "03-02"}
    files.sales("7,r8,jam,2025-03-05T10:00:00Z,1,4.00")
    assert len(created) == 1


def test_customers_of_the_first_days_entered_with_the_panel_by_the_companys_dates(
    files: FilesIn,
) -> None:
    mapping = SALES.replace("[customer]", "panel_entry_until = 2025-03-01\n[customer]", 1)
    files.sales(
        "7,r1,milk,2025-03-02T04:59:59Z,2,3.98",  # still 1 March in New York
        "8,r2,milk,2025-03-02T05:00:00Z,1,1.99",
        mapping=mapping,
    )
    assert dict(Customer.objects.values_list("label", "entry")) == {
        "Card 7": "panel",
        "Card 8": "acquired",
    }


def test_a_file_without_events_creates_no_customer_unless_it_says_so(files: FilesIn) -> None:
    mapping = """
dataset = "customer_facts"
format = "csv"
[constants]
observed_at = "2025-01-01"
[customer]
column = "card"
kind = "card"
[facts]
size = { name = "household_size", type = "number" }
town = "town"
"""
    files.sales(*ROWS)
    run = files.bring("card,size,town\n7,2,Troy\n99,3,Rome\n8,two,Rome\n", mapping, name="f.csv")
    assert counts(run) == (3, 1, 0, 2)
    assert quarantined(run) == [
        (3, "card", "unknown customer"),
        (4, "size", "expected a number such as 12.5, found text of 3 characters"),
    ]
    facts = {
        row["name"]: (row["value_text"], row["value_number"]) for row in stored("customer_facts")
    }
    assert facts == {"household_size": (None, 2.0), "town": ("Troy", None)}
    creating = mapping.replace('kind = "card"', 'kind = "card"\ncreate = true')
    run = files.bring("card,size,town\n7,2,Troy\n99,3,Rome\n", creating, name="f.csv")
    assert (counts(run), run.customers_created) == ((2, 1, 1, 0), 1)
    run = files.bring("card,size,town\n7,4,Troy\n99,3,Rome\n", creating, name="f.csv")
    assert counts(run) == (2, 0, 1, 1)
