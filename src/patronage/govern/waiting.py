"""How many offers wait for a manager's ruling? A higher room knows; the portfolio page asks it."""

from __future__ import annotations

from datetime import datetime

from patronage.access.ports import Question
from patronage.access.roles import Actor

#: offers on which nobody has ruled yet, in the portfolios the actor is in charge of
offers_waiting: Question[[Actor, datetime], int] = Question("offers_waiting", mandatory=False)


def waiting(actor: Actor, now: datetime) -> int | None:
    """Give the number of offers that wait; None where no room answers."""
    return offers_waiting.ask(actor, now) if offers_waiting.handled else None
