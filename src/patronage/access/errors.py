"""What can go wrong with people, rights and the stores behind them."""

from __future__ import annotations


class PatronageError(Exception):
    """Base of every error that a person is meant to read; `str(error)` is the sentence shown."""


class NotAllowed(PatronageError):
    """The actor's roles do not hold the right that the action needs."""

    def __init__(self, *, actor: str, right: str) -> None:
        super().__init__(
            f"{actor} does not have the right to {right}. "
            "Ask an administrator for a role that has it."
        )
        self.right = right


class NotFound(PatronageError):
    """Absent, or outside the actor's scope: the two look the same on purpose."""

    def __init__(self, *, noun: str, id: str) -> None:
        super().__init__(f"There is no {noun} {id!r} that you can see.")
        self.noun = noun
        self.id = id


class Refused(PatronageError):
    """The input or the state of things does not permit this; the message says what to do."""
