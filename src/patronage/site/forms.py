"""What do small forms of the frame carry: why, and in which role?"""

from __future__ import annotations

from django.utils.translation import gettext as _

from patronage.access.errors import Refused
from patronage.access.requests import CallerRequest
from patronage.access.roles import Role

_LONGEST_REASON = 400


def reason_of(request: CallerRequest) -> str:
    """The reason that was given.

    Raises:
        Refused: none was, or it is too long.
    """
    reason = request.POST.get("reason", "").strip()
    if not 1 <= len(reason) <= _LONGEST_REASON:
        raise Refused(_("Say why, in 1 to 400 characters."))
    return reason


def chosen_role(request: CallerRequest) -> Role:
    """The role that was chosen.

    Raises:
        Refused: there is none of that name.
    """
    try:
        return Role(request.POST.get("role", ""))
    except ValueError as error:
        raise Refused(_("Choose one of the roles.")) from error
