"""How is a customer served, and who says otherwise? A part of the customer's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from patronage.access.company import current
from patronage.access.days import day_typed_or_none
from patronage.access.reasons import reason_typed
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.govern import actions
from patronage.govern.reads.service_tiers import service_tier_of, titles_of

#: Why a person knows better than the value, the likeliest first.
REASONS: Final[Mapping[str, Promise]] = {
    "know": gettext_lazy("I know something the figures don't"),
    "agreed": gettext_lazy("Agreed with the customer"),
    "busy": gettext_lazy("We have no room for them now"),
    "other": gettext_lazy("Another reason"),
}
CAUSE_WORDS: Final[Mapping[str, Promise]] = {
    "value": gettext_lazy("by value"),
    "capacity": gettext_lazy("the tier above was full"),
    "person": gettext_lazy("set by a person"),
}


def service_tier_context(request: CallerRequest, customer_id: str) -> dict[str, Any]:
    """What the part with the service tier shows, as of today; nothing where none is declared."""
    titles = titles_of(current().company)
    if not titles:
        return {}
    found = service_tier_of(request.actor, customer_id, request.now)
    return {
        "served": found,
        "served_by_value": titles.get(found.by_value or "", ""),
        "served_steps": [
            (titles.get(step.tier, step.tier), CAUSE_WORDS[step.cause], step)
            for step in found.history
        ],
        "may_set_service": request.actor.may(Right.SET_SERVICE),
        "service_reasons": list(REASONS.items()),
        "service_choices": [(name, title) for name, title in titles.items() if name != found.tier],
        "set_service_url": reverse("govern:set-service-tier", args=[customer_id]),
        "revoke_service_url": reverse("govern:revoke-service-tier", args=[customer_id]),
    }


@require_POST
def set_service_tier(request: CallerRequest, customer_id: str) -> HttpResponse:
    """Serve the customer in another tier."""
    actions.override_service_tier(
        actor=request.actor,
        now=request.now,
        customer_id=customer_id,
        tier=request.POST.get("tier", ""),
        reason=_reason(request),
        until=day_typed_or_none(request.POST.get("until", "")),
    )
    messages.success(request, _("The service tier is set; rules and lists follow at once."))
    return redirect("interact:customer", customer_id)


@require_POST
def revoke_service_tier(request: CallerRequest, customer_id: str) -> HttpResponse:
    """Let the value decide again."""
    actions.end_service_override(
        actor=request.actor, now=request.now, customer_id=customer_id, reason=_reason(request)
    )
    messages.success(request, _("The value decides on the service tier again."))
    return redirect("interact:customer", customer_id)


def _reason(request: CallerRequest) -> str:
    sent = request.POST
    return reason_typed(REASONS, sent.get("reason_code", ""), sent.get("reason", ""))
