"""A second file completes each row; what it does not know is quarantined."""

from __future__ import annotations

from datetime import UTC, datetime

from .files import FilesIn, counts, quarantined, stored, totals

MAPPING = """
dataset = "past_contacts"
format = "csv"
time_zone = "America/New_York"
key = ["customer_id", "campaign_id"]
[join]
file = "campaigns.csv"
on = "campaign"
[customer]
column = "card"
kind = "card"
create = true
[columns]
campaign_id.from = "campaign"
contacted_at = { from = "starts", type = "date" }
ended_at = { from = "ends", type = "date", at = "end" }
"""
CONTACTS = "card,campaign\n7,1\n7,2\n8,9\n"
CAMPAIGNS = "campaign,starts,ends\n1,2025-03-09,2025-03-09\n2,2025-11-02,\n"


def test_dates_are_the_companys_and_an_end_is_the_end_of_its_day(files: FilesIn) -> None:
    files.write(CAMPAIGNS, "campaigns.csv")
    run = files.bring(CONTACTS, MAPPING, name="contacts.csv")
    assert counts(run) == (3, 2, 0, 1)
    assert quarantined(run) == [(4, "campaign", "no such row in campaigns.csv, found '9'")]
    spring, autumn = sorted(stored("past_contacts"), key=lambda row: str(row["campaign_id"]))
    # Clocks in New York go forward on 9 March and back on 2 November 2025.
    assert spring["contacted_at"] == datetime(2025, 3, 9, 5, tzinfo=UTC)
    assert spring["ended_at"] == datetime(2025, 3, 10, 4, tzinfo=UTC)
    assert autumn["contacted_at"] == datetime(2025, 11, 2, 4, tzinfo=UTC)
    assert autumn["ended_at"] is None
    assert totals()["7"]["contacts"] == 2


def test_a_changed_second_file_makes_another_import(files: FilesIn) -> None:
    files.write(CAMPAIGNS, "campaigns.csv")
    first = files.bring(CONTACTS, MAPPING, name="contacts.csv")
    files.write(CAMPAIGNS + "9,2025-04-01,2025-04-02\n", "campaigns.csv")
    second = files.bring(CONTACTS, MAPPING, name="contacts.csv")
    assert second.id != first.id
    assert counts(second) == (3, 1, 2, 0)


def test_a_second_file_that_is_missing_ambiguous_or_malformed_stops_the_import(
    files: FilesIn,
) -> None:
    assert "There is no file campaigns.csv" in files.refused(CONTACTS, MAPPING).error
    files.write(CAMPAIGNS + "1,2025-03-09,2025-03-09\n", "campaigns.csv")
    assert "more than one row with the same 'campaign'" in files.refused(CONTACTS, MAPPING).error
    files.write(CAMPAIGNS + "3,2025-03-09\n", "campaigns.csv")
    assert "campaigns.csv, line 4" in files.refused(CONTACTS, MAPPING).error
    files.write("nr,starts,ends\n1,2025-03-09,2025-03-09\n", "campaigns.csv")
    assert "campaigns.csv has no column 'campaign'" in files.refused(CONTACTS, MAPPING).error
