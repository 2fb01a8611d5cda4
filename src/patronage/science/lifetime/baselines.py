"""What would a child have forecast? Four naive answers that every score is printed beside."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.panel import Seen

BASE_RATE: Final = "base rate"
LAST_PERIOD: Final = "last period repeated"
COUNT_RECENCY: Final = "count × recency/T"
LAST_QUARTER: Final = "last quarter's shopping days"


def count_times_recency(seen: Seen) -> FloatArray:
    """Repeat purchases times recency over age: 0 for who came once."""
    weighted: FloatArray = seen.frequency * np.divide(
        seen.recency, seen.age, out=np.zeros_like(seen.age), where=seen.age > 0
    )
    return weighted


def nothing(seen: Seen) -> FloatArray:
    """The same for everybody."""
    return np.zeros_like(seen.age)


def bought_last_quarter(seen: Seen) -> FloatArray:
    """1 for who bought in the last quarter."""
    bought: FloatArray = (seen.quarter_days > 0).astype(np.float64)
    return bought


def bought_last_week(seen: Seen) -> FloatArray:
    """1 for who bought in the last seven days."""
    bought: FloatArray = (seen.week_days > 0).astype(np.float64)
    return bought


def halved_last_quarter(seen: Seen) -> FloatArray:
    """1 for whose last quarter's spend was half of the quarter before or less."""
    halved: FloatArray = (seen.quarter_spend <= 0.5 * seen.earlier_spend).astype(np.float64)
    return halved


def last_quarter(seen: Seen) -> FloatArray:
    """Log of one plus the shopping days of the last quarter."""
    days: FloatArray = np.log1p(seen.quarter_days)
    return days


def log_count_recency(seen: Seen) -> FloatArray:
    """Log of one plus count × recency/T."""
    weighted: FloatArray = np.log1p(count_times_recency(seen))
    return weighted


#: what each baseline reads of a customer; a one-variable logistic makes a probability of it
Reads = Mapping[str, Callable[[Seen], FloatArray]]


def baselines(last_period: Callable[[Seen], FloatArray]) -> Reads:
    """The four baselines of an event, given what repeating its last period means."""
    return MappingProxyType(
        {
            BASE_RATE: nothing,
            LAST_PERIOD: last_period,
            COUNT_RECENCY: log_count_recency,
            LAST_QUARTER: last_quarter,
        }
    )
