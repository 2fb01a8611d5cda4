"""What may happen to a customer in a stated horizon, and what a model says of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from patronage.science.lifetime import baselines as naive
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.panel import QUARTER_DAYS, Outcome, Seen
from patronage.science.lifetime.purchase_model import PurchaseModel
from patronage.science.lifetime.rolling import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happens to a customer in the horizon after an origin, or does not."""

    name: str
    horizon_days: int
    #: what repeating the last period means for it
    last_period: Callable[[Seen], FloatArray]
    #: spend of at most this share of the last quarter's; None for any purchase at all
    spend_share: float | None = None

    def concerns(self, seen: Seen) -> FloatArray:
        """1 for customers of whom it is asked, shape (customers,)."""
        asked = np.ones_like(seen.age) if self.spend_share is None else seen.quarter_spend > 0
        return np.asarray(asked, dtype=np.float64)

    def happened(self, seen: Seen, outcome: Outcome) -> FloatArray:
        """1 where it did, shape (customers,)."""
        if self.spend_share is None:
            return (outcome.purchases > 0).astype(np.float64)
        return (outcome.spend <= self.spend_share * seen.quarter_spend).astype(np.float64)

    def probability(
        self, origin: Origin, model: PurchaseModel, spend_draws: FloatArray | None
    ) -> FloatArray:
        """What a model says of it, shape (customers,)."""
        if self.spend_share is None or spend_draws is None:
            return model.probability_of_purchase(*origin.seen.past, horizon_days=self.horizon_days)
        below = (spend_draws <= self.spend_share * origin.seen.quarter_spend).sum(axis=0)
        share: FloatArray = (below + 0.5) / (spend_draws.shape[0] + 1.0)
        return share


#: buys in the next quarter: the primary figure
BUYS_NEXT_QUARTER: Final = Event(
    name="buys in the next quarter",
    horizon_days=QUARTER_DAYS,
    last_period=naive.bought_last_quarter,
)
SHOPS_WITHIN_A_WEEK: Final = Event(
    name="shops within 7 days", horizon_days=7, last_period=naive.bought_last_week
)
SPENDS_HALF: Final = Event(
    name="next-quarter spend down by half or more",
    horizon_days=QUARTER_DAYS,
    last_period=naive.halved_last_quarter,
    spend_share=0.5,
)
