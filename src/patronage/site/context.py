"""What is always in sight: whose customers, as of when, in which currency, where to go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from patronage.access.requests import CallerRequest
from patronage.access.roles import Actor, Right
from patronage.differentiate.reads import valued_dates
from patronage.site.bundle import chart_library_version
from patronage.site.callers import NOBODY
from patronage.site.navigation import places_for, scope_words
from patronage.site.words import ROLE_WORDS

THEMES = ("light", "dark")


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOfChoice:
    """One date as of which the same page can be seen."""

    day: date
    href: str
    is_here: bool


def chrome(request: CallerRequest) -> dict[str, Any]:
    """The frame of every page; without a known caller it is empty."""
    theme = request.COOKIES.get("theme", "")
    frame: dict[str, Any] = {
        "actor": None,
        "theme": theme if theme in THEMES else "",
        "chart_version": chart_library_version(),
    }
    actor = getattr(request, "actor", NOBODY)
    if actor is NOBODY:
        return frame
    days = valued_dates()
    shown = request.as_of or (days[0] if days else None)
    return frame | {
        "actor": actor,
        "role_words": role_words(actor),
        "places": places_for(actor, request.path),
        "may_search": actor.may(Right.SEE_CUSTOMERS),
        "may_see_fence": actor.may(Right.SEE_PROFITABILITY),
        "may_use_levers": actor.may(Right.USE_LEVER) or actor.may(Right.GRANT_LEVER),
        "may_rule": actor.may(Right.RULE),
        "may_administer": actor.may(Right.ADMINISTER),
        "may_assign": actor.may(Right.ASSIGN),
        "scope_words": scope_words(actor, request.now),
        "company": request.company,
        "currency": request.company.currency if request.company else "",
        "as_of": shown,
        "as_of_is_newest": not days or shown == days[0],
        "as_of_query": f"?as_of={request.as_of.isoformat()}" if request.as_of else "",
        "as_of_choices": [_choice(request, day, shown, newest=days[0]) for day in days],
    }


def role_words(actor: Actor) -> str:
    """The actor's roles as people call them."""
    return ", ".join(str(words) for role, words in ROLE_WORDS.items() if role in actor.roles)


def _choice(request: CallerRequest, day: date, shown: date | None, *, newest: date) -> AsOfChoice:
    query = request.GET.copy()
    # a page's place in a list belongs to the figures it was read from
    query.pop("after", None)
    query.pop("as_of", None)
    if day != newest:
        query["as_of"] = day.isoformat()
    href = f"{request.path}?{query.urlencode()}" if query else request.path
    return AsOfChoice(day=day, href=href, is_here=day == shown)
