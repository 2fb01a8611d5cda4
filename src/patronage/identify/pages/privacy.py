"""The privacy desk: find somebody, forget them for good, and what proves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from patronage.access.errors import Refused
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.identify import erasing, reads

REASON_WORDS: Final[Mapping[str, Promise]] = {
    "asked": gettext_lazy("The person asked for it"),
    "court": gettext_lazy("A court or an authority ordered it"),
    "retention": gettext_lazy("Kept for as long as allowed"),
    "mistake": gettext_lazy("Recorded by mistake"),
}
#: what rooms say they removed
REMOVED_WORDS: Final[Mapping[str, Promise]] = {
    "access: answers kept for repeats": gettext_lazy("answers kept for repeated requests"),
    "customize: expectations": gettext_lazy("expectations of offers"),
    "customize: words": gettext_lazy("words of rulings"),
    "differentiate: words": gettext_lazy("words of needs, objectives and rankings"),
    "govern: words": gettext_lazy("words of claims, moves, levers and service"),
    "identify: facts": gettext_lazy("facts"),
    "identify: identifiers": gettext_lazy("identifiers"),
    "identify: words of consents": gettext_lazy("words of consents"),
    "identify: words of events": gettext_lazy("words of events"),
    "interact: answers of channels": gettext_lazy("answers of channels"),
    "interact: contacts that waited": gettext_lazy("contacts that waited"),
    "vault: values": gettext_lazy("encrypted personal values"),
    "warehouse: rows of facts": gettext_lazy("rows of facts in the history"),
}
BACKUP_WORDS: Final[Mapping[str, Promise]] = {
    "destroyed": gettext_lazy("destroyed there too"),
    "none": gettext_lazy("there is none"),
    "not reached": gettext_lazy("not reached: run patronage backup keys"),
    "open": gettext_lazy("not done yet"),
}


@require_safe
def privacy(request: CallerRequest) -> HttpResponse:
    """Whom the search found, with what erasing them means, and everybody erased so far."""
    made = erasing.certificates(request.actor)
    text = request.GET.get("q", "")
    context = {
        "asked": text,
        "found": reads.search(request.actor, text, request.now) if text else [],
        "reasons": list(REASON_WORDS.items()),
        "certificates": [
            {
                "made": each,
                "reason": REASON_WORDS.get(each.reason, each.reason),
                "backup": BACKUP_WORDS[each.keys_backup],
                "removed": [(REMOVED_WORDS.get(at, at), n) for at, n in each.removed.items()],
            }
            for each in made
        ],
    }
    return render(request, "identify/privacy.html", context)


@require_POST
def erase_customer(request: CallerRequest, customer_id: str) -> HttpResponse:
    """Forget one customer, once it was said that this cannot be taken back."""
    request.actor.require(Right.ERASE)
    if request.POST.get("sure") != "yes":
        reads.customer(request.actor, customer_id, request.now)  # absent looks absent first
        raise Refused(_("Say that you know that this cannot be taken back."))
    erasing.erase_customer(
        actor=request.actor,
        now=request.now,
        customer_id=customer_id,
        reason=request.POST.get("reason", ""),
    )
    messages.success(request, _("The customer is erased. The certificate is below."))
    return redirect("identify:privacy")
