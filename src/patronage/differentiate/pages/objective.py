"""Which objective does a customer have, why, since when, and who may say otherwise?"""

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

from patronage.access.days import day_typed_or_none
from patronage.access.models import User
from patronage.access.reasons import reason_typed
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.differentiate import actions
from patronage.differentiate.pages.words import OBJECTIVE_WORDS, objective_words
from patronage.differentiate.reads.objectives import objective_of

#: Why a person knows better than the rules, the likeliest first.
REASONS: Final[Mapping[str, Promise]] = {
    "spoke": gettext_lazy("The customer told us"),
    "know": gettext_lazy("I know something the figures don't"),
    "agreed": gettext_lazy("Agreed with the product team"),
    "other": gettext_lazy("Another reason"),
}


def objective_context(request: CallerRequest, customer_id: str) -> dict[str, Any]:
    """What the part with the objective shows, as of today."""
    found = objective_of(request.actor, customer_id, request.now)
    setter = User.objects.filter(id=found.set_by).first() if found.set_by else None
    waits = found.asked if found.asked != found.by_rule else None
    return {
        "objective": found,
        "objective_words": objective_words(found.objective),
        "objective_by_rule": objective_words(found.by_rule or ""),
        "objective_asked": objective_words(waits) if waits else "",
        "objective_setter": setter.name if setter else found.set_by or "",
        "may_set_objective": request.actor.may(Right.SET_OBJECTIVE),
        "objective_reasons": list(REASONS.items()),
        "objective_choices": [
            (name, words) for name, words in OBJECTIVE_WORDS.items() if name != found.objective
        ],
        "set_objective_url": reverse("differentiate:set-objective", args=[customer_id]),
        "revoke_objective_url": reverse("differentiate:revoke-objective", args=[customer_id]),
    }


@require_POST
def set_objective(request: CallerRequest, customer_id: str) -> HttpResponse:
    """Set the objective above the rules."""
    actions.override_objective(
        actor=request.actor,
        now=request.now,
        customer_id=customer_id,
        objective=request.POST.get("objective", ""),
        reason=_reason(request),
        until=day_typed_or_none(request.POST.get("until", "")),
    )
    messages.success(request, _("The objective is set; offers and lists follow at once."))
    return redirect("interact:customer", customer_id)


@require_POST
def revoke_objective(request: CallerRequest, customer_id: str) -> HttpResponse:
    """Let the rules decide again."""
    actions.revoke_override(
        actor=request.actor, now=request.now, customer_id=customer_id, reason=_reason(request)
    )
    messages.success(request, _("The rules decide on the objective again."))
    return redirect("interact:customer", customer_id)


def _reason(request: CallerRequest) -> str:
    sent = request.POST
    return reason_typed(REASONS, sent.get("reason_code", ""), sent.get("reason", ""))[:200]
