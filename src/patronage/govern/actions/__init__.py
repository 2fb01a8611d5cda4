"""What may be done about who is in charge: set up portfolios, appoint, hand over."""

from patronage.govern.actions.accountability import appoint, set_up_portfolios
from patronage.govern.actions.hand_overs import HandOver, digest_of, hand_over

__all__ = ["HandOver", "appoint", "digest_of", "hand_over", "set_up_portfolios"]
