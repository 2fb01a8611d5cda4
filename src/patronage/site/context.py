"""What is always in sight on a page: whose customers, as of when, in which currency, and the way."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from patronage.site.as_of import dates_with_figures
from patronage.site.callers import NOBODY
from patronage.site.navigation import places_for, scope_words


def chrome(request: HttpRequest) -> dict[str, Any]:
    """The frame of every page; an error page outside a request's ordinary way gets an empty one."""
    actor = getattr(request, "actor", NOBODY)
    if actor is NOBODY:
        return {"actor": None, "places": (), "as_of": None, "as_of_choices": ()}
    choices = dates_with_figures()
    asked = getattr(request, "as_of", None)
    return {
        "actor": actor,
        "places": places_for(actor, request.path),
        "scope_words": scope_words(actor, request.now),  # type: ignore[attr-defined]
        "as_of_choices": choices,
        "as_of": asked or (choices[0] if choices else None),
        "as_of_is_newest": asked is None or not choices or asked == choices[0],
    }
