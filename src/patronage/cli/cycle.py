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
from patronage.vocabulary.money import Money


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


def told(stage: Stage) -> str:
    """Write what a stage did in words, without ids."""
    result = stage.result
    match stage.name:
        case "value":
            worth = Money(result["value_minor"], result["currency"])
            return f"{result['customers']:,} customers are worth {worth}"
        case "assign":
            stay = result["kept_near_edge"] + result["kept_by_hand"]
            return f"{result['moved']:,} of {result['customers']:,} customers moved, {stay:,} kept"
        case "decide":
            return _counted(result["counts"])
        case "deliver":
            cancelled = sum(result["cancelled"].values())
            return f"{result['sent']:,} sent, {cancelled:,} cancelled"
        case "read out":
            found = [f"{day}: {state}" for day, state in result["read_outs"].items()]
            return ", ".join(found) or "nothing is over yet"
        case _:
            return "drafted"


def _counted(counts: Mapping[str, int]) -> str:
    words = {
        "offered": "offered",
        "withheld": "held out",
        "nothing": "nothing permitted or worth it",
    }
    return ", ".join(f"{counts.get(name, 0):,} {word}" for name, word in words.items())


def _shown(stage: Stage) -> dict[str, Any]:
    seconds = round(stage.seconds, 3)
    if current().json:
        content = {"result": dict(stage.result), "done_before": stage.done_before}
        return {"stage": stage.name, **content, "seconds": seconds}
    when = "done before" if stage.done_before else f"{seconds:.1f} s"
    return {"stage": stage.name, "time": when, "result": told(stage)}
