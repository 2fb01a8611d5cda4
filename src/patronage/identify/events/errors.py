"""What can go wrong with events and their plan."""

from __future__ import annotations

from patronage.access.errors import Refused


class PlanError(Refused):
    """A tracking plan says something that cannot be used."""

    def __init__(self, *, at: str, found: str, mend: str) -> None:
        super().__init__(f"Tracking plan, {at}: {found}. {mend}")
        self.at = at


class StillUnfit(Refused):
    """A quarantined event does not fit the plan in force either."""

    def __init__(self, *, id: str, reason: str) -> None:
        super().__init__(
            f"The event {id} does not fit the plan in force: {reason}. "
            "Publish a plan that declares it, then release it."
        )
