"""Where does one start, whom does one find, and what draws the charts?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.contrib.auth.decorators import login_not_required
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.identify import reads
from patronage.site.bundle import chart_library, chart_library_version
from patronage.site.navigation import address_of, home_of

SEARCH_LIMIT = 50
NAMES_PROPOSED = 8
_ONE_YEAR = 31_536_000


@require_safe
def home(request: CallerRequest) -> HttpResponse:
    """The page where this person's day starts."""
    address = home_of(request.actor)
    if address is None:
        return render(request, "site/no_home.html", status=403)
    return redirect(address)


@require_safe
def search(request: CallerRequest) -> HttpResponse:
    """Customers found by name or identifier, within the reader's scope."""
    request.actor.require(Right.SEE_CUSTOMERS)
    text = request.GET.get("q", "").strip()
    found = _found(request, text) if text else None
    template = "site/search_results.html" if request.htmx else "site/search.html"
    return render(request, template, {"text": text, "found": found, "limit": SEARCH_LIMIT})


@require_safe
def customer_names(request: CallerRequest) -> HttpResponse:
    """What a field that names one customer proposes: the name, or the id where it is not enough."""
    request.actor.require(Right.SEE_CUSTOMERS)
    text = request.GET.get("customer", "")
    found = reads.search(request.actor, text, request.now, NAMES_PROPOSED)
    alike = Counter(each.label for each in found)
    proposed = [(each.id if alike[each.label] > 1 else each.label, each) for each in found]
    return render(request, "site/customer_names.html", {"proposed": proposed})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A customer found."""

    label: str
    #: person, household or organisation
    kind: str
    #: the customer's page
    href: str | None


def _found(request: CallerRequest, text: str) -> list[Hit]:
    return [
        Hit(
            label=customer.label,
            kind=customer.get_kind_display(),
            href=address_of("interact:customer", customer.id),
        )
        for customer in reads.search(request.actor, text, request.now, SEARCH_LIMIT)
    ]


@login_not_required
@require_safe
def chart_script(_request: HttpRequest, version: str) -> HttpResponseBase:
    """The chart library; its address changes with its content, so it is kept for a year."""
    if version != chart_library_version():
        return redirect("chart-library", version=chart_library_version())
    response = FileResponse(chart_library().open("rb"), content_type="text/javascript")
    response.headers["Cache-Control"] = f"public, max-age={_ONE_YEAR}, immutable"
    return response
