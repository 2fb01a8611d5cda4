"""What may an offer's eligibility ask about? Every stage's fields and the context of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from patronage.customize.errors import NotDecided
from patronage.govern.fields import CONTEXT_FIELDS
from patronage.govern.fields import RULE_FIELDS as FIELDS

__all__ = ["CONTEXT_FIELDS", "FIELDS", "context_record"]

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
