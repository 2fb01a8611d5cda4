"""What may an offer's eligibility ask about? Every stage's fields and the context of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

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
            raise NotDecided(
                _("The context has no field %(name).60r. Use %(known)s.")
                % {"name": name, "known": known}
            )
        if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
            raise NotDecided(
                _("The context's %(name)s is a text of 1 to %(longest)s characters.")
                % {"name": name, "longest": _LONGEST}
            )
    return dict(context)
