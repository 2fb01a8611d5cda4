"""For which dates was the loop run, how far is each, and what came out of its stages?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from patronage.access import datasets
from patronage.access.background import Background
from patronage.access.company import current
from patronage.access.errors import PatronageError, Refused
from patronage.access.jobs import is_abandoned, progress_of
from patronage.access.models import JobRun
from patronage.access.roles import Actor, Right
from patronage.learn.windows import history_ends
from patronage.steer.cycle import JOB_PREFIX, STAGES, Stage, cycle, job_of, require_runnable
from patronage.vocabulary.periods import BusinessCalendar

#: the thread that this process runs for a date: between two stages no row says "running"
_BEGUN: dict[date, Background[tuple[Stage, ...]]] = {}
_SHOWN: Final = 8


class LoopUnderWay(Refused):
    """The loop is being run for another date."""

    def __init__(self, as_of: date) -> None:
        super().__init__(
            f"The loop is under way as of {as_of}; one date is run at a time. "
            "Wait until it is done, then run the next."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRun:
    """One stage of the loop for one date."""

    #: one of `cycle.STAGES`
    name: str
    #: "waiting", "running", "done", "failed", or "stopped" where the process that ran it is gone
    state: str
    #: share done, 0 to 1
    share: float
    #: what is being done
    step: str
    began_at: datetime | None
    finished_at: datetime | None
    #: wall time; None until it ends
    seconds: float | None
    #: what it did; empty until it is done
    result: Mapping[str, Any]
    #: why it failed; empty otherwise
    error: str
    #: how often it was tried
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleRun:
    """The loop as of one date."""

    as_of: date
    #: "running", "complete", "failed", or "stopped" with stages still to do
    state: str
    #: share done, 0 to 1
    share: float
    began_at: datetime
    finished_at: datetime | None
    #: all of them, in order
    stages: Sequence[StageRun]


@dataclass(frozen=True, slots=True, kw_only=True)
class CyclePage:
    """Some dates, newest first; `next` is passed as `before` for the ones that follow."""

    cycles: Sequence[CycleRun]
    next: date | None


def cycles(
    actor: Actor, now: datetime, *, before: date | None = None, limit: int = _SHOWN
) -> CyclePage:
    """Give the runs of the loop by as-of date, newest first.

    Raises:
        NotAllowed: the actor may not see them.
    """
    actor.require(Right.SEE_CYCLES)
    found = JobRun.objects.filter(job__in=[job_of(name) for name in STAGES])
    if before is not None:
        found = found.filter(period__lt=before.isoformat())
    # a date as text sorts as the date does
    periods = list(found.order_by("-period").values_list("period", flat=True).distinct())
    shown = periods[:limit]
    by_period: dict[str, dict[str, JobRun]] = {period: {} for period in shown}
    for run in found.filter(period__in=shown):
        by_period[run.period][run.job.removeprefix(JOB_PREFIX)] = run
    rows = [_cycle(date.fromisoformat(period), runs, now) for period, runs in by_period.items()]
    return CyclePage(cycles=rows, next=rows[-1].as_of if len(periods) > limit else None)


def last_begun(actor: Actor, now: datetime) -> CycleRun | None:
    """Give the loop that was begun last, whatever its date; None where none ever was."""
    actor.require(Right.SEE_CYCLES)
    jobs = [job_of(name) for name in STAGES]
    newest = JobRun.objects.filter(job__in=jobs).order_by("-started_at", "-period").first()
    if newest is None:
        return None
    runs = JobRun.objects.filter(job__in=jobs, period=newest.period)
    by_name = {run.job.removeprefix(JOB_PREFIX): run for run in runs}
    return _cycle(date.fromisoformat(newest.period), by_name, now)


def usual_date(now: datetime) -> date | None:
    """Give the last quarter's end that is over and that the history covers; None without one.

    Raises:
        NoCompany: no company is declared.
    """
    number = datasets.head("order_lines")
    newest = history_ends(number) if number is not None else None
    if newest is None:
        return None
    calendar = BusinessCalendar(current().company.time_zone)
    # a retailer sells every day: a day with a line in it is covered, today is not over
    day = min(calendar.date_of(newest), calendar.date_of(now) - timedelta(days=1))
    quarter = calendar.quarter_of(day)
    return day if day == quarter.last_day else quarter.first_day - timedelta(days=1)


def start_cycle(*, actor: Actor, now: datetime, as_of: date) -> None:
    """Begin the loop as of a date, or go on with it; it may be under way when this returns.

    Raises:
        NotAllowed: the actor lacks the right of a stage.
        DateNotOver: the date has not ended yet.
        LoopUnderWay: it is being run for another date.
    """
    require_runnable(actor, now, as_of)
    under_way = _under_way(now)
    if under_way == as_of:
        return
    if under_way is not None:
        raise LoopUnderWay(under_way)
    begun = Background("cycle", lambda: cycle(actor=actor, now=now, as_of=as_of))
    _BEGUN[as_of] = begun
    own = JobRun.objects.filter(job__startswith=JOB_PREFIX, period=as_of.isoformat())
    own = own.filter(started_at__gte=now)
    begun.shown(own.first)
    if begun.error is not None and not own.exists():
        # no row says why: whoever began it is told
        if isinstance(begun.error, PatronageError):
            raise begun.error
        raise Refused("The loop did not begin. Run it again in a minute.") from begun.error


def _under_way(now: datetime) -> date | None:
    for as_of, begun in _BEGUN.items():
        if not begun.is_done:
            return as_of
    running = JobRun.objects.filter(job__startswith=JOB_PREFIX, state="running")
    for run in running.order_by("-started_at"):
        if not is_abandoned(run, now):
            return date.fromisoformat(run.period)
    return None


def _cycle(as_of: date, runs: Mapping[str, JobRun], now: datetime) -> CycleRun:
    stages = [_stage(name, runs.get(name), now) for name in STAGES]
    states = {stage.state for stage in stages}
    begun = _BEGUN.get(as_of)
    if states == {"done"}:
        state = "complete"
    elif "running" in states or (begun is not None and not begun.is_done):
        state = "running"
    else:
        state = "failed" if "failed" in states else "stopped"
    ends = [stage.finished_at for stage in stages if stage.finished_at is not None]
    return CycleRun(
        as_of=as_of,
        state=state,
        share=sum(stage.share for stage in stages) / len(stages),
        began_at=min(run.started_at for run in runs.values()),
        finished_at=max(ends) if ends and state != "running" else None,
        stages=stages,
    )


def _stage(name: str, run: JobRun | None, now: datetime) -> StageRun:
    if run is None:
        return StageRun(
            name=name, state="waiting", share=0.0, step="", began_at=None, finished_at=None,
            seconds=None, result={}, error="", attempts=0,
        )  # fmt: skip
    reached, ended = progress_of(run), run.finished_at
    return StageRun(
        name=name,
        state="stopped" if is_abandoned(run, now) else run.state,
        share=1.0 if run.state == "done" else reached.share,
        step=reached.step,
        began_at=run.started_at,
        finished_at=ended,
        seconds=None if ended is None else (ended - run.started_at).total_seconds(),
        result=run.result,
        error=_sentence(run.error),
        attempts=run.attempt,
    )


def _sentence(error: str) -> str:
    """Leave out the name of the error's class, which a run keeps in front of the sentence."""
    name, _colon, text = error.partition(": ")
    return text if text and name.isidentifier() else error
