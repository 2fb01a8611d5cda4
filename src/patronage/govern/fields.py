"""What may a rule ask about who is in charge of a customer?"""

from __future__ import annotations

from typing import Final

from patronage.differentiate.fields import FIELDS as DIFFERENTIATE_FIELDS
from patronage.identify.fields import FIELDS as IDENTIFY_FIELDS
from patronage.vocabulary.fields import Field, FieldCatalog

#: The fields of this stage.
FIELDS: Final = FieldCatalog(
    (
        Field(
            name="portfolio",
            type=str,
            description="Name of the portfolio that the customer is in",
            source="memberships",
        ),
    )
)

#: What an assignment rule may ask: everything that is known before the portfolio is.
ASSIGNMENT_FIELDS: Final = FieldCatalog.merge(IDENTIFY_FIELDS, DIFFERENTIATE_FIELDS)
