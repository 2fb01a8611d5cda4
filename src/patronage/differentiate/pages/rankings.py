"""Rankings by judgement: which are there, who stands where, and why?"""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from patronage.access.errors import Refused
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.differentiate import actions
from patronage.differentiate.pages.numbers import whole_number
from patronage.differentiate.pages.opening import CRITERIA
from patronage.differentiate.reads import rankings as reads


@require_safe
def rankings(request: CallerRequest) -> HttpResponse:
    """Every ranking, newest first."""
    return render(
        request,
        "differentiate/rankings.html",
        {
            "rankings": reads.rankings(request.actor),
            "may_rank": request.actor.may(Right.SET_OBJECTIVE),
            "criteria": CRITERIA,
        },
    )


@require_safe
def ranking(request: CallerRequest, ranking_id: str) -> HttpResponse:
    """One ranking: places, scores, moves with their reasons, agreement with value."""
    shown = reads.ranking(request.actor, ranking_id, request.now)
    rows = [
        {"place": each, "scores": [each.by_criterion.get(name) for name in shown.criteria]}
        for each in shown.places
    ]
    return render(
        request,
        "differentiate/ranking.html",
        {
            "shown": shown,
            "head": shown.head,
            "rows": rows,
            "criteria": [
                {"name": name, "weight": weight} for name, weight in shown.criteria.items()
            ],
            "may_rank": request.actor.may(Right.SET_OBJECTIVE) and shown.head.reviewed_by is None,
        },
    )


@require_POST
def vote_ranking(request: CallerRequest, ranking_id: str) -> HttpResponse:
    """Score a client by every criterion that was filled in."""
    request.actor.require(Right.SET_OBJECTIVE)
    names = reads.criteria_of(ranking_id)
    given = {name: request.POST.get(f"score-{place}", "") for place, name in enumerate(names)}
    return _done(
        request,
        ranking_id,
        lambda: actions.vote(
            actor=request.actor,
            now=request.now,
            ranking_id=ranking_id,
            customer_id=request.POST.get("customer", ""),
            scores={name: whole_number(text) for name, text in given.items() if text.strip()},
        ),
        _("Your scores count."),
    )


@require_POST
def move_ranking(request: CallerRequest, ranking_id: str) -> HttpResponse:
    """Put a client into another place, for a reason."""
    request.actor.require(Right.SET_OBJECTIVE)
    return _done(
        request,
        ranking_id,
        lambda: actions.move_client(
            actor=request.actor,
            now=request.now,
            ranking_id=ranking_id,
            customer_id=request.POST.get("customer", ""),
            place=whole_number(request.POST.get("place", "")),
            reason=request.POST.get("reason", ""),
        ),
        _("The client has another place; your reason stands beside it."),
    )


@require_POST
def review_ranking(request: CallerRequest, ranking_id: str) -> HttpResponse:
    """Put the second name under it."""
    request.actor.require(Right.SET_OBJECTIVE)
    return _done(
        request,
        ranking_id,
        lambda: actions.review_ranking(actor=request.actor, now=request.now, ranking_id=ranking_id),
        _("The ranking is reviewed. It does not change any more."),
    )


def _done(
    request: HttpRequest, ranking_id: str, act: Callable[[], object], sentence: str
) -> HttpResponse:
    """Act, say what happened or why not, and go back to the ranking."""
    try:
        act()
        messages.success(request, sentence)
    except Refused as error:
        messages.error(request, str(error))
    return redirect(reverse("differentiate:ranking", args=[ranking_id]))
