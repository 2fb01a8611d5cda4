"""What are the lines of a statement called, and what does each mean?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patronage.science.equity import UNATTRIBUTABLE

#: short enough for a chart, in the statement's order
TITLES: Final[Mapping[str, Promise]] = {
    "opening": gettext_lazy("Opening"),
    "expected_margin": gettext_lazy("Margin expected"),
    "unwinding": gettext_lazy("A quarter less to wait"),
    "roll_forward": gettext_lazy("A quarter more in view"),
    "experience_frequency": gettext_lazy("Bought more or less often"),
    "experience_spend": gettext_lazy("Spent more or less"),
    "new_customers": gettext_lazy("New customers"),
    "hand_overs": gettext_lazy("Hand-overs"),
    "panel_entry": gettext_lazy("There at the start"),
    "model_change": gettext_lazy("Model change"),
    "identity": gettext_lazy("Merged customers"),
    "corrections": gettext_lazy("Corrected data"),
    "erased": gettext_lazy("Erased customers"),
    "currency": gettext_lazy("Exchange rates"),
    "rounding": gettext_lazy("Rounding"),
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
    "experience_frequency": gettext_lazy(
        "How often customers came back, and who stayed away, against what was expected of them: "
        "the old model on the new history, at the spend they began with."
    ),
    "experience_spend": gettext_lazy(
        "How much a purchase of theirs leaves now, against what was expected of it."
    ),
    "new_customers": gettext_lazy(
        "Customers who bought for the first time in the quarter, at their value on that day."
    ),
    "hand_overs": gettext_lazy(
        "Customers received from other portfolios less those given away, at their value of the day."
    ),
    "panel_entry": gettext_lazy(
        "Customers first seen when recording began: nobody knows when they were won."
    ),
    "model_change": gettext_lazy(
        "The same customers, valued by newly fitted models or under other assumptions."
    ),
    "identity": gettext_lazy(
        "Customers who turned out to be one: their value together less that of the parts."
    ),
    "corrections": gettext_lazy(
        "Lines that came late or were corrected: what the opening would have been with them."
    ),
    "erased": gettext_lazy(
        "Customers who were erased or objected to being profiled: their opening value leaves."
    ),
    "currency": gettext_lazy("What other exchange rates than at the opening change."),
    "rounding": gettext_lazy("What rounding each line to the cent leaves: a cent a piece at most."),
    "closing": gettext_lazy("What the customers are worth at the end of the quarter."),
}
LEVELS: Final = frozenset({"opening", "closing"})
#: movements that nobody caused: shown apart and paid to nobody
UNPAID: Final = frozenset(UNATTRIBUTABLE)


def total_words(*, is_enterprise: bool) -> str:
    """What the sum of the columns is called."""
    return _("Enterprise") if is_enterprise else _("Your portfolios")
