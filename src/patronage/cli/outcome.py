"""`patronage outcome …`: what decisions led to."""

from __future__ import annotations

from datetime import date

from cyclopts import App

from patronage.cli.call import current
from patronage.cli.read_outs import show_read_out
from patronage.cli.show import rows, working
from patronage.learn import jobs, reads

app = App(name="outcome", help="What decisions led to.")


@app.command
def read(*, as_of: date) -> None:
    """Read out the decisions as of a date: held out against treated, and how choices fared.

    Parameters
    ----------
    as_of
        The date decided for.
    """
    call = current()
    with working(f"Reading out {as_of}") as progress:
        found = jobs.read_out(actor=call.actor, now=call.clock(), as_of=as_of, progress=progress)
    show_read_out(found)


@app.command(name="list")
def list_() -> None:
    """Show the read-outs there are."""
    rows(
        "",
        [
            {
                "decided_as_of": each.run.as_of,
                "state": each.state,
                "window_ends": each.window_ends_at,
                "verdict": each.figures.get("verdict"),
                "id": each.id,
            }
            for each in reads.read_outs(current().actor).read_outs
        ],
        empty="Nothing was read out yet. Run `patronage outcome read --as-of DATE`.",
    )
