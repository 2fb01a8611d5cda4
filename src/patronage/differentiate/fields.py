"""What may a rule ask about a customer's worth, needs and behaviour?"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from patronage.access.asking import LIVE, NIGHTLY, OF_PROFITABILITY
from patronage.identify.fields import FIELDS as IDENTIFY_FIELDS
from patronage.vocabulary.fields import Field, FieldCatalog

_MONEY: Final = "minor units"
_VALUATION: Final = "latest valuation"
_HISTORY: Final = "order lines up to the valuation's date"


def _field(name: str, type: type, source: str, description: str, unit: str | None = None) -> Field:
    """A field of the night's valuation; amounts are for whoever may see what customers earn."""
    return Field(
        name=name,
        type=type,
        unit=unit,
        description=description,
        source=source,
        freshness=NIGHTLY,
        usable_by=OF_PROFITABILITY if unit == _MONEY else None,
    )


_OF_A_VALUATION: Final = (
    _field("value_minor", int, _VALUATION, "Expected margin of the horizon, discounted", _MONEY),
    _field(
        "probability_of_purchase",
        float,
        _VALUATION,
        "Probability of buying in the next quarter",
    ),
    _field(
        "expected_purchases",
        float,
        _VALUATION,
        "Shopping days expected in the next quarter",
        "shopping days",
    ),
    _field("expected_margin_minor", int, _VALUATION, "Margin expected next quarter", _MONEY),
    _field(
        "potential_minor",
        int,
        _VALUATION,
        "Estimate of what the customer could be worth, from look-alikes; unknown if too few",
        _MONEY,
    ),
    replace(
        _field(
            "share_of_customer",
            float,
            _VALUATION,
            "Value as a share of potential, above 0 and at most 1; an estimate",
        ),
        usable_by=OF_PROFITABILITY,
    ),
    _field(
        "value_if_converted_minor",
        int,
        _VALUATION,
        "Value under the cheapest declared service model; unknown if none is declared",
        _MONEY,
    ),
    _field("tier", str, _VALUATION, "Band of customers by long-term value"),
    _field("need", str, _HISTORY, "Need that the purchases show; unknown if they show none"),
    _field("orders_90d", int, _HISTORY, "Orders in the last 90 days", "orders"),
    _field("recency_days", int, _HISTORY, "Days since the last purchase", "days"),
    _field("age_days", int, _HISTORY, "Days since the first purchase", "days"),
    _field(
        "quarter_revenue_minor",
        int,
        _HISTORY,
        "Revenue of this quarter so far, net of returns",
        _MONEY,
    ),
    _field(
        "quarter_margin_minor",
        int,
        _HISTORY,
        "Margin of this quarter so far, after the cost to serve",
        _MONEY,
    ),
)

#: What an objective rule may ask: everything that is known before the objective is.
OBJECTIVE_FIELDS: Final = FieldCatalog.merge(IDENTIFY_FIELDS, FieldCatalog(_OF_A_VALUATION))

#: The fields of this stage.
FIELDS: Final = FieldCatalog(
    (
        *_OF_A_VALUATION,
        _field("objective", str, _VALUATION, "Retain, grow, convert, exit or acquire"),
        replace(
            _field(
                "said_need",
                str,
                "needs that customers expressed",
                "Need the customer spoke of last and that is still open; unknown if none is",
            ),
            freshness=LIVE,
        ),
    )
)
