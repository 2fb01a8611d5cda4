"""Portfolios: who holds what value?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.govern import reads
from patronage.govern.pages.words import objective_words, service_tiers_of, years_of
from patronage.govern.reads.portfolios import PortfolioSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A portfolio with its share of everything shown."""

    summary: PortfolioSummary
    href: str
    #: share of the value above zero that all portfolios shown hold; None where there is none
    value_share: float | None
    #: share of its own value that is at risk; None where there is no value
    risk_share: float | None
    #: value of one customer whose value is known, minor units; None where nobody's is
    value_each_minor: int | None
    #: its largest objectives in words with their shares of its customers
    objectives: Sequence[tuple[str, float]]
    #: titles of the service tiers above the last with how many are served so
    service: Sequence[tuple[str, int]]


@require_safe
def portfolios(request: CallerRequest) -> HttpResponse:
    """Every portfolio in scope, side by side."""
    request.actor.require(Right.SEE_PROFITABILITY)
    shown = reads.portfolio_summary(request.actor, request.now)
    total = sum(each.value_minor for each in shown)
    titles = dict(service_tiers_of(request.company))
    held = [_held(each, total, titles) for each in shown]
    largest = max(held, key=lambda each: each.summary.value_minor, default=None)
    customers = sum(each.customers for each in shown)
    context: dict[str, Any] = {
        "held": held,
        "largest": largest,
        "largest_share_of_customers": _share(largest.summary.customers, customers)
        if largest
        else None,
        "customers": customers,
        "each_minor": _each(total, customers - sum(each.unvalued for each in shown)),
        "unvalued": sum(each.unvalued for each in shown),
        "value_minor": total,
        "at_risk_minor": sum(each.at_risk_minor for each in shown),
        "managers": len({each.portfolio.manager_id for each in shown}),
        "years": years_of(request.company),
        "service_tiers": titles,
    }
    return render(request, "govern/portfolios.html", context)


def _held(each: PortfolioSummary, total: int, titles: Mapping[str, str]) -> Held:
    valued = each.customers - each.unvalued
    mix = sorted(each.objectives.items(), key=lambda item: -item[1])
    return Held(
        summary=each,
        href=f"{reverse('govern:portfolio')}?{urlencode({'portfolio': each.portfolio.id})}",
        value_share=_share(each.value_minor, total),
        risk_share=_share(each.at_risk_minor, each.value_minor),
        value_each_minor=_each(each.value_minor, valued),
        objectives=[
            (objective_words(name), count / each.customers) for name, count in mix[:3] if name
        ],
        service=[
            (titles[name], count)
            for name, count in list(each.service_tiers.items())[:-1]
            if name in titles and count
        ],
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None


def _each(value_minor: int, valued: int) -> int | None:
    return round(value_minor / valued) if valued else None
