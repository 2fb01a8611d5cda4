"""Opening a ranking by judgement: by which criteria, of which clients?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from patronage.access.errors import NotFound, Refused
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.differentiate import actions
from patronage.differentiate.pages.numbers import whole_number
from patronage.identify.in_sight import customers_in_sight

#: criteria that the form has room for
CRITERIA: Final = range(4)
_MOST_CLIENTS: Final = 500


@require_POST
def open_ranking(request: CallerRequest) -> HttpResponseBase:
    """Open a ranking of the clients named, one a line."""
    request.actor.require(Right.SET_OBJECTIVE)
    made = actions.open_ranking(
        actor=request.actor,
        now=request.now,
        name=request.POST.get("name", "").strip(),
        purpose=request.POST.get("purpose", "").strip(),
        criteria=_criteria(request),
        customer_ids=_clients(request),
    )
    messages.success(request, _("The ranking is open. Score its clients below."))
    address = reverse("differentiate:ranking", args=[made.id])
    return HttpResponseClientRedirect(address) if request.htmx else HttpResponseRedirect(address)


def _criteria(request: CallerRequest) -> dict[str, float]:
    """The weight of each criterion that was named, in the order of the form."""
    named = {place: request.POST.get(f"criterion-{place}", "").strip() for place in CRITERIA}
    return {
        name: float(whole_number(request.POST.get(f"weight-{place}", "")))
        for place, name in named.items()
        if name
    }


def _clients(request: CallerRequest) -> Sequence[str]:
    """The ids of the clients named, in the order given.

    Raises:
        NotFound: nobody in the reader's sight is called so.
        Refused: several are called so, or they are too many.
    """
    lines = (line.strip() for line in request.POST.get("clients", "").splitlines())
    asked = list(dict.fromkeys(line for line in lines if line))
    if len(asked) > _MOST_CLIENTS:
        raise Refused(
            _("%(n)d clients are too many to judge one by one. Name at most %(most)d.")
            % {"n": len(asked), "most": _MOST_CLIENTS}
        )
    seen = customers_in_sight(request.actor, request.now)
    found: dict[str, list[str]] = {}
    for key, label in seen.filter(Q(label__in=asked) | Q(id__in=asked)).values_list("id", "label"):
        for name in {key, label}:
            found.setdefault(name, []).append(key)
    for name in asked:
        if name not in found:
            error = NotFound(noun="customer", id=name[:80])
            said = _("No client of yours is called “%(name)s”. Write it as lists show it.")
            error.args = (said % {"name": name[:80]},)
            raise error
        if len(found[name]) > 1:
            raise Refused(
                _("%(n)d clients are called “%(name)s”. Give the id of the one you mean.")
                % {"n": len(found[name]), "name": name[:80]}
            )
    return [found[name][0] for name in asked]
