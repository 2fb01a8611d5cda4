"""Who asks? The actor of a request, from an API key or from the web session."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest

from patronage.access.actor import actor_of_key, actor_of_user
from patronage.access.models import User
from patronage.access.roles import Actor

#: holds no role, hence no right
NOBODY = Actor(id="nobody", name="Somebody who is not logged in", roles=frozenset())
_BEARER = "bearer "


def bearer_key(request: HttpRequest) -> str | None:
    """The key of an `Authorization: Bearer` header; None without such a header."""
    header = request.headers.get("Authorization", "")
    return header[len(_BEARER) :].strip() if header.lower().startswith(_BEARER) else None


def actor_of(request: HttpRequest, now: datetime) -> Actor:
    """The caller: a presented key decides alone, whatever session comes with it."""
    key = bearer_key(request)
    if key is not None:
        return actor_of_key(key, now) or NOBODY
    if isinstance(request.user, User):
        return actor_of_user(request.user, now)
    return NOBODY
