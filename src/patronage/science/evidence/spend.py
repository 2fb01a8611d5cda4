"""What did each unit of money spent earn back, on top of itself?"""

import math

from patronage.science.evidence.intervals import Interval


def return_on_spend(incremental_margin: Interval, cost: float) -> Interval:
    """``(incremental margin − cost) / cost``, with its interval.

    Args:
        incremental_margin: margin that the treatment *caused* in total, before its own cost, such
            as :meth:`Difference.total` of the margins; minor units.
        cost: all that was spent on it (contacts, discounts not yet in the margin, set-up), minor
            units of the same currency, above 0, known without error.

    Returns:
        Return per unit spent: 0 breaks even, −1 loses everything.

    Raises:
        ValueError: the cost is not a positive, finite number: a return on nothing is undefined.

    Assumes those of the interval passed in: a margin that is a mere difference gives no return.
    """
    if not (cost > 0.0 and math.isfinite(cost)):
        raise ValueError(
            f"cost: found {cost}; expected a positive amount. Where nothing was spent, report "
            "the incremental margin itself"
        )
    scaled = incremental_margin.times(1.0 / cost)
    return Interval(
        estimate=scaled.estimate - 1.0,
        low=scaled.low - 1.0,
        high=scaled.high - 1.0,
        level=scaled.level,
    )
