"""What may an offer's eligibility ask about? Every stage's fields and the context of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from patronage.customize.errors import NotDecided
from patronage.differentiate.fields import FIELDS as DIFFERENTIATE_FIELDS
from patronage.govern.fields import FIELDS as GOVERN_FIELDS
from patronage.identify.fields import FIELDS as IDENTIFY_FIELDS
from patronage.vocabulary.fields import Field, FieldCatalog

_REQUEST: Final = "the request for a decision; unknown in the nightly run"

#: What whoever asks for a decision may say about the moment.
CONTEXT_FIELDS: Final = FieldCatalog(
    (
        Field("channel", str, description="Channel the customer is in now", source=_REQUEST),
        Field("call_reason", str, description="Why the customer is calling", source=_REQUEST),
        Field("page", str, description="Page the customer is looking at", source=_REQUEST),
    )
)

#: Everything a rule of this stage may ask about.
FIELDS: Final = FieldCatalog.merge(
    IDENTIFY_FIELDS, DIFFERENTIATE_FIELDS, GOVERN_FIELDS, CONTEXT_FIELDS
)
_LONGEST: Final = 200


def context_record(context: Mapping[str, Any]) -> dict[str, str]:
    """Check what a request says about the moment; a field left out is unknown.

    Raises:
        NotDecided: a name is not declared, or a value is no short text.
    """
    for name, value in context.items():
        if name not in CONTEXT_FIELDS:
            known = ", ".join(CONTEXT_FIELDS)
            raise NotDecided(f"The context has no field {name!r:.60}. Use {known}.")
        if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
            raise NotDecided(f"The context's {name} is a text of 1 to {_LONGEST} characters.")
    return dict(context)
