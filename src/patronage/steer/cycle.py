"""The whole loop as of a date: value, assign, decide, deliver, read out, state the equity.

Each stage is a job of its own that runs once for the date, so that a cycle that was interrupted
goes on where it stopped and one that is done does nothing again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from patronage.access import datasets
from patronage.access.company import current
from patronage.access.errors import Refused
from patronage.access.jobs import run_once
from patronage.access.progress import Progress, silent
from patronage.access.roles import Actor, Right
from patronage.customize.jobs import decide
from patronage.customize.models import DecisionRun
from patronage.differentiate import reads as valuations
from patronage.differentiate.errors import DateNotOver
from patronage.differentiate.jobs import value
from patronage.govern.jobs import assign
from patronage.interact.jobs import deliver
from patronage.learn.jobs import read_out
from patronage.learn.windows import OutcomeWindow, history_ends, is_over
from patronage.steer.jobs import draft_statement
from patronage.vocabulary.periods import BusinessCalendar

#: what the stages need; whoever lacks one of them runs none
RIGHTS: Final = (
    Right.VALUE,
    Right.ASSIGN,
    Right.DECIDE_EVERYBODY,
    Right.DELIVER,
    Right.READ_OUT,
    Right.DRAFT_STATEMENT,
)

#: Does one stage for a date and gives what is kept of it.
Work = Callable[[Actor, datetime, date, Progress], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of a cycle."""

    #: value, assign, decide, deliver, read out or statement
    name: str
    #: what it did, as kept with its job
    result: Mapping[str, Any]
    #: whether it had been done for the date before, so that nothing was done now
    done_before: bool
    #: wall time it took now
    seconds: float


def cycle(
    *, actor: Actor, now: datetime, as_of: date, progress: Progress = silent
) -> tuple[Stage, ...]:
    """Run every stage for a date, in order; what was done for it before is left as it is.

    Raises:
        NotAllowed: the actor lacks the right of a stage; none was run.
        DateNotOver: the date has not ended yet; no stage was run.
        JobUnderWay: a stage is being run for the date right now.
        Refused: a stage cannot be run; those before it are done and stay so.
    """
    require_runnable(actor, now, as_of)
    stages, began = [], time.monotonic()
    for number, (name, work) in enumerate(_STAGES.items()):
        listener = _part(progress, number / len(_STAGES), 1 / len(_STAGES), name)
        at = now + timedelta(seconds=time.monotonic() - began)
        stages.append(_run(name, work, actor, now, at, as_of, listener))
    progress(1.0, "done")
    return tuple(stages)


def may_run(actor: Actor) -> bool:
    """Whether the actor holds the right of every stage."""
    return all(actor.may(right) for right in RIGHTS)


def require_rights(actor: Actor) -> None:
    """Refuse whoever lacks the right of a stage.

    Raises:
        NotAllowed: the actor lacks one.
    """
    for right in RIGHTS:
        actor.require(right)


def require_runnable(actor: Actor, now: datetime, as_of: date) -> None:
    """Refuse before anything is done, so that no stage is left behind as failed.

    Raises:
        NotAllowed: the actor lacks the right of a stage.
        DateNotOver: the date has not ended yet.
    """
    require_rights(actor)
    calendar = BusinessCalendar(current().company.time_zone)
    if as_of >= calendar.date_of(now):
        raise DateNotOver(as_of=as_of)


def _run(
    name: str,
    work: Work,
    actor: Actor,
    now: datetime,
    at: datetime,
    as_of: date,
    listener: Progress,
) -> Stage:
    """Run a stage that begins at an instant; what it does is dated `now` like all of the cycle."""
    ran = False

    def once(written_down: Progress) -> dict[str, Any]:
        nonlocal ran
        ran = True

        def both(share: float, step: str) -> None:
            written_down(share, step)
            listener(share, step)

        return work(actor, now, as_of, both)

    began = time.monotonic()
    run = run_once(job=job_of(name), period=as_of.isoformat(), now=at, work=once)
    return Stage(
        name=name, result=run.result, done_before=not ran, seconds=time.monotonic() - began
    )


def _part(progress: Progress, start: float, length: float, name: str) -> Progress:
    def listen(share: float, step: str) -> None:
        progress(start + length * share, f"{name}: {step}")

    return listen


def _value(actor: Actor, now: datetime, as_of: date, progress: Progress) -> dict[str, Any]:
    run = value(actor=actor, now=now, as_of=as_of, progress=progress)
    return {
        "run": run.id,
        "customers": run.customers,
        "value_minor": run.total_minor,
        "currency": run.currency,
    }


def _assign(actor: Actor, now: datetime, as_of: date, progress: Progress) -> dict[str, Any]:
    run = valuations.run_at(as_of)
    if run is None:
        raise Refused(f"Nobody is valued as of {as_of}. Value the customers as of that date first.")
    done = assign(actor=actor, now=now, as_of=as_of, run=run, progress=progress)
    return {
        "customers": done.customers,
        "moved": done.moved,
        "kept_near_edge": done.kept_near_edge,
        "kept_by_hand": done.kept_by_hand,
        "portfolios": len(done.portfolios),
    }


def _decide(actor: Actor, now: datetime, as_of: date, progress: Progress) -> dict[str, Any]:
    run = decide(actor=actor, now=now, as_of=as_of, progress=progress)
    return {"run": run.id, "counts": run.counts, "certificate": run.certificate}


def _deliver(actor: Actor, now: datetime, as_of: date, progress: Progress) -> dict[str, Any]:
    """Hand over now; in a quarter that is past, at the instant decided for."""
    calendar = BusinessCalendar(current().company.time_zone)
    quarter = calendar.quarter_of(calendar.date_of(calendar.end_of_day(as_of)))
    is_past = calendar.end_of_day(quarter.last_day) <= now
    at = calendar.end_of_day(as_of) if is_past else None
    done = deliver(actor=actor, now=now, at=at, progress=progress)
    return {
        "sent": done.sent,
        "cancelled": done.cancelled,
        "postponed": done.postponed,
        "in_doubt": done.in_doubt,
    }


def _read_out(actor: Actor, now: datetime, as_of: date, progress: Progress) -> dict[str, Any]:
    """Read out what is over by the date; what the history does not reach yet is noted as pending.

    A window that ends after the date is not looked into, even where the history goes on.
    """
    calendar = BusinessCalendar(current().company.time_zone)
    newest = history_ends(datasets.head("order_lines"))
    dates = DecisionRun.objects.filter(as_of__lte=as_of).values_list("as_of", flat=True)
    states: dict[str, str] = {}
    for decided in sorted(set(dates)):
        window = OutcomeWindow(as_of=decided, calendar=calendar)
        if window.last_day > as_of and is_over(window, newest, now):
            continue
        done = read_out(actor=actor, now=now, as_of=decided, progress=progress)
        states[decided.isoformat()] = done.state
    return {"read_outs": states}


def _statement(actor: Actor, now: datetime, as_of: date, progress: Progress) -> dict[str, Any]:
    drafted = draft_statement(actor=actor, now=now, as_of=as_of, progress=progress)
    return {"statement": drafted.id}


_STAGES: Mapping[str, Work] = {
    "value": _value,
    "assign": _assign,
    "decide": _decide,
    "deliver": _deliver,
    "read out": _read_out,
    "statement": _statement,
}
#: their names, in order
STAGES: Final = tuple(_STAGES)
JOB_PREFIX: Final = "cycle: "


def job_of(stage: str) -> str:
    """Give the name of the job that a stage is kept under."""
    return JOB_PREFIX + stage
