"""How does long work go on while the page that began it is left?

A thread does it. Whoever began it waits a moment, so that what is done soon is shown with its
result and what takes longer has a row to be found by.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from django.db import connection

Result = TypeVar("Result")
Found = TypeVar("Found")

#: how long a page waits for work to show, seconds
PATIENCE: Final = 20.0
#: work that is done so soon is shown with its result at once
_SOON: Final = 0.8
_BETWEEN_LOOKS: Final = 0.05


class Background(Generic[Result]):
    """Work that a thread does; it ends with a result or an error."""

    def __init__(self, name: str, work: Callable[[], Result]) -> None:
        self.result: Result | None = None
        #: what the work raised; its row says so to everybody who looks
        self.error: BaseException | None = None
        self._work = work
        self._done = threading.Event()
        threading.Thread(target=self._run, name=name).start()

    @property
    def is_done(self) -> bool:
        return self._done.is_set()

    def shown(self, look: Callable[[], Found | None]) -> Found | None:
        """Wait until the work is done, or `look` finds what it wrote; give what was found."""
        self._done.wait(_SOON)
        until = time.monotonic() + PATIENCE
        while not self.is_done and time.monotonic() < until:
            found = look()
            if found is not None:
                return found
            self._done.wait(_BETWEEN_LOOKS)
        return None

    def _run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:
            self.error = error
        finally:
            # the thread's own connection; the one who began keeps theirs
            connection.close()
            self._done.set()
