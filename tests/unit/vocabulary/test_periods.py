"""Business dates end when they end in the company's zone, clock changes included."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patronage.vocabulary.periods import BusinessCalendar, Quarter, as_utc

NEW_YORK = BusinessCalendar("America/New_York")
HOUR = timedelta(hours=1)
ZONES = [
    "America/New_York", "Europe/London", "America/Sao_Paulo", "America/Havana", "Asia/Kolkata",
    "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Beirut", "UTC",
]  # fmt: skip


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]  # parts of a datetime


@pytest.mark.parametrize(
    ("zone", "day", "end"),
    # From the IANA database's published rules.
    [
        ("America/New_York", date(2017, 12, 31), utc(2018, 1, 1, 5)),
        ("America/New_York", date(2017, 7, 4), utc(2017, 7, 5, 4)),
        # Brazil moved its clocks at midnight: 4 November 2018 began at 01:00.
        ("America/Sao_Paulo", date(2018, 11, 3), utc(2018, 11, 4, 3)),
        # ... and 17 February 2018 had its last hour twice.
        ("America/Sao_Paulo", date(2018, 2, 17), utc(2018, 2, 18, 3)),
        # Cuba goes back from 01:00 to midnight: the first midnight ends the day.
        ("America/Havana", date(2020, 10, 31), utc(2020, 11, 1, 4)),
        # Newfoundland went back at 00:01: the second midnight ends the day.
        ("America/St_Johns", date(2006, 10, 28), utc(2006, 10, 29, 3, 30)),
        # Toronto jumped from 23:30 to 00:30 on 30 March 1919.
        ("America/Toronto", date(1919, 3, 30), utc(1919, 3, 31, 4, 30)),
        # Samoa skipped 30 December 2011.
        ("Pacific/Apia", date(2011, 12, 29), utc(2011, 12, 30, 10)),
        ("Pacific/Apia", date(2011, 12, 30), utc(2011, 12, 30, 10)),
    ],
)
def test_a_date_ends_at_the_instant_the_zone_says(zone: str, day: date, end: datetime) -> None:
    assert BusinessCalendar(zone).end_of_day(day) == end


@given(st.dates(date(1985, 1, 1), date(2035, 12, 31)), st.sampled_from(ZONES))
def test_the_instant_before_the_end_is_in_the_date_and_the_end_is_not(day: date, zone: str) -> None:
    calendar = BusinessCalendar(zone)
    end = calendar.end_of_day(day)
    assert calendar.date_of(end) > day
    assert calendar.date_of(end - timedelta(microseconds=1)) <= day
    assert calendar.start_of_day(day + timedelta(days=1)) == end


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2017, 3, 12), 23), (date(2017, 11, 5), 25), (date(2017, 11, 6), 24)],
)
def test_days_with_a_clock_change_have_23_and_25_hours(day: date, hours: int) -> None:
    assert NEW_YORK.end_of_day(day) - NEW_YORK.start_of_day(day) == hours * HOUR


@pytest.mark.parametrize(
    ("day", "end"),
    [(date(2017, 12, 31), date(2017, 9, 30)), (date(2017, 1, 1), date(2016, 12, 31)),
     (date(2017, 4, 1), date(2017, 3, 31)), (date(2017, 3, 31), date(2016, 12, 31))],
)  # fmt: skip
def test_the_previous_quarter_ends_before_the_quarter_of_the_date(day: date, end: date) -> None:
    assert NEW_YORK.previous_quarter_end(day) == end


def test_a_quarter_knows_its_days_and_its_neighbours() -> None:
    quarter = NEW_YORK.quarter_of(date(2024, 2, 29))
    assert str(quarter) == "2024-Q1"
    assert (quarter.first_day, quarter.last_day) == (date(2024, 1, 1), date(2024, 3, 31))
    assert quarter.previous == Quarter(2023, 4)
    assert quarter.previous.next == quarter
    with pytest.raises(ValueError, match="quarters 1 to 4"):
        Quarter(2024, 5)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        as_utc(datetime(2024, 1, 1))  # noqa: DTZ001  # the missing zone is the point


def test_an_instant_in_another_zone_is_the_same_instant() -> None:
    local = NEW_YORK.start_of_day(date(2024, 1, 1)).astimezone()
    assert as_utc(local) == local
    assert as_utc(local).tzinfo is UTC


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "EST5EDT4"])
def test_an_unknown_zone_is_refused_with_an_example(zone: str) -> None:
    with pytest.raises(ValueError, match="America/New_York"):
        BusinessCalendar(zone)


def test_an_instant_is_no_date() -> None:
    with pytest.raises(TypeError, match="date_of"):
        NEW_YORK.end_of_day(utc(2024, 1, 1))
