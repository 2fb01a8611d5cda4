"""`patronage demo`: a real retailer's year, imported and taken through the loop."""

from __future__ import annotations

from patronage.cli.demo.steps import before_the_cycles
from patronage.cli.show import step


def demo() -> None:
    """Import a real retailer's year and run the loop at each quarter's end.

    Run again, it does nothing twice.
    """
    for each in before_the_cycles():
        step(each.title, each.do)
