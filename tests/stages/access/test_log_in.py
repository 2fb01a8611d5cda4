"""Guessing passwords is slowed down."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from patronage.access import log_in
from patronage.access.log_in import log_in_allowed, record_failed_log_in, record_log_in
from patronage.access.models import LogInFailure

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
WHO, FROM = "ada@example.com", "192.0.2.7"


def fail(times: int, at: datetime, *, email: str = WHO, address: str = FROM) -> None:
    for _ in range(times):
        record_failed_log_in(email, address, at)


def test_the_tenth_failure_within_a_quarter_of_an_hour_closes_the_door(now: datetime) -> None:
    fail(9, now)
    assert log_in_allowed(WHO, FROM, now + MINUTE)
    fail(1, now + MINUTE)
    assert not log_in_allowed("ADA@Example.com ", FROM, now + MINUTE)


def test_the_door_opens_fifteen_minutes_after_the_tenth_failure(now: datetime) -> None:
    fail(5, now)
    fail(5, now + 14 * MINUTE)
    assert not log_in_allowed(WHO, FROM, now + 28 * MINUTE)
    assert log_in_allowed(WHO, FROM, now + 29 * MINUTE)


def test_failures_spread_over_more_than_the_window_close_nothing(now: datetime) -> None:
    for step in range(30):
        fail(1, now + step * 2 * MINUTE)
    assert log_in_allowed(WHO, FROM, now + 59 * MINUTE)


def test_a_log_in_that_succeeds_clears_what_went_before(now: datetime) -> None:
    fail(9, now)
    record_log_in(WHO, FROM, now)
    fail(9, now)
    assert log_in_allowed(WHO, FROM, now)


def test_others_and_other_places_are_not_shut_out(now: datetime) -> None:
    fail(10, now)
    assert log_in_allowed("bea@example.com", FROM, now)
    assert log_in_allowed(WHO, "192.0.2.8", now)


@pytest.mark.parametrize("vary", ["address", "email"])
def test_many_places_or_many_persons_meet_a_wider_limit(
    now: datetime, vary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_in, "FAILURES_ALLOWED_PERSON", 12)
    monkeypatch.setattr(log_in, "FAILURES_ALLOWED_ADDRESS", 12)
    for number in range(12):
        assert log_in_allowed(WHO, FROM, now)
        other = {vary: f"{number}.{WHO}"}
        record_failed_log_in(other.get("email", WHO), other.get("address", FROM), now)
    assert not log_in_allowed(WHO, FROM, now)


def test_rows_name_neither_person_nor_place_and_go_after_a_day(now: datetime) -> None:
    fail(1, now)
    assert WHO not in str(LogInFailure.objects.values().get())
    assert FROM not in str(LogInFailure.objects.values().get())
    fail(1, now + timedelta(days=1, seconds=1))
    assert LogInFailure.objects.count() == 1
