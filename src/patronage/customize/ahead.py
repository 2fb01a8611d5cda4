"""What would the first look at a new run work out, and may be worked out before anybody looks?

The gate of a portfolio of tens of thousands of customers takes a second of computing once a run,
and so do the counts that offer owners see. A server does both ahead, one portfolio at a time, so
that whoever is served meanwhile never waits for all of it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from patronage.customize import stakes
from patronage.customize.reads.offers import furthest
from patronage.govern.models import Portfolio

#: the name under which the owners' counts are noted beside the portfolios
_COUNTS: Final = "counts"


class Ahead:
    """Remembers what was worked out of the newest run in this process."""

    def __init__(self) -> None:
        self._run_id = ""
        self._done: set[str] = set()

    def step(self, now: datetime) -> bool:
        """Work out the next part of the newest run; say whether there was one.

        Portfolios beyond those that are kept would only push each other out, and stay for whoever
        looks at them.
        """
        run = stakes.last_run()
        if run is None:
            return False
        if run.id != self._run_id:
            self._run_id, self._done = run.id, set()
        ordered = Portfolio.objects.order_by("position", "name").values_list("id", flat=True)
        wanted = [*ordered[: stakes.KEPT_PORTFOLIOS], _COUNTS]
        part = next((each for each in wanted if each not in self._done), None)
        if part is None:
            return False
        # noted first: a part that fails is left to the page, which says what is wrong
        self._done.add(part)
        if part == _COUNTS:
            furthest(run.id)
        else:
            stakes.of_offers(part, now)
        return True
