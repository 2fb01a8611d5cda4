"""Assumptions: on what does the value rest, who stands for it, and how much hangs on it?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from patronage.access.company import company_of
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.differentiate.pages.audit import nothing, run_shown
from patronage.differentiate.pages.words import years_words
from patronage.differentiate.reads.sensitivity import Moved, sensitivity
from patronage.vocabulary.company import ASSUMPTIONS, Company, Provenance

TITLES: Final[Mapping[str, Promise]] = {
    "annual_discount_rate": gettext_lazy("Discount rate"),
    "horizon_days": gettext_lazy("Horizon"),
    "margins": gettext_lazy("Gross margins"),
    "costs": gettext_lazy("Costs to serve"),
}
MEANINGS: Final[Mapping[str, Promise]] = {
    "annual_discount_rate": gettext_lazy("What a year's waiting takes off money to come"),
    "horizon_days": gettext_lazy("How far ahead customers are valued"),
    "margins": gettext_lazy("What is left of sales after the goods, by department"),
    "costs": gettext_lazy("What orders, visits, contacts, cases and months cost"),
}


@require_safe
def assumptions(request: CallerRequest) -> HttpResponse:
    """What the valuation rests on; how much hangs on each is worked out after the page is there."""
    request.actor.require(Right.SEE_PROFITABILITY)
    run = run_shown(request)
    if run is None:
        return render(request, "differentiate/nothing_valued.html", nothing(request))
    company = company_of(run.company_version)
    rows = [_row(name, company) for name in ASSUMPTIONS]
    context = {
        "run": run,
        "rows": rows,
        "unapproved": sum(not row["provenance"].is_approved for row in rows),
        "margins": sorted(company.margin_by_department.items(), key=lambda item: -item[1]),
        "default_margin": company.default_margin,
    }
    return render(request, "differentiate/assumptions.html", context)


@require_safe
def assumption_steps(request: CallerRequest) -> HttpResponse:
    """How much of the value hangs on each assumption: a part of the page, asked for by it."""
    found = sensitivity(request.actor, request.now, as_of=request.as_of)
    moved = sorted(found.moved, key=lambda each: -abs(each.change_minor))
    context = {
        "found": found,
        "bars": [{"label": _step_words(each), "value": each.change_minor} for each in moved],
        "largest": _step_words(moved[0]),
        "largest_minor": moved[0].change_minor,
        "largest_share": moved[0].change_minor / found.total_minor
        if found.total_minor > 0
        else None,
        "tiers": list(found.tiers),
        "rows": [
            {
                "title": _step_words(each),
                "moved": each,
                "share": each.change_minor / found.total_minor if found.total_minor > 0 else None,
                "tiers": [each.tiers[tier] - found.tiers[tier] for tier in found.tiers],
            }
            for each in found.moved
        ],
    }
    return render(request, "differentiate/_assumption_steps.html", context)


def _row(name: str, company: Company) -> dict[str, Any]:
    provenance = company.provenance_of(name)
    return {
        "title": TITLES[name],
        "meaning": MEANINGS[name],
        "declared": _DECLARED[name](company),
        "unit": "share" if name == "annual_discount_rate" else "",
        "provenance": provenance,
        "approved_on": _day(provenance),
    }


_DECLARED: Final[Mapping[str, Callable[[Company], Any]]] = {
    "annual_discount_rate": lambda company: company.annual_discount_rate,
    "horizon_days": lambda company: (
        ngettext("%(n)s day", "%(n)s days", company.horizon_days)
        % {"n": number_format(company.horizon_days, 0, force_grouping=True)}
    ),
    "margins": lambda company: (
        ngettext("%(n)s department", "%(n)s departments", len(company.margin_by_department))
        % {"n": len(company.margin_by_department)}
    ),
    "costs": lambda _company: _("by driver"),
}


def _day(provenance: Provenance) -> date | None:
    return date.fromisoformat(provenance.approved_on) if provenance.approved_on else None


def _step_words(moved: Moved) -> str:
    step, becomes = moved.step, moved.becomes
    percent = f"{100 * (becomes if becomes is not None else step.change):+.0f}"
    percent = percent.replace("-", "\N{MINUS SIGN}")
    match step.assumption:
        case "annual_discount_rate":
            return _("Discount rate %(percent)s%%") % {"percent": percent.lstrip("+")}
        case "horizon_days":
            return _("Horizon of %(years)s years") % {"years": years_words(round(becomes or 0))}
        case "margins":
            points = round(abs(100 * step.change))
            return ngettext("Margins %(n)s point", "Margins %(n)s points", points) % {"n": percent}
    return _("Costs to serve %(percent)s%%") % {"percent": percent}
