"""What can go wrong with people, rights and the stores behind them."""

from __future__ import annotations

from django.utils.translation import gettext as _


class PatronageError(Exception):
    """Base of every error that a person is meant to read; `str(error)` is the sentence shown."""


class NotAllowed(PatronageError):
    """The actor's roles do not hold the right that the action needs."""

    def __init__(self, *, actor: str, right: str) -> None:
        super().__init__(
            _(
                "%(actor)s does not have the right to %(right)s. Ask an administrator for a "
                "role that has it."
            )
            % {"actor": actor, "right": _(right)}
        )
        self.right = right


class NotFound(PatronageError):
    """Absent, or outside the actor's scope: the two look the same on purpose."""

    def __init__(self, *, noun: str, id: str) -> None:
        super().__init__(
            _("There is no %(noun)s %(id)r that you can see.") % {"noun": _(noun), "id": id}
        )
        self.noun = noun
        self.id = id


class Refused(PatronageError):
    """The input or the state of things does not permit this; the message says what to do."""
