"""The fence: whom no mass contact reaches, and how it grew; and a part of the customer's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.govern import actions
from patronage.govern.errors import CannotFence
from patronage.govern.reads.fence import fence_changes, fence_place, fences, moves_of

CAUSE_WORDS: Final[Mapping[str, Promise]] = {
    "value": gettext_lazy("by value"),
    "hand": gettext_lazy("set by a person"),
    "release": gettext_lazy("value decides again"),
    "no_fence": gettext_lazy("the portfolio has no fence"),
}
#: how a customer may be put: in words that the form sends
_PLACES: Final = {"in": True, "out": False, "value": None}


@require_safe
def fence(request: CallerRequest) -> HttpResponse:
    """Who is within the fence of each portfolio in scope."""
    shown = fences(request.actor, request.now)
    steps = fence_changes(request.actor, request.now)
    context: dict[str, Any] = {
        "fences": [
            (each, [(one, CAUSE_WORDS[one.cause]) for one in each.inside]) for each in shown
        ],
        "inside": sum(len(each.inside) for each in shown),
        "value_minor": sum(one.value_minor or 0 for each in shown for one in each.inside),
        "moves": moves_of(steps),
        "steps": [(step, CAUSE_WORDS[step.cause]) for step in steps],
    }
    return render(request, "govern/fence.html", context)


def fence_context(request: CallerRequest, customer_id: str) -> dict[str, Any]:
    """What the part with the fence shows; nothing where there is none."""
    found = fence_place(request.actor, customer_id, request.now)
    if not (found.has_fence or found.inside):
        return {}
    return {
        "fence": found,
        "may_fence": request.actor.may(Right.SET_SERVICE),
        "fence_url": reverse("govern:set-fence", args=[customer_id]),
    }


@require_POST
def set_fence(request: CallerRequest, customer_id: str) -> HttpResponse:
    """Put the customer in, take them out, or let value decide."""
    request.actor.require(Right.SET_SERVICE)
    place = request.POST.get("place", "")
    if place not in _PLACES:
        raise CannotFence(_("Say whether the customer is inside, outside, or by value."))
    inside = _PLACES[place]
    actions.set_fence(
        actor=request.actor,
        now=request.now,
        customer_id=customer_id,
        inside=inside,
        reason=request.POST.get("reason", ""),
    )
    said = {
        True: _("The customer is within the fence: no campaign reaches them from now on."),
        False: _("The customer is outside the fence from now on."),
        None: _("The value decides again from the next assignment on."),
    }
    messages.success(request, said[inside])
    return redirect("interact:customer", customer_id)
