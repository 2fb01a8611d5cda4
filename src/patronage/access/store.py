"""Which process owns the embedded database? One, shown by a lock that dies with it."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from patronage.access.errors import Refused


class StoreInUse(Refused):
    """Another process owns the database file."""

    def __init__(self, *, path: Path, pid: str) -> None:
        super().__init__(
            f"{path} is in use by process {pid or 'unknown'}. Use its web pages or its API, "
            f"stop it (kill {pid or 'PID'}), or point PATRONAGE_HOME at another folder."
        )
        self.pid = pid


@dataclass(slots=True)
class _Held:
    """The lock file this process holds, and how many blocks asked for it."""

    descriptor: int
    depth: int


_HELD: dict[Path, _Held] = {}
_GUARD = threading.Lock()


@contextmanager
def own_store(path: Path | None = None) -> Iterator[None]:
    """Own the SQLite file for the length of a block; blocks of one process may nest.

    On PostgreSQL any number of processes may run, and this does nothing.

    Args:
        path: the database file; None for the one in the settings.

    Raises:
        StoreInUse: another process owns it; the message names its number.
    """
    file = path or _configured()
    if file is None:
        yield
        return
    lock = Path(f"{os.path.realpath(file)}.lock")
    _enter(lock, file)
    try:
        yield
    finally:
        _leave(lock)


def owner_of(path: Path | None = None) -> int | None:
    """Give the number of the process that owns the file now; None when none does."""
    file = path or _configured()
    if file is None:
        return None
    lock = Path(f"{os.path.realpath(file)}.lock")
    with _GUARD:
        if lock in _HELD:
            return os.getpid()
        if not lock.exists():
            return None
        descriptor = os.open(lock, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(_named_in(descriptor) or 0)
        finally:
            os.close(descriptor)
    return None


def _configured() -> Path | None:
    name = connection.settings_dict["NAME"]
    if connection.vendor != "sqlite" or connection.is_in_memory_db():  # type: ignore[attr-defined]  # SQLite's wrapper has it
        return None
    return Path(str(name))


def _enter(lock: Path, file: Path) -> None:
    with _GUARD:
        held = _HELD.get(lock)
        if held is not None:
            held.depth += 1
            return
        lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = _named_in(descriptor)
            os.close(descriptor)
            raise StoreInUse(path=file, pid=pid) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        _HELD[lock] = _Held(descriptor=descriptor, depth=1)


def _leave(lock: Path) -> None:
    with _GUARD:
        held = _HELD.get(lock)
        if held is None:
            return
        held.depth -= 1
        if held.depth == 0:
            # The file stays: removing it would let two processes lock two files of one name.
            os.ftruncate(held.descriptor, 0)
            os.close(_HELD.pop(lock).descriptor)


def _named_in(descriptor: int) -> str:
    text = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
    return text if text.isdigit() else ""


def _forget_in_child() -> None:
    """A forked child does not own the store, and must not keep its parent's lock alive."""
    global _GUARD
    _GUARD = threading.Lock()
    for held in _HELD.values():
        os.close(held.descriptor)
    _HELD.clear()


os.register_at_fork(after_in_child=_forget_in_child)
