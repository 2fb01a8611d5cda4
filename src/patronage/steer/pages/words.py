"""What are the lines of a statement called, and what does each mean?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

#: short enough for a chart, in the statement's order
TITLES: Final[Mapping[str, Promise]] = {
    "opening": gettext_lazy("Opening"),
    "expected_margin": gettext_lazy("Margin expected"),
    "unwinding": gettext_lazy("A quarter less to wait"),
    "roll_forward": gettext_lazy("A quarter more in view"),
    "experience": gettext_lazy("Behaviour"),
    "panel_entry": gettext_lazy("There at the start"),
    "new_customers": gettext_lazy("New customers"),
    "hand_overs": gettext_lazy("Hand-overs"),
    "model_change": gettext_lazy("Model change"),
    "closing": gettext_lazy("Closing"),
}
MEANINGS: Final[Mapping[str, Promise]] = {
    "opening": gettext_lazy("What the customers were worth when the quarter began."),
    "expected_margin": gettext_lazy(
        "The margin that was expected of them in the quarter: it is earned now, and no longer "
        "to come. What came in its place stands beside it as realised margin."
    ),
    "unwinding": gettext_lazy(
        "What lies in the future is discounted; a quarter later it is a quarter nearer."
    ),
    "roll_forward": gettext_lazy(
        "The years looked at begin and end a quarter later: one more quarter comes into view."
    ),
    "experience": gettext_lazy(
        "What customers did against what was expected of them, at unchanged models."
    ),
    "panel_entry": gettext_lazy(
        "Customers first seen when recording began: nobody knows when they were won."
    ),
    "new_customers": gettext_lazy("Customers who bought for the first time in the quarter."),
    "hand_overs": gettext_lazy(
        "Customers received from other portfolios less those given away, at their opening value."
    ),
    "model_change": gettext_lazy("The same customers, valued by newly fitted models."),
    "closing": gettext_lazy("What the customers are worth at the end of the quarter."),
}
LEVELS: Final = frozenset({"opening", "closing"})


def quarter_words(quarter: str) -> str:
    """2017-Q4 as people say it."""
    year, _dash, number = quarter.partition("-Q")
    return _("Quarter %(number)s of %(year)s") % {"number": number, "year": year}


def total_words(*, is_enterprise: bool) -> str:
    """What the sum of the columns is called."""
    return _("Enterprise") if is_enterprise else _("Your portfolios")
