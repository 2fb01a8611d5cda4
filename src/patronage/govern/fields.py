"""What may a rule ask about who is in charge of a customer, the moment, and what is offered?"""

from __future__ import annotations

from typing import Final

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
        ),
    )
)

#: The fields of this stage.
FIELDS: Final = FieldCatalog(
    (
        *SERVICE_FIELDS.values(),
        Field(
            name="portfolio",
            type=str,
            description="Name of the portfolio that the customer is in",
            source="memberships",
        ),
    )
)

#: What an assignment rule may ask: everything that is known before the portfolio is.
ASSIGNMENT_FIELDS: Final = FieldCatalog.merge(IDENTIFY_FIELDS, DIFFERENTIATE_FIELDS, SERVICE_FIELDS)

#: What a boundary may ask: everything that is known of a customer at any time.
BOUNDARY_FIELDS: Final = FieldCatalog.merge(IDENTIFY_FIELDS, DIFFERENTIATE_FIELDS, FIELDS)

_REQUEST: Final = "the request for a decision; unknown in the nightly run"

#: What whoever asks for a decision may say about the moment.
CONTEXT_FIELDS: Final = FieldCatalog(
    (
        Field("channel", str, description="Channel the customer is in now", source=_REQUEST),
        Field("call_reason", str, description="Why the customer is calling", source=_REQUEST),
        Field("page", str, description="Page the customer is looking at", source=_REQUEST),
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
        Field("offer_category", str, description="Product category", source=_OFFERS),
        Field("offer_department", str, description="Department", source=_OFFERS),
        Field("offer_need", str, description="Need it answers; unknown if none", source=_OFFERS),
        Field("offer_team", str, description="Product team that proposes it", source=_OFFERS),
        Field("channel", str, description="Channel it goes out in", source=_OFFERS),
        Field(
            "face_value_minor", int, _MONEY, description="What the customer saves", source=_OFFERS
        ),
        Field("contact_cost_minor", int, _MONEY, description="Cost of one contact", source=_OFFERS),
    )
)
