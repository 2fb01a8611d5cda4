"""A job runs once for a period; what died is tried again."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from patronage.access.jobs import (
    LEASE,
    JobTakenOver,
    JobUnderWay,
    is_abandoned,
    progress_of,
    run_once,
    this_worker,
)
from patronage.access.models import JobRun
from patronage.access.progress import Progress, part, silent
from patronage.access.transactions import atomic

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


class Work:
    """Counts how often it is done; fails as often as told."""

    def __init__(self, failures: int = 0) -> None:
        self.times = 0
        self._failures = failures

    def __call__(self, progress: Progress) -> dict[str, Any]:
        self.times += 1
        progress(0.5, "half way")
        if self.times <= self._failures:
            raise ValueError("the file is torn")
        return {"times": self.times}


def a_running_one(now: datetime, worker: str) -> JobRun:
    return JobRun.objects.create(
        job="value", period="2017-12-31", started_at=now, seen_at=now, worker=worker
    )


def run(work: Work, now: datetime, period: str = "2017-12-31") -> JobRun:
    return run_once(job="value", period=period, now=now, work=work)


def test_what_is_done_is_returned_untouched(now: datetime) -> None:
    work = Work()
    first = run(work, now)
    again = run(work, now + HOUR)
    assert (first.state, first.result, first.done) == ("done", {"times": 1}, 1.0)
    assert again == first
    assert again.finished_at == first.finished_at
    assert work.times == 1


def test_another_period_is_another_run(now: datetime) -> None:
    work = Work()
    assert run(work, now) != run(work, now, period="2018-03-31")
    assert work.times == 2


def test_a_failure_is_kept_in_words_and_tried_again(now: datetime) -> None:
    work = Work(failures=1)
    with pytest.raises(ValueError, match="torn"):
        run(work, now)
    failed = JobRun.objects.get()
    assert (failed.state, failed.error) == ("failed", "ValueError: the file is torn")
    assert failed.finished_at is not None
    second = run(work, now + HOUR)
    assert (second.state, second.attempt, second.error) == ("done", 2, "")
    assert second.started_at == now + HOUR


def test_a_living_run_is_not_disturbed(now: datetime) -> None:
    a_running_one(now, this_worker())
    work = Work()
    with pytest.raises(JobUnderWay, match="already running"):
        run(work, now + HOUR / 4)
    assert work.times == 0


def test_a_run_without_sign_of_life_is_taken_over(now: datetime) -> None:
    lost = a_running_one(now, "elsewhere 1 1")
    assert not is_abandoned(lost, now + LEASE)
    assert is_abandoned(lost, now + LEASE + timedelta(seconds=1))
    assert run(Work(), now + LEASE + timedelta(seconds=1)).state == "done"


def test_long_work_that_reports_nothing_is_not_taken_over_in_its_own_process(
    now: datetime,
) -> None:
    refused: list[str] = []

    def long(progress: Progress) -> dict[str, Any]:
        with pytest.raises(JobUnderWay) as answer:
            run(Work(), now + 2 * LEASE)
        refused.append(str(answer.value))
        return {}

    assert run_once(job="value", period="2017-12-31", now=now, work=long).state == "done"
    assert len(refused) == 1


def test_a_run_whose_process_was_killed_is_taken_over_at_once(now: datetime) -> None:
    code = "from patronage.access.jobs import this_worker; print(this_worker(), flush=True)"
    code += "; import sys; sys.stdin.read()"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "patronage.site.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", "import django; django.setup(); " + code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        lost = a_running_one(now, process.stdout.readline().strip())
        assert not is_abandoned(lost, now)
        process.kill()
    assert is_abandoned(lost, now)
    assert run(Work(), now).attempt == 2


def test_a_later_process_of_the_same_number_does_not_pass_for_the_dead_one(now: datetime) -> None:
    machine, pid, started = this_worker().rsplit(" ", 2)
    assert is_abandoned(a_running_one(now, f"{machine} {pid} {int(started) - 1}"), now)


def test_who_was_taken_over_records_nothing(now: datetime) -> None:
    def slow(progress: Progress) -> dict[str, Any]:
        JobRun.objects.update(worker="elsewhere 1 1", attempt=2)
        return {"stale": True}

    with pytest.raises(JobTakenOver):
        run_once(job="value", period="2017-12-31", now=now, work=slow)
    standing = JobRun.objects.get()
    assert (standing.state, standing.result, standing.attempt) == ("running", {}, 2)


@pytest.mark.django_db(transaction=True)
def test_progress_is_written_for_others_to_see_but_not_at_every_step(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [100.0]
    monkeypatch.setattr("patronage.access.jobs.time.monotonic", lambda: moment[0])
    seen: list[tuple[float, float, str]] = []

    def work(progress: Progress) -> dict[str, Any]:
        for n in range(1, 11):
            moment[0] += 0.2
            progress(n / 10, f"step {n}")
            row = JobRun.objects.get()
            seen.append((row.done, progress_of(row).share, row.step))
        return {}

    run = run_once(job="value", period="1", now=now, work=work)
    assert [written for written, _, _ in seen] == [0.1, 0.1, 0.1, 0.4, 0.4, 0.4, 0.7, 0.7, 0.7, 1.0]
    assert [known for _, known, _ in seen] == [n / 10 for n in range(1, 11)]
    assert seen[-1][2] == "step 10"
    assert run.finished_at == now + timedelta(seconds=2)


@pytest.mark.django_db(transaction=True)
def test_progress_within_the_works_own_transaction_is_seen_by_this_process(now: datetime) -> None:
    shares: list[float] = []

    def look() -> None:
        try:
            shares.append(progress_of(JobRun.objects.get()).share)
        finally:
            connections.close_all()

    def work(progress: Progress) -> dict[str, Any]:
        with atomic(), ThreadPoolExecutor(1) as pool:
            progress(0.7, "inside")
            pool.submit(look).result(timeout=10)
        return {}

    run_once(job="value", period="1", now=now, work=work)
    assert shares == [0.7]


@pytest.mark.django_db(transaction=True)
def test_of_many_callers_at_once_one_does_the_work(now: datetime) -> None:
    work = Work()

    def call(_: int) -> str:
        try:
            return run(work, now).state
        except JobUnderWay:
            return "under way"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(call, range(16)))
    assert work.times == 1
    assert answers <= {"done", "under way"}
    assert JobRun.objects.get().state == "done"


def test_a_part_of_the_work_reports_within_its_stretch() -> None:
    heard: list[tuple[float, str]] = []
    second_half = part(lambda share, step: heard.append((share, step)), 0.5, 1.0)
    second_half(0.0, "a")
    second_half(0.5, "b")
    silent(0.5, "c")
    assert heard == [(0.5, "a"), (0.75, "b")]
