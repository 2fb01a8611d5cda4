"""What managers and agents of the demonstration company may do for a customer, and how far."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from patronage.cli import demo_people as people
from patronage.cli.call import act_as
from patronage.govern.actions import grant_lever, set_boundary
from patronage.govern.boundaries import NewBoundary
from patronage.govern.models import Boundary, Grant, Portfolio

#: of each portfolio's manager: lever, limit in its unit, and for what the limit is
OF_MANAGERS: Final = (("discount", 1_500, "use"), ("goodwill", 2_500, "customer_quarter"))
#: of each agent
OF_AGENTS: Final = (("goodwill", 1_000, "use"),)
BOUNDARIES: Final = (
    NewBoundary(name="No saving above a third", kind="discount_cap", source="board", limit=3_333),
    NewBoundary(
        name="Goodwill of the company", kind="goodwill_cap", source="board", limit=1_000_000,
        per="quarter",
    ),
)  # fmt: skip


def grant(now: datetime) -> tuple[int, int]:
    """Set boundaries and grant levers where none are yet; give how many there are of each."""
    executive = act_as(people.EXECUTIVE, now)
    if not Boundary.objects.exists():
        for each in BOUNDARIES:
            set_boundary(actor=executive, now=now, new=each, reason="agreed by the board")
    if not Grant.objects.exists():
        for portfolio in Portfolio.objects.order_by("position"):
            for lever, limit, per in OF_MANAGERS:
                grant_lever(
                    actor=executive, now=now, portfolio_id=portfolio.id, lever=lever,
                    limit=limit, per=per, reason="what a manager decides alone",
                )  # fmt: skip
        for lever, limit, per in OF_AGENTS:
            grant_lever(
                actor=executive, now=now, role="agent", lever=lever, limit=limit, per=per,
                reason="to settle a call while the customer is on the line",
            )  # fmt: skip
    return Boundary.objects.count(), Grant.objects.count()
