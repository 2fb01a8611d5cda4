"""Whose turn is it to write to a SQLite file in this process?

SQLite has one writer anyway, but it makes the others poll, and before 3.51.3 it can lose commits
when several connections reset the write-ahead log at once. One lock a file, taken before the
transaction begins and kept over its checkpoint, makes both impossible.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from pathlib import Path
from typing import Self

#: How often a waiter looks whether the thread that holds the lock still lives, in seconds.
_LOOK_AGAIN = 1.0


class WriteLockTimeout(Exception):
    """Another thread kept the write lock longer than the caller was ready to wait."""

    def __init__(self, *, path: str, holder: str, waited: float) -> None:
        super().__init__(
            f"{path}: thread {holder!r} has been writing for more than {waited:.0f} s. "
            "Shorten that transaction, or raise the database's timeout."
        )


class _Ticket:
    """A thread's place in the queue."""

    def __init__(self, thread: threading.Thread) -> None:
        self.thread = thread
        self.called = threading.Event()


class WriteLock:
    """One re-entrant lock, first come first served; a thread that died does not keep it."""

    def __init__(self, path: str) -> None:
        self.path = path
        # Re-entrant: a connection that is collected as garbage gives its turn back from anywhere.
        self._guard = threading.RLock()
        self._queue: deque[_Ticket] = deque()
        self._holder: threading.Thread | None = None
        self._depth = 0
        #: Commits since the last checkpoint, and the log's size at that moment.
        self.commits = 0
        self.log_size = 0

    @property
    def holder(self) -> threading.Thread | None:
        """The thread whose turn it is; None when nobody writes."""
        return self._holder

    def acquire(self, timeout: float) -> threading.Thread:
        """Wait for the turn; return the thread to give it back for.

        Raises:
            WriteLockTimeout: the turn did not come within `timeout` seconds.
        """
        thread = threading.current_thread()
        with self._guard:
            if self._holder is thread:
                self._depth += 1
                return thread
            if self._is_free() and not self._queue:
                self._holder, self._depth = thread, 1
                return thread
            ticket = _Ticket(thread)
            self._queue.append(ticket)
        try:
            self._wait_for_turn(ticket, timeout)
        except BaseException:
            self._step_out(ticket)
            raise
        return thread

    def release(self, thread: threading.Thread) -> None:
        """Give one `acquire` of `thread` back; a lock that was taken over stays with its heir."""
        with self._guard:
            if self._holder is not thread:
                return
            self._depth -= 1
            if self._depth == 0:
                self._call_next()

    def __enter__(self) -> Self:
        self.acquire(timeout=60.0)
        return self

    def __exit__(self, *_: object) -> None:
        self.release(threading.current_thread())

    def _wait_for_turn(self, ticket: _Ticket, timeout: float) -> None:
        limit = time.monotonic() + timeout
        while not ticket.called.wait(max(0.0, min(limit - time.monotonic(), _LOOK_AGAIN))):
            with self._guard:
                if self._is_free():
                    self._call_next()
                elif time.monotonic() >= limit and not ticket.called.is_set():
                    name = self._holder.name if self._holder else ""
                    raise WriteLockTimeout(path=self.path, holder=name, waited=timeout)

    def _is_free(self) -> bool:
        return self._holder is None or not self._holder.is_alive()

    def _call_next(self) -> None:
        """Hand the turn to the first in the queue, so that nobody can push in between."""
        if not self._queue:
            self._holder = None
            return
        ticket = self._queue.popleft()
        self._holder, self._depth = ticket.thread, 1
        ticket.called.set()

    def _step_out(self, ticket: _Ticket) -> None:
        """Leave the queue; a turn that came meanwhile goes to the next."""
        with self._guard:
            if ticket.called.is_set():
                self._call_next()
            else:
                self._queue.remove(ticket)


_LOCKS: dict[str, WriteLock] = {}
_LOCKS_GUARD = threading.Lock()


def write_lock(path: str | Path) -> WriteLock:
    """Give the process's one lock for a database file, however its path is spelt."""
    name = os.path.realpath(path)
    with _LOCKS_GUARD:
        return _LOCKS.setdefault(name, WriteLock(name))


def _forget_locks() -> None:
    """A forked child holds none of its parent's turns."""
    global _LOCKS_GUARD
    _LOCKS_GUARD = threading.Lock()
    _LOCKS.clear()


os.register_at_fork(after_in_child=_forget_locks)
