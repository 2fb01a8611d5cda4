"""Where does a change begin and end? One transaction an action, nested ones as savepoints."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection, transaction
from django.db.transaction import Atomic


def atomic() -> Atomic:
    """Open a write transaction as a `with` block; inside another one, a savepoint of it.

    On SQLite it waits for the process's write lock first; reading outside a transaction never does.
    """
    return transaction.atomic()


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
