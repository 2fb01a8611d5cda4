"""Through Django, on either store: changes of many threads add up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

import pytest
from django.db import DatabaseError, connection, connections

from patronage.access.models import JobRun
from patronage.access.sqlite.write_lock import write_lock
from patronage.access.transactions import (
    after_commit,
    atomic,
    much_at_once,
    snapshot,
    take_turns,
)

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


def in_another_thread(effect: Callable[[], object]) -> None:
    """Run it on a connection of its own, and wait at most a moment for it."""

    def run() -> None:
        try:
            effect()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result(timeout=10)


def a_run(now: datetime, period: str) -> JobRun:
    return JobRun.objects.create(job="j", period=period, started_at=now, seen_at=now, worker="test")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("block", "agree"), [(snapshot, True), (nullcontext, False)])
def test_reads_of_one_snapshot_agree_while_others_write(
    now: datetime, block: Callable[[], AbstractContextManager[None]], agree: bool
) -> None:
    a_run(now, "1")
    with block():
        first = JobRun.objects.count()
        in_another_thread(lambda: a_run(now, "2"))
        second = JobRun.objects.count()
    assert (first == second) is agree
    assert JobRun.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_snapshot_does_not_wait_for_a_writer(now: datetime) -> None:
    def look() -> None:
        with snapshot():
            assert JobRun.objects.count() == 0

    with atomic():
        a_run(now, "1")
        in_another_thread(look)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_written_within_a_snapshot(now: datetime) -> None:
    def write() -> None:
        with snapshot():
            a_run(now, "1")

    with pytest.raises(DatabaseError):
        write()
    a_run(now, "2")
    assert [run.period for run in JobRun.objects.all()] == ["2"]


@pytest.mark.django_db
def test_within_a_transaction_a_snapshot_sees_what_it_wrote(now: datetime) -> None:
    with atomic():
        a_run(now, "1")
        with snapshot():
            assert JobRun.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_change_of_everybody_has_more_cache_for_its_own_length_only() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has buffers of its own")

    def cache() -> int:
        with connection.cursor() as cursor:
            return int(cursor.execute("PRAGMA cache_size").fetchone()[0])

    usual = cache()
    with much_at_once(), atomic():
        assert cache() < usual < 0, "negative sizes are KiB"
    assert cache() == usual
    with pytest.raises(ZeroDivisionError), much_at_once(), atomic():
        raise ZeroDivisionError
    assert cache() == usual
