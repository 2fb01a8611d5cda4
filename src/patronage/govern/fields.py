"""What may a rule ask about who is in charge of a customer, the moment, and what is offered?"""

from __future__ import annotations

from typing import Final

from patronage.access.asking import LIVE
from patronage.differentiate.fields import FIELDS as DIFFERENTIATE_FIELDS
from patronage.identify.fields import FIELDS as IDENTIFY_FIELDS
from patronage.vocabulary.fields import Field, FieldCatalog

#: How the customer is served: known before the portfolio is.
SERVICE_FIELDS: Final = FieldCatalog(
    (
        Field(
            name="service_tier",
            type=str,
            description="How the customer is served, as company.toml names it; unknown if none is "
            "declared",
            source="service tiers",
            freshness=LIVE,
        ),
    )
)

#: To which account of organisations the customer belongs: known before the portfolio is.
ACCOUNT_FIELDS: Final = FieldCatalog(
    (
        Field(
            name="account",
            type=str,
            description="Name of the account that the customer belongs to; empty if to none",
            source="accounts",
            freshness=LIVE,
        ),
        Field(
            name="account_root",
            type=str,
            description="Name of the account on top of the tree; empty if in none",
            source="accounts",
            freshness=LIVE,
        ),
    )
)

#: The fields of this stage.
FIELDS: Final = FieldCatalog(
    (
        *SERVICE_FIELDS.values(),
        *ACCOUNT_FIELDS.values(),
        Field(
            name="portfolio",
            type=str,
            description="Name of the portfolio that the customer is in",
            source="memberships",
            freshness=LIVE,
        ),
    )
)

#: What an assignment rule may ask: everything that is known before the portfolio is.
ASSIGNMENT_FIELDS: Final = FieldCatalog.merge(
    IDENTIFY_FIELDS, DIFFERENTIATE_FIELDS, SERVICE_FIELDS, ACCOUNT_FIELDS
)

#: What a boundary may ask: everything that is known of a customer at any time.
BOUNDARY_FIELDS: Final = FieldCatalog.merge(IDENTIFY_FIELDS, DIFFERENTIATE_FIELDS, FIELDS)

_REQUEST: Final = "the request for a decision; unknown in the nightly run"


def _field(
    name: str, description: str, source: str, type: type = str, unit: str | None = None
) -> Field:
    return Field(name, type, unit, description=description, source=source, freshness=LIVE)


#: What whoever asks for a decision may say about the moment.
CONTEXT_FIELDS: Final = FieldCatalog(
    (
        _field("channel", "Channel the customer is in now", _REQUEST),
        _field("call_reason", "Why the customer is calling", _REQUEST),
        _field("page", "Page the customer is looking at", _REQUEST),
    )
)

#: What a portfolio's rule may ask of the customer and the moment.
RULE_FIELDS: Final = FieldCatalog.merge(
    IDENTIFY_FIELDS, DIFFERENTIATE_FIELDS, FIELDS, CONTEXT_FIELDS
)

_OFFERS: Final = "proposed offers"
_MONEY: Final = "minor units"

#: What a portfolio's rule may ask of what is offered. What a product team has to sell of it, its
#: target, is no field on purpose: no rule can favour an offer for the product's sake.
TREATMENT_FIELDS: Final = FieldCatalog(
    (
        _field("offer_category", "Product category", _OFFERS),
        _field("offer_department", "Department", _OFFERS),
        _field("offer_need", "Need it answers; unknown if none", _OFFERS),
        _field("offer_team", "Product team that proposes it", _OFFERS),
        _field("channel", "Channel it goes out in", _OFFERS),
        _field("face_value_minor", "What the customer saves", _OFFERS, int, _MONEY),
        _field("contact_cost_minor", "Cost of one contact", _OFFERS, int, _MONEY),
    )
)
