"""How many events may a key still send? A token bucket a key, in this process's memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

#: events a second that one key may send for as long as it likes
EVENTS_A_SECOND: Final = 20_000.0
#: events that it may send at once
BURST: Final = 60_000.0
_MOST_KEYS: Final = 10_000


class Allowance:
    """What is left to each key; a key unheard of has all of its burst."""

    def __init__(
        self,
        *,
        a_second: float = EVENTS_A_SECOND,
        burst: float = BURST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._a_second = a_second
        self._burst = burst
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def seconds_until(self, key: str, events: int) -> float:
        """Take these events off the key's allowance; give 0, or how long to wait, taking none.

        A request costs one event at least; one larger than the burst waits for a full bucket.
        """
        wanted, now = min(max(1.0, float(events)), self._burst), self._clock()
        left, since = self._left.pop(key, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._a_second)
        wait = max(0.0, (wanted - left) / self._a_second)
        self._left[key] = (left if wait else left - wanted, now)
        if len(self._left) > _MOST_KEYS:
            self._left.popitem(last=False)
        return wait
