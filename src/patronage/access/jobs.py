"""Has this job run for this period? Once, and only once: what is done is returned untouched.

A run belongs to one process. If the process is gone, or gives no sign of life for the length of
a lease, the run counts as abandoned and the next caller tries again.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from patronage.access.errors import Refused
from patronage.access.models import JobRun
from patronage.access.progress import Progress
from patronage.access.transactions import atomic

#: A run that shows no progress for so long is given up.
LEASE = timedelta(minutes=30)
_SECONDS_BETWEEN_SIGNS = 0.5


class JobUnderWay(Refused):
    """The job is being run for this period right now."""

    def __init__(self, run: JobRun) -> None:
        super().__init__(
            _(
                "%(job)s for %(period)s is already running (%(share)s done, since "
                "%(started_at)s UTC, by %(worker)s). Wait until it ends."
            )
            % {
                "job": run.job,
                "period": run.period,
                "share": f"{progress_of(run).share:.0%}",
                "started_at": f"{run.started_at:%Y-%m-%d %H:%M}",
                "worker": run.worker,
            }
        )


class JobTakenOver(Refused):
    """The run was given up as abandoned and somebody else tries again."""

    def __init__(self, run: JobRun) -> None:
        super().__init__(
            _(
                "%(job)s for %(period)s showed no progress for %(lease)s and was taken over. "
                "Nothing is recorded for this attempt."
            )
            % {"job": run.job, "period": run.period, "lease": LEASE}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How far a run is."""

    #: share done, 0 to 1
    share: float
    #: what is being done
    step: str


#: What this process is running: screens see it while the work's own transaction hides the row.
_UNDER_WAY: dict[str, Share] = {}


def run_once(
    *, job: str, period: str, now: datetime, work: Callable[[Progress], dict[str, Any]]
) -> JobRun:
    """Run `work` unless it is done for this period; return the run either way.

    Args:
        job: name of the job.
        period: the business period or input it is for; with the job it is unique.
        work: does it in its own transactions and returns what is kept as the result. It may be
            tried again after a crash, so that each part must be safe to repeat.

    Raises:
        JobUnderWay: a living process is at it.
        Exception: whatever `work` raises, after the run is recorded as failed.
    """
    run, mine = _claim(job, period, now)
    if not mine:
        return run
    clock = _Clock(now)
    _UNDER_WAY[run.id] = Share(share=0.0, step="")
    try:
        result = work(_Reporter(run, clock))
        return _finish(run, clock, state="done", done=1.0, result=result, error="")
    except BaseException as error:
        _record_failure(run, clock, error)
        raise
    finally:
        _UNDER_WAY.pop(run.id, None)


def progress_of(run: JobRun) -> Share:
    """Give how far a run is: as this process knows it, else as it was last written down."""
    return _UNDER_WAY.get(run.id) or Share(share=run.done, step=run.step)


def is_abandoned(run: JobRun, now: datetime) -> bool:
    """Say whether nobody works on a run any more although it was never ended."""
    if run.state != "running" or run.id in _UNDER_WAY:
        return False
    return _is_dead(run.worker) or now - run.seen_at > LEASE


class _Clock:
    """The caller's `now`, moved on by the time that has passed since."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._start = time.monotonic()

    def __call__(self) -> datetime:
        return self._now + timedelta(seconds=time.monotonic() - self._start)


class _Reporter:
    """Writes progress down, at most twice a second; within a transaction it only notes it."""

    def __init__(self, run: JobRun, clock: _Clock) -> None:
        self._run = run
        self._clock = clock
        self._written = float("-inf")
        self._writing = threading.Lock()

    def __call__(self, share: float, step: str) -> None:
        share = min(max(share, 0.0), 1.0)
        _UNDER_WAY[self._run.id] = Share(share=share, step=step[:200])
        # Within a transaction nobody else could see the row, and others may hold the turn.
        if connection.in_atomic_block or not self._is_due():
            return
        sign = {"done": share, "step": step[:200], "seen_at": self._clock()}
        if not _mine(self._run).update(**sign):
            raise JobTakenOver(self._run)

    def _is_due(self) -> bool:
        with self._writing:
            if time.monotonic() - self._written < _SECONDS_BETWEEN_SIGNS:
                return False
            self._written = time.monotonic()
            return True


def _claim(job: str, period: str, now: datetime) -> tuple[JobRun, bool]:
    """Give the run and whether it is this caller's to do."""
    start = {
        "state": "running",
        "worker": this_worker(),
        "started_at": now,
        "seen_at": now,
        "done": 0.0,
        "step": "",
        "finished_at": None,
        "error": "",
    }
    with atomic():
        run, created = JobRun.objects.get_or_create(job=job, period=period, defaults=start)
        if created:
            return run, True
        run = JobRun.objects.select_for_update().get(pk=run.pk)
        if run.state == "done":
            return run, False
        if run.state == "running" and not is_abandoned(run, now):
            raise JobUnderWay(run)
        for name, value in start.items():
            setattr(run, name, value)
        run.attempt += 1
        run.save()
    return run, True


def _finish(run: JobRun, clock: _Clock, **outcome: Any) -> JobRun:
    moment = clock()
    if not _mine(run).update(finished_at=moment, seen_at=moment, **outcome):
        raise JobTakenOver(run)
    run.refresh_from_db()
    return run


def _record_failure(run: JobRun, clock: _Clock, error: BaseException) -> None:
    """Note the failure, unless the transaction around is lost anyway."""
    if connection.in_atomic_block and connection.needs_rollback:
        return
    text = f"{type(error).__name__}: {error}"
    _mine(run).update(state="failed", error=text, finished_at=clock(), seen_at=clock())


def _mine(run: JobRun) -> QuerySet[JobRun]:
    return JobRun.objects.filter(pk=run.pk, state="running", worker=run.worker, attempt=run.attempt)


def this_worker() -> str:
    """Name this process so that no later one with the same number can pass for it."""
    pid = os.getpid()
    return f"{_machine()} {pid} {_started(pid)}"


def _is_dead(worker: str) -> bool:
    machine, pid, started = worker.rsplit(" ", 2)
    return machine == _machine() and _started(int(pid)) != started


@lru_cache(maxsize=1)
def _machine() -> str:
    return socket.gethostname()[:120] or "unknown"


def _started(pid: int) -> str:
    """When a process started, in clock ticks since the machine did; "gone" if there is none."""
    try:
        # The name in parentheses may hold spaces: count the fields behind it.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return _alive_without_proc(pid)
    return "gone" if fields[0] in "ZX" else fields[19]


def _alive_without_proc(pid: int) -> str:
    if Path("/proc/self/stat").exists():
        return "gone"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "gone"
    except PermissionError:
        return "alive"
    return "alive"
