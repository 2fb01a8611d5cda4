"""Cover: who stands in for whom, now and ahead; arranged with a first and a last day."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from patronage.access.days import period_typed, today
from patronage.access.errors import Refused
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.govern import actions, reads
from patronage.govern.in_charge import portfolios_of


@require_http_methods(["GET", "POST"])
def cover(request: CallerRequest) -> HttpResponseBase:
    """List the covers (GET), or arrange one (POST)."""
    return _arrange(request) if request.method == "POST" else _list(request)


@require_POST
def cover_end(request: CallerRequest, cover_id: str) -> HttpResponseBase:
    """End a cover before its time."""
    done = actions.end_cover(
        actor=request.actor,
        now=request.now,
        cover_id=cover_id,
        reason=request.POST.get("reason", ""),
    )
    messages.success(request, _("%(name)s no longer stands in.") % {"name": done.deputy.name})
    return redirect("govern:cover")


def _list(request: CallerRequest) -> HttpResponse:
    sees_value = request.actor.may(Right.SEE_PROFITABILITY)
    if not sees_value:
        request.actor.require(Right.ASSIGN)
    shown = reads.covers(request.actor, request.now)
    portfolios = _to_arrange(request)
    context: dict[str, Any] = {
        "sees_value": sees_value,
        "current": [each for each in shown if each.state == "now"],
        "ahead": [each for each in shown if each.state == "ahead"],
        "over": [each for each in shown if each.state == "over"],
        "portfolios": portfolios,
        "deputies": reads.possible_deputies(request.actor, request.now) if portfolios else [],
        "today": today(request),
    }
    return render(request, "govern/cover.html", context)


def _to_arrange(request: CallerRequest) -> list[reads.PortfolioInCharge]:
    """The portfolios for which this person may arrange cover."""
    if not (request.actor.may(Right.ASSIGN) or request.actor.may(Right.HAND_OVER)):
        return []
    mine = portfolios_of(request.actor.id, request.now)
    any_of_them = request.actor.may(Right.ASSIGN)
    targets = reads.hand_over_targets(request.actor, request.now)
    return [each for each in targets if any_of_them or each.id in mine]


def _arrange(request: CallerRequest) -> HttpResponseBase:
    given = request.POST
    if not given.get("portfolio") or not given.get("deputy"):
        raise Refused(_("Choose the portfolio and who stands in."))
    starts_at, ends_at = period_typed(
        request, first=given.get("first", ""), last=given.get("last", "")
    )
    made = actions.arrange_cover(
        actor=request.actor,
        now=request.now,
        portfolio_id=given["portfolio"],
        deputy_id=given["deputy"],
        reason=given.get("reason", ""),
        starts_at=starts_at,
        ends_at=ends_at,
    )
    said = _("%(name)s stands in for “%(portfolio)s”.")
    messages.success(request, said % {"name": made.deputy.name, "portfolio": made.portfolio.name})
    return redirect("govern:cover")
