"""`patronage company …`: what the company assumes about itself."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from patronage.access import company
from patronage.cli.call import current
from patronage.cli.show import facts, say
from patronage.cli.texts import text_of

app = App(name="company", help="What the company assumes about itself.")


@app.command
def load(file: Path, *, reason: str = "loaded from the command line") -> None:
    """Put a company.toml in force.

    Parameters
    ----------
    file
        The file.
    reason
        Why; kept with the version.
    """
    call = current()
    version = company.load_company(
        actor=call.actor, now=call.clock(), text=text_of(call.path(file)), reason=reason
    )
    say(f"Version {version.number} of the company's assumptions is in force.")


@app.command
def show() -> None:
    """Show the assumptions in force."""
    in_force = company.current()
    facts(
        f"Version {in_force.version.number}, recorded "
        f"{in_force.version.recorded_at:%Y-%m-%d}: every figure is an assumption",
        in_force.version.content,
    )
