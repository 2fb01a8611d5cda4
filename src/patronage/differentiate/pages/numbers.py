"""A number as typed into a form."""

from __future__ import annotations

import re
from typing import Final

from django.utils.translation import gettext as _

from patronage.access.errors import Refused

_WHOLE_NUMBER: Final = re.compile(r"-?[0-9]{1,9}")


def whole_number(text: str) -> int:
    """A whole number; which of them can be is for the action to say.

    Raises:
        Refused: it is none.
    """
    if _WHOLE_NUMBER.fullmatch(text.strip()) is None:
        raise Refused(
            _("%(text)s is not a whole number. Write one in digits, such as 7.")
            % {"text": text[:40]}
        )
    return int(text)
