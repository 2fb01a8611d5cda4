"""Reconciliation: do customers, products and the ledger say the same, to the cent?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from patronage.access.company import company_of, current
from patronage.access.days import day_typed
from patronage.access.errors import Refused
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.access.scope import scope_of
from patronage.differentiate import actions
from patronage.differentiate.pages.audit import nothing, run_shown
from patronage.differentiate.reads.reconciliation import reconciliation
from patronage.vocabulary.money import Money, MoneyError
from patronage.vocabulary.periods import BusinessCalendar

MEASURE_WORDS: Final[Mapping[str, Promise]] = {
    "sales": gettext_lazy("Sales"),
    "returns": gettext_lazy("Returns"),
    "revenue": gettext_lazy("Revenue"),
    "cost_of_goods": gettext_lazy("Cost of goods"),
    "gross_margin": gettext_lazy("Gross margin"),
}
SIDE_WORDS: Final[Mapping[str, Promise]] = {
    "lines": gettext_lazy("Order lines"),
    "customers": gettext_lazy("By customer"),
    "products": gettext_lazy("By product"),
    "divisions": gettext_lazy("By division"),
    "valued": gettext_lazy("Profit and loss"),
    "ledger": gettext_lazy("Ledger"),
}
UNALLOCATED_WORDS: Final[Mapping[str, Promise]] = {
    "no product": gettext_lazy("Of products that are not in the catalogue"),
    "not valued": gettext_lazy("Of customers who are not valued"),
}


@require_safe
def reconcile(request: CallerRequest) -> HttpResponse:
    """Every side of the quarter beside each other, and what is different."""
    request.actor.require(Right.SEE_PROFITABILITY)
    run = run_shown(request)
    if run is None:
        return render(request, "differentiate/nothing_valued.html", nothing(request))
    if not scope_of(request.actor, request.now).everything:
        return render(request, "differentiate/part_of_the_ledger.html")
    zone = company_of(run.company_version).time_zone
    first = BusinessCalendar(zone).quarter_of(run.as_of).first_day
    found = reconciliation(request.actor, request.now, first_day=first, last_day=run.as_of)
    sides = [side for side in SIDE_WORDS if side in found.sides]
    context: dict[str, Any] = {
        "found": found,
        "sides": [SIDE_WORDS[side] for side in sides],
        "rows": [
            {
                "title": words,
                "cells": [found.sides[side].get(measure) for side in sides],
                "is_sum": measure in ("revenue", "gross_margin"),
            }
            for measure, words in MEASURE_WORDS.items()
        ],
        "different": [
            {
                "difference": each,
                "measure": MEASURE_WORDS[each.measure],
                "side": SIDE_WORDS[each.side],
            }
            for each in found.differences
        ],
        "unexplained": sum(bool(each.unexplained_minor) for each in found.differences),
        "has_ledger": bool(found.sides.get("ledger")),
        "sources": sorted(set(found.sources.values())),
        "unallocated": [(UNALLOCATED_WORDS[each.kind], each) for each in found.unallocated],
        "may_record": request.actor.may(Right.RECORD_CONTROL_TOTAL),
        "measures": list(MEASURE_WORDS.items()),
    }
    return render(request, "differentiate/reconciliation.html", context)


@require_POST
def record_total(request: CallerRequest) -> HttpResponse:
    """Write down what the ledger says of a period."""
    actions.record_control_total(
        actor=request.actor,
        now=request.now,
        first_day=day_typed(request.POST.get("first_day", "")),
        last_day=day_typed(request.POST.get("last_day", "")),
        measure=request.POST.get("measure", ""),
        amount_minor=_minor(request.POST.get("amount", "")),
        source=request.POST.get("reason", "").strip()[:200],
    )
    messages.success(request, _("The ledger's figure is recorded."))
    return redirect("differentiate:reconciliation")


def _minor(text: str) -> int:
    """An amount as typed, in minor units of the company's currency."""
    wrong = _(
        "%(text)s cannot be read as an amount. Write it without thousands separators, such as "
        "1234.56."
    )
    try:
        minor = Money.typed(text, current().company.currency).minor
    except MoneyError as error:
        raise Refused(wrong % {"text": text[:40]}) from error
    if abs(minor) >= 2**63:
        raise Refused(wrong % {"text": text[:40]})
    return minor
