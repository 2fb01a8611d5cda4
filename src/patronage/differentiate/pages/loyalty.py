"""Loyalty: who stayed, who left, what that earned; who is satisfied and leaving all the same."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from patronage.access.errors import NotFound
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.differentiate.pages.audit import nothing
from patronage.differentiate.pages.words import cohort_words
from patronage.differentiate.reads.loyalty import loyalty as read


@require_safe
def loyalty(request: CallerRequest) -> HttpResponse:
    """The loyalty outcomes of the reader's customers, as of the date asked for."""
    request.actor.require(Right.SEE_PROFITABILITY)
    try:
        shown = read(request.actor, request.now, as_of=request.as_of)
    except NotFound:
        return render(request, "differentiate/nothing_valued.html", nothing(request))
    total = shown.total
    return render(
        request,
        "differentiate/loyalty.html",
        {
            "shown": shown,
            "total": total,
            "quarter": cohort_words(shown.quarter),
            "churn": 1 - total.retention if total and total.retention is not None else None,
            "range": (total.retention_low, total.retention_high) if total else None,
            "left": total.bought_before - total.stayed if total else None,
            "tiers": [
                {
                    "kept": each,
                    "churn": None if each.retention is None else 1 - each.retention,
                    "left": each.bought_before - each.stayed,
                }
                for each in shown.tiers
            ],
        },
    )
