"""The base audit: how do customers differ, what changed, and how do cohorts live?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.differentiate import reads
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.pages.words import cohort_words
from patronage.differentiate.reads import base_audit
from patronage.differentiate.reads.base_audit import (
    BetweenPeriods,
    Cohort,
    CohortsCompared,
    WholeBase,
    WithinPeriod,
)

EFFECT_WORDS: Final[Mapping[str, Promise]] = {
    "customers": gettext_lazy("More or fewer customers"),
    "orders_per_customer": gettext_lazy("Orders each"),
    "revenue_per_order": gettext_lazy("Spend an order"),
    "margin_rate": gettext_lazy("Margin on revenue"),
    "other": gettext_lazy("Change"),
}
MOVEMENT_WORDS: Final[Mapping[str, Promise]] = {
    "stayed": gettext_lazy("Bought in both"),
    "lapsed": gettext_lazy("Did not come back"),
    "new": gettext_lazy("Bought for the first time"),
    "returned": gettext_lazy("Came back after a break"),
    "silent": gettext_lazy("Bought in neither"),
}


@require_safe
def audit(request: CallerRequest) -> HttpResponse:
    """The five views of the customers in scope, of one quarter and one cohort."""
    request.actor.require(Right.SEE_PROFITABILITY)
    if run_shown(request) is None:
        return render(request, "differentiate/nothing_valued.html", nothing(request))
    who: dict[str, Any] = {"actor": request.actor, "now": request.now, "as_of": request.as_of}
    quarters = base_audit.quarters_seen(**who)
    if not quarters:
        return render(request, "differentiate/nothing_bought.html")
    asked = request.GET.get("quarter", "") or quarters[-1]
    within = base_audit.within_period(**who, quarter=asked)
    at = quarters.index(within.quarter)
    compared = base_audit.cohorts_compared(**who)
    context: dict[str, Any] = {
        "quarters": [
            {
                "title": cohort_words(each),
                "href": _address(request, quarter=each),
                "is_here": each == within.quarter,
            }
            for each in quarters
        ],
        "quarter": cohort_words(within.quarter),
        **_within(within),
        **_cohorts(request, compared),
        **_whole(base_audit.whole_base(**who)),
    }
    if at > 0:
        context |= _between(
            base_audit.between_periods(**who, first=quarters[at - 1], second=within.quarter)
        )
    return render(request, "differentiate/audit.html", context)


def nothing(request: CallerRequest) -> dict[str, Any]:
    """What the page says where nobody was valued as of the date asked for."""
    return {
        "asked": request.as_of,
        "newest": reads.newest_run(),
        "may_value": request.actor.may(Right.VALUE),
    }


def run_shown(request: CallerRequest) -> ValuationRun | None:
    """The valuation that the page is about: of the date asked for, or the newest."""
    return reads.newest_run() if request.as_of is None else reads.run_at(request.as_of)


def _address(request: CallerRequest, **changed: str) -> str:
    kept = {
        name: request.GET[name] for name in ("as_of", "quarter", "cohort") if request.GET.get(name)
    }
    return f"{reverse('differentiate:audit')}?{urlencode(kept | changed)}"


def _within(within: WithinPeriod) -> dict[str, Any]:
    """View 1: tenths by profit, and how often customers bought."""
    best = within.tenths[0] if within.tenths else None
    once = sum(each.customers for each in within.orders if each.orders == 1)
    bought = within.totals.customers
    return {
        "within": within,
        "best_tenth": best.share_of_margin if best else None,
        "once": once / bought if bought else None,
        "tenths": [
            {"label": _tenth_words(each.number), "value": each.totals.margin_minor}
            for each in within.tenths
        ],
        "orders": [
            {
                "label": _orders_words(each.orders, and_more=each.and_more),
                "value": each.customers,
            }
            for each in within.orders
        ],
    }


def _tenth_words(number: int) -> str:
    if number == 1:
        return _("Best tenth")
    return _("Tenth %(number)d") % {"number": number}


def _orders_words(orders: int, *, and_more: bool) -> str:
    if and_more:
        return _("%(orders)d orders and more") % {"orders": orders}
    return ngettext("%(orders)d order", "%(orders)d orders", orders) % {"orders": orders}


def _between(between: BetweenPeriods) -> dict[str, Any]:
    """View 2: the bridge of profit, and who moved."""
    first, second = between.first_totals.margin_minor, between.second_totals.margin_minor
    # without the levels: beside them the movements would be too small to be seen
    steps = [
        *(
            {"label": str(EFFECT_WORDS[each.name]), "value": each.margin_minor}
            for each in between.effects
        ),
        {"label": _("In all"), "value": second - first, "is_level": True},
    ]
    largest = max(between.effects, key=lambda each: abs(each.margin_minor))
    return {
        "between": between,
        "steps": steps,
        "profit_change": second - first,
        "largest_effect": EFFECT_WORDS[largest.name],
        "largest_effect_minor": largest.margin_minor,
        "first_quarter": cohort_words(between.first),
        "movements": [
            {
                "title": MOVEMENT_WORDS[each.name],
                "movement": each,
                "change_minor": each.second_margin_minor - each.first_margin_minor,
                "grew": each.grew / each.customers if each.name == "stayed" else None,
            }
            for each in between.movements
        ],
    }


def _cohorts(request: CallerRequest, compared: CohortsCompared) -> dict[str, Any]:
    """Views 3 and 4: one cohort over time, and all of them at the same age."""
    if not compared.cohorts:
        return {"cohorts": []}
    asked = request.GET.get("cohort", "")
    largest = max(compared.cohorts, key=lambda each: each.customers)
    chosen = next((each for each in compared.cohorts if each.cohort == asked), largest)
    ages = max(len(each.quarters) for each in compared.cohorts)
    return {
        "cohorts": [
            {
                "title": cohort_words(each.cohort or ""),
                "href": f"{_address(request, cohort=each.cohort or '')}#one-cohort",
                "is_here": each is chosen,
                "cohort": each,
                "cells": _cells(each, ages),
            }
            for each in compared.cohorts
        ],
        "ages": list(range(ages)),
        "cohort": chosen,
        "cohort_title": cohort_words(chosen.cohort or ""),
        "cohort_last": chosen.quarters[-1],
        "life": [
            {"label": cohort_words(each.quarter), "value": each.share_active}
            for each in chosen.quarters
        ],
        "earned": [
            {"label": cohort_words(each.quarter), "value": each.totals.margin_minor}
            for each in chosen.quarters
        ],
    }


def _cells(cohort: Cohort, ages: int) -> Sequence[float | None]:
    """Share of the cohort that bought, by age; None where that age has not come."""
    shares = {each.age_quarters: each.share_active for each in cohort.quarters}
    return [shares.get(age) for age in range(ages)]


def _whole(whole: WholeBase) -> dict[str, Any]:
    """View 5: the margin of each quarter, and which cohorts brought it."""
    earned = {
        each.cohort: {quarter.quarter: quarter.totals.margin_minor for quarter in each.quarters}
        for each in whole.cohorts
    }
    last = whole.quarters[-1]
    old = sum(each.get(last, 0) for cohort, each in earned.items() if cohort != last)
    total = whole.totals[-1].margin_minor
    return {
        "whole": [
            {"label": cohort_words(quarter), "value": totals.margin_minor}
            for quarter, totals in zip(whole.quarters, whole.totals, strict=True)
        ],
        "old_share": old / total if total > 0 else None,
        "whole_quarters": [cohort_words(each) for each in whole.quarters],
        "whole_totals": whole.totals,
        "layers": [
            {
                "title": cohort_words(each.cohort) if each.cohort else _("There from the start"),
                "customers": each.customers,
                "cells": [earned[each.cohort].get(quarter) for quarter in whole.quarters],
            }
            for each in whole.cohorts
        ],
    }
