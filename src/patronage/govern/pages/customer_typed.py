"""Which customer did somebody type: an id, a label or what a source calls them?"""

from __future__ import annotations

from django.utils.translation import gettext as _

from patronage.access.errors import NotFound, Refused
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.identify.reads import search
from patronage.vocabulary.ids import IdPrefix, is_id


def customer_typed(request: CallerRequest, typed: str) -> str:
    """The id of the one customer that was typed; whether they are in sight is asked later.

    Raises:
        Refused: nobody is named, or more than one.
        NotFound: nobody in the actor's scope.
    """
    text = typed.strip()
    if not text:
        raise Refused(_("Name the customer."))
    if is_id(text, IdPrefix.CUSTOMER) or not request.actor.may(Right.SEE_CUSTOMERS):
        return text
    found = search(request.actor, text, request.now, limit=20)
    whole = [each for each in found if text in (each.id, each.label)] or found
    if not whole:
        raise NotFound(noun="customer", id=text)
    if len(whole) > 1:
        raise Refused(
            _("“%(typed)s” may mean several customers. Give a number.") % {"typed": typed}
        )
    return whole[0].id
