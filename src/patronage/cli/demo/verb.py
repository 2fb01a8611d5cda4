"""`patronage demo`: a real retailer's year, imported and taken through the loop."""

from __future__ import annotations

import time

from patronage.cli.demo.steps import before_the_cycles, the_cycles
from patronage.cli.demo.summary import summarise
from patronage.cli.serve import serve as serve_it
from patronage.cli.show import step


def demo(*, serve: bool = False) -> None:
    """Import a real retailer's year and run the loop at each quarter's end.

    Run again, it does nothing twice.

    Parameters
    ----------
    serve
        Serve the result afterwards.
    """
    began = time.monotonic()
    done = [
        (each.title, *step(each.title, each.do))
        for steps in (before_the_cycles(), the_cycles())
        for each in steps
    ]
    summarise(done, time.monotonic() - began)
    if serve:
        serve_it()
