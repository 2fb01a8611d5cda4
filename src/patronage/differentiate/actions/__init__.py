"""What someone may do about value, needs and objectives: one module a noun."""

from patronage.differentiate.actions.control_totals import record_control_total
from patronage.differentiate.actions.needs import close_need, note_name, record_need
from patronage.differentiate.actions.objectives import override_objective, revoke_override
from patronage.differentiate.actions.rankings import (
    move_client,
    open_ranking,
    review_ranking,
    vote,
)

__all__ = [
    "close_need",
    "move_client",
    "note_name",
    "open_ranking",
    "override_objective",
    "record_control_total",
    "record_need",
    "review_ranking",
    "revoke_override",
    "vote",
]
