"""Old and new metrics: what product figures say, what customer figures say, and where they part."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from patronage.access.errors import NotFound
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.differentiate.pages.words import quarter_words, years_words
from patronage.steer.metric_pairs import SalesAndValue, metric_pairs


@require_safe
def metrics(request: CallerRequest) -> HttpResponse:
    """The pairs of the reader's customers, as of the date asked for."""
    request.actor.require(Right.SEE_PROFITABILITY)
    try:
        pairs = metric_pairs(request.actor, request.now, as_of=request.as_of)
    except NotFound:
        return render(request, "steer/no_metrics.html")
    if not pairs.profit.customers:
        return render(request, "steer/no_metrics.html", {"nobody": True})
    sales = pairs.sales
    return render(
        request,
        "steer/metrics.html",
        {
            "pairs": pairs,
            "profit": pairs.profit,
            "sales": sales,
            "quarter": quarter_words(pairs.profit.quarter),
            "revenue_change": _change(sales.revenue_minor, sales.revenue_before_minor),
            "value_change": _change(sales.value_minor, sales.value_before_minor),
            "tiers": [
                {
                    "tier": each,
                    "of_revenue": _share(each.revenue_minor, sales.revenue_minor),
                    "of_value": _share(each.value_minor, sales.value_minor),
                }
                for each in sales.tiers
            ],
            "overlooked": _share(sales.best_by_sales_only, sales.best_by_sales),
            "parted": _part(sales),
            "years": years_words(sales.horizon_days),
        },
    )


def _change(now: int, before: int | None) -> float | None:
    return None if not before or before < 0 else now / before - 1


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None


def _part(sales: SalesAndValue) -> str:
    """Whether sales and value went the same way since the valuation before."""
    if sales.revenue_before_minor is None or sales.value_before_minor is None:
        return "unknown"
    sold = sales.revenue_minor - sales.revenue_before_minor
    worth = sales.value_minor - sales.value_before_minor
    if sold >= 0 > worth:
        return "sold more, worth less"
    if sold < 0 <= worth:
        return "sold less, worth more"
    return "both more" if sold >= 0 else "both less"
