"""`patronage migrate`: bring the tables up to this version."""

from __future__ import annotations

from patronage.cli import start
from patronage.cli.call import current
from patronage.cli.show import say


def migrate() -> None:
    """Bring the tables up to this version; every verb does so first where it is needed."""
    if current().through_server:
        say("The running server brought the tables up to date when it started.")
        return
    applied = start.migrate()
    say(f"{len(applied)} changes were applied." if applied else "The tables are up to date.")
