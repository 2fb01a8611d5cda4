"""Whom may this actor see? Every question about customers begins here.

A room of its own, below `reads` and `actions`, since both and every stage above ask it.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from patronage.access.errors import NotFound
from patronage.access.roles import Actor
from patronage.access.scope import visible
from patronage.identify.models import THERE, Customer


def customers_in_sight(actor: Actor, now: datetime) -> QuerySet[Customer]:
    """Everybody in the actor's scope at `now` who was neither erased nor absorbed by another."""
    return visible(Customer.objects.filter(THERE), actor, now)


def require_customer(actor: Actor, id: str, now: datetime) -> Customer:
    """Give one of them.

    Raises:
        NotFound: absent, erased, absorbed by another or outside the actor's scope, which look the
            same.
    """
    found = customers_in_sight(actor, now).filter(pk=id).first()
    if found is None:
        raise NotFound(noun="customer", id=id)
    return found
