"""Who calls from the command line, when, and where does the answer go? One record a call."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from patronage.access.errors import Refused
from patronage.access.roles import SYSTEM, Actor

#: columns of what is written to a file or a pipe
PIPE_WIDTH: Final = 100


def wall_clock() -> datetime:
    """Give the present instant; the one clock of the command line."""
    return datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class Call:
    """One command line and what surrounds it."""

    #: where the answer goes
    out: Console
    #: where progress and errors go
    err: Console
    #: the folder that relative paths start from
    folder: Path
    #: whether a running server carries the call out
    through_server: bool = False
    #: who acts: the machine's owner, or the person that `--as` names
    actor: Actor = SYSTEM
    #: whether answers are JSON, one document a line
    json: bool = False
    clock: Callable[[], datetime] = field(default=wall_clock)

    def path(self, given: Path) -> Path:
        """Give the file a caller means, wherever the process that reads it runs."""
        return given if given.is_absolute() else self.folder / given


_CURRENT: ContextVar[Call] = ContextVar("call")


def current() -> Call:
    """Give the call that is being carried out."""
    return _CURRENT.get()


def begin(call: Call) -> None:
    """Make this the call that `current` gives, in this thread."""
    _CURRENT.set(call)


def act_as(email: str, now: datetime) -> Actor:
    """Give the person with this address as the actor.

    Raises:
        Refused: there is nobody of that address, or the account is closed.
    """
    from patronage.access.actor import actor_of_user
    from patronage.access.models import User

    user = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    if user is None:
        raise Refused(
            f"Nobody who works here has the address {email!r}. `patronage user list` names them."
        )
    return actor_of_user(user, now)
