"""Through Django, on either store: changes of many threads add up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from django.db import connection, connections

from patronage.access.models import JobRun
from patronage.access.sqlite.write_lock import write_lock
from patronage.access.transactions import after_commit, atomic, take_turns

THREADS, ROUNDS = 8, 15


def counted(now: datetime, *, in_transactions: bool) -> int:
    """Let threads each read, add one and write back; return the sum that stands at the end."""
    run = JobRun.objects.create(job="count", period="1", started_at=now, seen_at=now, worker="test")

    def add_one() -> None:
        row = JobRun.objects.select_for_update() if in_transactions else JobRun.objects.all()
        found = row.get(pk=run.pk)
        found.attempt += 1
        found.save(update_fields=["attempt"])

    def work(_: int) -> None:
        try:
            for _round in range(ROUNDS):
                if in_transactions:
                    with atomic():
                        add_one()
                else:
                    add_one()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    run.refresh_from_db()
    return run.attempt - 1


@pytest.mark.django_db(transaction=True)
def test_changes_of_many_threads_add_up(now: datetime) -> None:
    assert counted(now, in_transactions=True) == THREADS * ROUNDS


@pytest.mark.django_db(transaction=True)
def test_without_transactions_changes_are_lost(now: datetime) -> None:
    assert counted(now, in_transactions=False) < THREADS * ROUNDS


@pytest.mark.django_db(transaction=True)
def test_a_failed_change_leaves_neither_rows_nor_a_turn(now: datetime) -> None:
    heard: list[str] = []

    def change_and_fail() -> None:
        with atomic():
            JobRun.objects.create(job="j", period="1", started_at=now, seen_at=now, worker="t")
            after_commit(lambda: heard.append("committed"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    assert not JobRun.objects.exists()
    assert heard == []
    if connection.vendor == "sqlite":
        assert write_lock(connection.settings_dict["NAME"]).holder is None


@pytest.mark.django_db(transaction=True)
def test_who_takes_turns_goes_one_at_a_time(now: datetime) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        try:
            with atomic():
                take_turns("one at a time")
                inside.append(number)
                most.append(len(inside))
                JobRun.objects.create(
                    job="j", period=str(number), started_at=now, seen_at=now, worker="t"
                )
                inside.remove(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(24)))
    assert max(most) == 1
    assert JobRun.objects.count() == 24
