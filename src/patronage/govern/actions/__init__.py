"""What may be done about who is in charge: set up portfolios, appoint, hand over, stand in."""

from patronage.govern.actions.accountability import appoint, set_up_portfolios
from patronage.govern.actions.covers import arrange_cover, end_cover
from patronage.govern.actions.hand_overs import HandOver, digest_of, hand_over

__all__ = [
    "HandOver",
    "appoint",
    "arrange_cover",
    "digest_of",
    "end_cover",
    "hand_over",
    "set_up_portfolios",
]
