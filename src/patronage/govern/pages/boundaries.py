"""Boundaries: what the enterprise forbids, since when, and whom a new one would touch."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.govern import actions, reads
from patronage.govern.amounts import amount_typed
from patronage.govern.boundaries import LIMITED_IN, NewBoundary
from patronage.govern.errors import AmountUnread, BoundaryRefused
from patronage.govern.limits import BOUNDARY_PERS, FORBIDDING
from patronage.govern.pages.conflict_words import RULER_WORDS
from patronage.govern.pages.words import BOUNDARY_WORDS, PER_WORDS, SOURCE_WORDS


@require_http_methods(["GET", "POST"])
def boundaries(request: CallerRequest) -> HttpResponseBase:
    """List what holds, is announced and was before (GET), or set one (POST)."""
    return _set(request) if request.method == "POST" else _list(request)


@require_POST
def boundary_preview(request: CallerRequest) -> HttpResponse:
    """Say how many customers a boundary would be about, before it is set."""
    context: dict[str, Any] = {}
    request.actor.require(Right.SET_BOUNDARY)
    try:
        context["seen"] = reads.touched(request.actor, request.now, _written(request))
    except (BoundaryRefused, AmountUnread) as error:
        context["refused"] = str(error)
    return render(request, "govern/_boundary_preview.html", context)


@require_POST
def boundary_lift(request: CallerRequest, boundary_id: str) -> HttpResponseBase:
    """Let a boundary hold no more."""
    done = actions.lift_boundary(
        actor=request.actor,
        now=request.now,
        boundary_id=boundary_id,
        reason=request.POST.get("reason", ""),
    )
    messages.success(request, _("“%(name)s” holds no more.") % {"name": done.name})
    return redirect("govern:boundaries")


def _list(request: CallerRequest) -> HttpResponse:
    shown = reads.boundaries(request.actor, request.now)
    may_set = request.actor.may(Right.SET_BOUNDARY)
    context: dict[str, Any] = {
        "now": [each for each in shown if each.state == "now"],
        "ahead": [each for each in shown if each.state == "ahead"],
        "before": [each for each in shown if each.state in ("before", "lifted")],
        "may_set": may_set,
        "kind_words": BOUNDARY_WORDS,
        "source_words": SOURCE_WORDS,
        "per_words": PER_WORDS,
        "kinds": BOUNDARY_WORDS.items(),
        "sources": SOURCE_WORDS.items(),
        "rulers": RULER_WORDS.items(),
        "ruler_words": RULER_WORDS,
        "pers": [(each, PER_WORDS[each]) for each in BOUNDARY_PERS],
        "sees_value": request.actor.may(Right.SEE_PROFITABILITY),
        "uses_levers": request.actor.may(Right.USE_LEVER) or request.actor.may(Right.GRANT_LEVER),
        "currency": request.company.currency if request.company else "XXX",
    }
    return render(request, "govern/boundaries.html", context)


def _set(request: CallerRequest) -> HttpResponseBase:
    request.actor.require(Right.SET_BOUNDARY)
    made = actions.set_boundary(
        actor=request.actor,
        now=request.now,
        new=_written(request),
        reason=request.POST.get("reason", ""),
    )
    messages.success(request, _("“%(name)s” holds from now on.") % {"name": made.name})
    return redirect("govern:boundaries")


def _written(request: CallerRequest) -> NewBoundary:
    given = request.POST
    kind, typed = given.get("kind", ""), given.get("limit", "").strip()
    # of a price floor a percentage says that it is a share of the list price
    floor = "basis points" if "%" in typed else "minor units"
    unit = "" if kind in FORBIDDING else LIMITED_IN.get(kind, floor)
    currency = request.company.currency if request.company else "XXX"
    return NewBoundary(
        name=given.get("name", ""),
        kind=kind,
        source=given.get("source", ""),
        when=given.get("when", ""),
        category=given.get("category", ""),
        product=given.get("product", ""),
        limit=amount_typed(typed, unit, currency) if typed and unit else None,
        unit=unit,
        per=given.get("per", "use"),
        role=given.get("role", "") if kind == "conflict" else "",
    )
