"""Why does a person do it? A ready reason, words of their own, or both, as one text."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _

#: the code of the ready reason that says nothing beside a person's own words
OTHER = "other"


def reason_typed(ready: Mapping[str, str | Promise], code: str, words: str) -> str:
    """The ready reason, then the person's own words; empty where neither was given.

    Args:
        ready: reasons by code.
        code: of the ready one; an unknown code counts as none.
    """
    first, own = str(ready.get(code, "")), words.strip()
    if not own or not first:
        return first or own
    return own if code == OTHER else _("%(ready)s: %(words)s") % {"ready": first, "words": own}
