"""Where does a change begin and end? One transaction an action, nested ones as savepoints.

And for reading: several queries that must agree with one another see one snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from django.db import connection, transaction
from django.db.transaction import Atomic

#: of cache for a change of everybody, in KiB; what is touched of a million customers fits
_MUCH_KIB: Final = 600_000


def atomic() -> Atomic:
    """Open a write transaction as a `with` block; inside another one, a savepoint of it.

    On SQLite it waits for the process's write lock first; reading outside a transaction never does.
    """
    return transaction.atomic()


@contextmanager
def snapshot() -> Iterator[None]:
    """Let all reads of a `with` block see one and the same state; writing in it fails.

    It waits for nobody and nobody waits for it. Inside a transaction that is already open it
    adds nothing: that transaction's own view holds.
    """
    if connection.in_atomic_block:
        yield
        return
    with ExitStack() as stack:
        if connection.vendor == "sqlite":
            _execute("PRAGMA query_only=ON")
            stack.callback(_execute, "PRAGMA query_only=OFF")
            _enter_deferred(stack)
            _execute("SELECT count(*) FROM sqlite_master")  # the state is the one of now
        else:
            stack.enter_context(transaction.atomic())
            _execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            _execute("SELECT 1")
        yield


@contextmanager
def much_at_once() -> Iterator[None]:
    """Keep what a change of everybody touches in memory, for the length of a `with` block.

    SQLite writes pages that its cache has no room for to the log again and again: with a million
    customers that is most of the work. PostgreSQL has buffers of its own.
    """
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        usual = cursor.execute("PRAGMA cache_size").fetchone()[0]
    _execute(f"PRAGMA cache_size=-{_MUCH_KIB}")
    try:
        yield
    finally:
        _execute(f"PRAGMA cache_size={usual}")


def after_commit(effect: Callable[[], None]) -> None:
    """Run `effect` once the outermost transaction has committed; never if it rolls back."""
    transaction.on_commit(effect)


def take_turns(name: str) -> None:
    """Let one transaction at a time past this line, for each `name`, until it ends.

    SQLite has one writer already; PostgreSQL takes an advisory lock.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def _enter_deferred(stack: ExitStack) -> None:
    """Begin without the write lock, for this once."""
    wrapper: Any = connection
    wrapper.ensure_connection()
    usual, wrapper.transaction_mode = wrapper.transaction_mode, "DEFERRED"
    try:
        stack.enter_context(transaction.atomic())
    finally:
        wrapper.transaction_mode = usual


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
