"""`patronage cycle` and `patronage decide`: the loop, or its decisions, as of a date."""

from __future__ import annotations

from datetime import date
from typing import Any

from patronage.cli.call import current
from patronage.cli.show import facts, rows, say, working
from patronage.customize import jobs
from patronage.steer.cycle import Stage
from patronage.steer.cycle import cycle as run_cycle
from patronage.steer.told import told


def cycle(*, as_of: date) -> None:
    """Value, assign, decide, deliver, read out and draft the statement as of a date.

    What was done for the date before is left as it is.

    Parameters
    ----------
    as_of
        The date; statements are of quarters, so usually the last day of one.
    """
    call = current()
    with working(f"Cycle as of {as_of}") as progress:
        stages = run_cycle(actor=call.actor, now=call.clock(), as_of=as_of, progress=progress)
    rows("", [_shown(each) for each in stages])
    if all(each.done_before for each in stages):
        say(f"The cycle as of {as_of} was done before: nothing was done again.")


def decide(*, as_of: date) -> None:
    """Decide for every customer as of a date; the same inputs again give the run that is there.

    Parameters
    ----------
    as_of
        The date; customers must be valued as of it.
    """
    call = current()
    with working(f"Deciding as of {as_of}") as progress:
        run = jobs.decide(actor=call.actor, now=call.clock(), as_of=as_of, progress=progress)
    facts("", {"run": run.id, **run.counts, "prices": run.prices, **run.certificate})


def _shown(stage: Stage) -> dict[str, Any]:
    seconds = round(stage.seconds, 3)
    if current().json:
        content = {"result": dict(stage.result), "done_before": stage.done_before}
        return {"stage": stage.name, **content, "seconds": seconds}
    when = "done before" if stage.done_before else f"{seconds:.1f} s"
    return {"stage": stage.name, "time": when, "result": told(stage.name, stage.result)}
