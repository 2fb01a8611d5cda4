"""What can go wrong with sending and with what customers said."""

from __future__ import annotations

from datetime import datetime

from patronage.access.errors import PatronageError, Refused


class LeaseLost(PatronageError):
    """Somebody else took the contacts over while this sender was away."""

    def __init__(self, *, token: str) -> None:
        super().__init__(
            f"The lease {token[:8]}… ran out and its contacts were taken over. "
            "Nothing was sent under it; whoever took over sends them."
        )


class DeliveryInFuture(Refused):
    """Contacts cannot be sent at an instant that has not come."""

    def __init__(self, *, at: datetime, now: datetime) -> None:
        super().__init__(
            f"Cannot deliver as of {at:%Y-%m-%d %H:%M} UTC: it is {now:%Y-%m-%d %H:%M} UTC. "
            "Leave the instant out to deliver what is due now."
        )


class BudgetOutOfStep(PatronageError):
    """A budget holds less than its contacts say: an invariant is broken, nothing was sent."""

    def __init__(self, *, budget_id: str, wanted_minor: int) -> None:
        super().__init__(
            f"Budget {budget_id} has less than {wanted_minor} minor units reserved, but its "
            "contacts hold that much. Compare its reservations with its open contacts."
        )


class UnknownState(Refused):
    """A list was asked for by a state that contacts do not have."""

    def __init__(self, *, state: str, known: tuple[str, ...]) -> None:
        super().__init__(f"Contacts have no state {state!r}. Use one of {', '.join(known)}.")
