"""Cases come in like every other event: once each, of customers who are known or are created."""

from __future__ import annotations

from datetime import UTC, datetime

from .files import FilesIn, counts, stored

MAPPING = """
dataset = "cases"
format = "csv"
time_zone = "America/New_York"
key = ["case_id"]
[customer]
column = "card"
kind = "card"
create = true
[columns]
case_id.from = "ticket"
case_kind.from = "about"
opened_at = { from = "opened", type = "instant" }
"""
CASES = """card,ticket,about,opened
7,1,late delivery,2025-03-09T12:00:00
7,2,,2025-04-01T09:30:00
"""


def test_cases_are_kept_once_whatever_is_sent_twice(files: FilesIn) -> None:
    first = files.bring(CASES, MAPPING, name="cases.csv")
    again = files.bring(CASES + "8,3,bill,2025-04-02T10:00:00\n", MAPPING, name="cases.csv")

    assert counts(first) == (2, 2, 0, 0)
    assert counts(again) == (3, 1, 2, 0)
    late, unknown, bill = sorted(stored("cases"), key=lambda row: str(row["case_id"]))
    assert (late["case_kind"], unknown["case_kind"], bill["case_kind"]) == (
        "late delivery", None, "bill",
    )  # fmt: skip
    assert late["opened_at"] == datetime(2025, 3, 9, 16, tzinfo=UTC)
    assert (late["customer"], unknown["customer"], bill["customer"]) == ("7", "7", "8")
