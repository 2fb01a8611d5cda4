"""Value: what are my customers worth together, how did that move, and who carries it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.access.scope import portfolio_names, scope_of
from patronage.differentiate.pages.asked import Asked
from patronage.differentiate.pages.audit import nothing, run_shown
from patronage.differentiate.pages.words import (
    cohort_words,
    need_words,
    objective_words,
    years_words,
)
from patronage.differentiate.reads.customer_base import CustomerBase, customer_base
from patronage.differentiate.reads.worth import (
    Bin,
    Part,
    ValueSummary,
    WhaleCurve,
    distribution_of,
    summary_of,
    whale_curve_of,
)
from patronage.differentiate.reads.worth_list import Sort, WorthRow, worth_page_of
from patronage.vocabulary.company import Company

ROWS: Final = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A customer as the list shows them."""

    row: WorthRow
    objective: str


@require_safe
@vary_on_headers("HX-Request")
def value(request: CallerRequest) -> HttpResponse:
    """The worth of the customers in scope; to htmx the list alone when only it changes."""
    request.actor.require(Right.SEE_PROFITABILITY)
    asked = Asked.by(request)
    if run_shown(request) is None:
        return render(request, "differentiate/nothing_valued.html", nothing(request))
    base = customer_base(request.actor, request.now, as_of=request.as_of, chosen=asked.chosen)
    if request.htmx and "worth-list" in (request.htmx.target or ""):
        return render(request, "differentiate/_worth_list.html", _listing(asked, base))
    context = _head(request, asked, base) | _listing(asked, base)
    response = render(request, "differentiate/value.html", context)
    if request.htmx:
        # a form sends its empty fields too: the address is a link to the view, without them
        response.headers["HX-Replace-Url"] = asked.address()
    return response


def _head(request: CallerRequest, asked: Asked, base: CustomerBase) -> dict[str, Any]:
    summary, company = summary_of(base), request.company
    whale = whale_curve_of(base)
    change = None if summary.before_minor is None else summary.value_minor - summary.before_minor
    return {
        "summary": summary,
        "years": years_words(summary.horizon_days),
        "history_months": round(summary.history_days / 30.4),
        "discount": company.annual_discount_rate if company else None,
        "change": change,
        "known_change": None if change is None else change - summary.new_minor,
        "potential_share": summary.compared_minor / summary.potential_minor
        if summary.potential_minor > 0
        else None,
        "whale": whale,
        "best_share": whale.best_minor / whale.margin_minor if whale.margin_minor > 0 else None,
        "earned": _places(whale),
        "bins": _bins(asked, distribution_of(base)),
        "mixes": _mixes(asked, summary, company),
        "portfolios": portfolio_names.ask(scope_of(request.actor, request.now)),
        "tiers": [(tier.name, tier.name.capitalize()) for tier in company.tiers] if company else [],
        "objectives": _declared_objectives(company),
        "all_needs": [(each.name, each.title) for each in company.needs] if company else [],
        "room": asked.address(sort="room"),
        "negative": asked.address(without=("from",), below=0, sort="value"),
        "is_narrowed": asked.chosen.is_narrowed,
        "narrowings": _narrowings(asked, summary),
        "everybody": asked.address(without=[*asked.given.keys() - {"as_of"}]),
    }


def _declared_objectives(company: Company | None) -> list[tuple[str, str]]:
    declared = [rule.objective for rule in company.objectives] if company else []
    return [(name, objective_words(name)) for name in dict.fromkeys(declared)]


def _listing(asked: Asked, base: CustomerBase) -> dict[str, Any]:
    page = worth_page_of(base, sort=asked.sort, after=asked.after, limit=ROWS)
    query = urlencode({**asked.given, "sort": asked.sort})
    return {
        "asked": asked,
        "page": page,
        "listed": [Listed(row=row, objective=objective_words(row.objective)) for row in page.rows],
        "orders": _orders(asked, base),
        "before_as_of": base.before.as_of if base.before else None,
        "csv": f"{reverse('differentiate:value-csv')}?{query}",
    }


def _orders(asked: Asked, base: CustomerBase) -> list[dict[str, Any]]:
    """The lists there are, as tabs; who gained or lost needs a valuation before."""
    titles: dict[Sort, str] = {"value": _("Most valuable")}
    if base.before is not None:
        titles |= {"gain": _("Gained most"), "loss": _("Lost most")}
    titles |= {
        "margin": _("Earned most this quarter"),
        "risk": _("Most at risk"),
        "room": _("Most room to grow"),
    }
    return [
        {"title": title, "href": asked.address(sort=sort), "is_here": sort == asked.sort}
        for sort, title in titles.items()
    ]


def _bins(asked: Asked, bins: Sequence[Bin]) -> list[dict[str, Any]]:
    return [
        {
            "low": each.low_minor,
            "high": each.high_minor,
            "count": each.customers,
            "href": asked.address(
                without=("from", "below"), from_=each.low_minor, below=each.high_minor
            ),
        }
        for each in bins
    ]


def _places(whale: WhaleCurve) -> list[dict[str, Any]]:
    """The curve with three places named: the best fifth, the peak, everybody."""
    named: dict[int, str] = {}
    if whale.margin_minor > 0 and whale.best_customers:
        share = round(100 * whale.best_minor / whale.margin_minor)
        named[whale.best_customers] = _("best fifth: %(share)s%%") % {"share": share}
    points = {each.customers: each.margin_minor for each in whale.points}
    points[whale.best_customers] = whale.best_minor
    points[whale.peak_customers] = whale.peak_minor
    if whale.losing_minor and -whale.losing_minor >= 0.02 * max(1, whale.peak_minor):
        named[whale.peak_customers] = _("peak")
    return [
        {"x": rank, "y": margin, "label": named.get(rank, "")}
        for rank, margin in sorted(points.items())
    ]


def _mixes(asked: Asked, summary: ValueSummary, company: Company | None) -> list[dict[str, Any]]:
    """The base by what customers have in common: one panel a view, each bar a narrower view."""
    panels: list[tuple[str, str, Sequence[Part], Any]] = [
        ("tier", _("By tier"), summary.tiers, str.capitalize),
        ("objective", _("By objective"), summary.objectives, objective_words),
        ("need", _("By need"), summary.needs, lambda name: need_words(company, name)),
        ("cohort", _("By quarter of the first purchase"), summary.cohorts, cohort_words),
    ]
    return [
        {
            "title": title,
            "amounts": [
                {
                    "label": words(part.name),
                    "value": part.value_minor,
                    "href": asked.address(**{name: part.name}) if part.name else "",
                }
                for part in parts
            ],
        }
        for name, title, parts, words in panels
        if parts
    ]


def _narrowings(asked: Asked, summary: ValueSummary) -> list[dict[str, Any]]:
    """What is left out beyond the filters that have a field of their own, each to be taken away."""
    chosen = asked.chosen
    found: list[dict[str, Any]] = []
    if chosen.cohort:
        text = _("First bought in %(quarter)s") % {"quarter": cohort_words(chosen.cohort)}
        found.append({"text": text, "href": asked.address(without=["cohort"])})
    if chosen.from_minor is not None or chosen.below_minor is not None:
        found.append(
            {
                "low": chosen.from_minor,
                "high": chosen.below_minor,
                "currency": summary.currency,
                "href": asked.address(without=["from", "below"]),
            }
        )
    return found
