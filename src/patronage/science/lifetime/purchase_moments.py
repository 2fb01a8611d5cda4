"""What a purchase model knows about the purchases in a window."""

from dataclasses import dataclass

from patronage.science.lifetime.histories import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PurchaseMoments:
    """What is known about a customer's purchases in a window; arrays of shape (customers,)."""

    #: expected discounted number of purchases
    mean: FloatArray
    #: variance of the discounted number, rate and dropout unknown
    variance: FloatArray
    #: expected sum of squared discount factors over purchases: what per-purchase noise multiplies
    mean_squared_discount: FloatArray
    #: probability of at least one purchase in the window
    probability_of_purchase: FloatArray
