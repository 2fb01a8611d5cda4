"""`patronage cycle` and `patronage decide`: the loop, or its decisions, as of a date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from patronage.cli.call import current
from patronage.cli.show import facts, rows, say, working
from patronage.customize import jobs
from patronage.steer.cycle import Stage
from patronage.steer.cycle import cycle as run_cycle


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
    rows("", [{"stage": each.name, **_done(each)} for each in stages])
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


def told(result: Mapping[str, Any]) -> str:
    """Write what a stage kept in words, without ids."""
    parts = []
    for name, value in result.items():
        if isinstance(value, Mapping):
            inner = ", ".join(f"{key} {_amount(each)}" for key, each in value.items())
            parts.append(inner)
        elif not isinstance(value, str):
            parts.append(f"{name.replace('_', ' ').removesuffix(' minor')} {_amount(value)}")
    return "; ".join(part for part in parts if part)


def _done(stage: Stage) -> dict[str, Any]:
    if current().json:
        return {"result": dict(stage.result), "done_before": stage.done_before} | {
            "seconds": round(stage.seconds, 3)
        }
    return {
        "result": told(stage.result),
        "time": "done before" if stage.done_before else f"{stage.seconds:.1f} s",
    }


def _amount(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
