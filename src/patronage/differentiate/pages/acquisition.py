"""Acquisition: whom is it worth winning, and what may winning one cost?"""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from patronage.access.errors import NotFound
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.differentiate.pages.audit import nothing
from patronage.differentiate.pages.words import cohort_words
from patronage.differentiate.reads.acquisition import acquisition as read


@require_safe
def acquisition(request: CallerRequest) -> HttpResponse:
    """The caps, the record of the scores and the newest customers in the reader's scope."""
    request.actor.require(Right.SEE_PROFITABILITY)
    try:
        shown = read(request.actor, request.now, as_of=request.as_of)
    except NotFound:
        return render(request, "differentiate/nothing_valued.html", nothing(request))
    titles = {"first order": _("First order"), "first days": _("First days")}
    tests = [
        {
            "title": titles[name],
            "test": test,
            "times": test.best_minor / test.random_minor if test and test.random_minor else None,
            "level": test.predicted_minor / test.brought_minor - 1
            if test and test.brought_minor
            else None,
        }
        for name, test in shown.tests.items()
    ]
    return render(
        request,
        "differentiate/acquisition.html",
        {
            "shown": shown,
            "tests": tests,
            "proof": next((each for each in reversed(tests) if each["test"]), None),
            "span_days": shown.window_days + shown.outcome_days,
            "periods": [
                {"source": each, "title": cohort_words(each.name)} for each in shown.periods
            ],
            "newcomers": [{"customer": each, "by": titles[each.by]} for each in shown.newcomers],
        },
    )
