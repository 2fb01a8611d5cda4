"""Whose turn is it to write to a SQLite file in this process?

SQLite has one writer anyway, but it makes the others poll, and before 3.51.3 it can lose commits
when several connections reset the write-ahead log at once. One lock a file, taken before the
transaction begins and kept over its checkpoint, makes both impossible.
"""

from __future__ import annotations

import os
import threading
import time
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


class WriteLock:
    """One re-entrant lock; a thread that died while holding it does not keep it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._changed = threading.Condition(threading.Lock())
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
            WriteLockTimeout: the lock was not free within `timeout` seconds.
        """
        thread = threading.current_thread()
        with self._changed:
            if self._holder is not thread:
                self._wait_until_free(timeout)
                self._holder, self._depth = thread, 0
            self._depth += 1
        return thread

    def release(self, thread: threading.Thread) -> None:
        """Give one `acquire` of `thread` back; a lock that was taken over stays with its heir."""
        with self._changed:
            if self._holder is not thread:
                return
            self._depth -= 1
            if self._depth == 0:
                self._holder = None
                self._changed.notify()

    def __enter__(self) -> Self:
        self.acquire(timeout=60.0)
        return self

    def __exit__(self, *_: object) -> None:
        self.release(threading.current_thread())

    def _wait_until_free(self, timeout: float) -> None:
        limit = time.monotonic() + timeout
        while self._holder is not None and self._holder.is_alive():
            left = limit - time.monotonic()
            if left <= 0:
                raise WriteLockTimeout(path=self.path, holder=self._holder.name, waited=timeout)
            self._changed.wait(min(left, _LOOK_AGAIN))


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
