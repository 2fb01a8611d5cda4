"""Handing customers over: what would move is said first, then it moves with a reason."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from patronage.access.errors import Refused
from patronage.access.reasons import reason_typed
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.govern import actions, reads
from patronage.govern.errors import NothingToHandOver
from patronage.govern.reads.chosen import chosen

#: reasons that are ready, by code
REASONS: Final = {
    "need": gettext_lazy("Other needs than this portfolio serves"),
    "relation": gettext_lazy("Knows the other manager"),
    "load": gettext_lazy("Too many for me to look after"),
    "correction": gettext_lazy("Was put here by mistake"),
}
_NAMED = 5


@require_http_methods(["GET", "POST"])
def hand_over(request: CallerRequest) -> HttpResponseBase:
    """Say what would move (GET), or move it (POST)."""
    request.actor.require(Right.HAND_OVER)
    return _move(request) if request.method == "POST" else _say(request)


def _say(request: CallerRequest) -> HttpResponse:
    ids = request.GET.getlist("customer")
    context: dict[str, Any] = {"picked": None}
    if ids:
        picked = chosen(request.actor, ids, request.now)
        targets = reads.hand_over_targets(request.actor, request.now)
        context = {
            "picked": picked,
            "named": picked.labels[:_NAMED],
            "more": max(0, len(picked.labels) - _NAMED),
            "leaving": [each for each in targets if each.id in picked.portfolio_ids],
            "targets": [each for each in targets if {each.id} != picked.portfolio_ids],
            "reasons": REASONS.items(),
            "back": request.htmx.current_url_abs_path or reverse("govern:portfolio"),
        }
    return render(request, "govern/_hand_over.html", context)


def _move(request: CallerRequest) -> HttpResponseBase:
    given = request.POST
    if not given.getlist("customer"):
        raise NothingToHandOver(_("Select at least one customer to hand over."))
    if not given.get("to_portfolio"):
        raise Refused(_("Choose the portfolio that they go to."))
    done = actions.hand_over(
        actor=request.actor,
        now=request.now,
        customer_ids=given.getlist("customer"),
        to_portfolio_id=given["to_portfolio"],
        reason=reason_typed(REASONS, given.get("reason_code", ""), given.get("reason", "")),
    )
    said = ngettext(
        "%(count)d customer is in “%(name)s” now.",
        "%(count)d customers are in “%(name)s” now.",
        done.moved,
    )
    messages.success(request, said % {"count": done.moved, "name": done.to_portfolio})
    back = _own_address(given.get("back", ""))
    return HttpResponseClientRedirect(back) if request.htmx else HttpResponseRedirect(back)


def _own_address(back: str) -> str:
    """The list one came from; an address elsewhere is not followed."""
    is_own = url_has_allowed_host_and_scheme(back, None) and back.startswith("/")
    return back if is_own else reverse("govern:portfolio")
