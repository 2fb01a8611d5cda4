"""`patronage profile rebuild`: the running totals, counted anew from the events."""

from __future__ import annotations

from cyclopts import App

from patronage.cli.call import current
from patronage.cli.show import say
from patronage.identify import profiles

app = App(name="profile", help="The running totals of every customer's history.")


@app.command
def rebuild() -> None:
    """Count every customer's totals anew from the events; they come out equal."""
    call = current()
    say(f"{profiles.rebuild(actor=call.actor, now=call.clock()):,} profiles were rebuilt.")
