"""My portfolio: whom am I in charge of, what are they worth, who is at risk?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRefresh

from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.access.scope import scope_of
from patronage.govern import reads
from patronage.govern.pages.words import (
    needs_of,
    objective_words,
    objectives_of,
    service_tiers_of,
    tiers_of,
    years_of,
)
from patronage.govern.reads.customers import Row, Sort
from patronage.govern.reads.portfolios import PortfolioSummary
from patronage.govern.waiting import waiting

_SORTS: Final[tuple[Sort, ...]] = get_args(Sort)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which customers the address asks for, in which order, from where on."""

    portfolio_id: str
    sort: Sort
    search: str
    tier: str
    objective: str
    need: str
    service_tier: str
    after: str | None

    @classmethod
    def by(cls, request: CallerRequest, portfolio_id: str) -> Asked:
        """Read the address; an order that does not exist is the usual one."""
        given = request.GET
        asked = given.get("sort", "")
        sort: Sort = next((each for each in _SORTS if each == asked), "value")
        return cls(
            portfolio_id=portfolio_id,
            sort=sort,
            search=given.get("search", "").strip(),
            tier=given.get("tier", ""),
            objective=given.get("objective", ""),
            need=given.get("need", ""),
            service_tier=given.get("service", ""),
            after=given.get("after") or None,
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether a search or a filter leaves anybody out."""
        return bool(self.search or self.tier or self.objective or self.need or self.service_tier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A customer as the list shows them."""

    row: Row
    objective: str
    need: str
    #: title of how they are served; empty where the company declares no service tiers
    service: str
    #: share of the value at risk; None where the value is unknown or not above zero
    risk_share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One of the portfolios whose customers one may see."""

    title: str
    href: str
    is_here: bool
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What one manager is in charge of, over all of the portfolios shown."""

    manager: str
    customers: int
    unvalued: int
    value_minor: int
    at_risk_minor: int


@require_safe
@vary_on_headers("HX-Request")
def portfolio(request: CallerRequest) -> HttpResponse:
    """The customers of one portfolio; to htmx only their table."""
    request.actor.require(Right.SEE_PROFITABILITY)
    chosen = request.GET.get("portfolio", "")
    if request.htmx:
        return _table(request, chosen)
    scope = scope_of(request.actor, request.now)
    if not chosen and scope.everything:
        return redirect("govern:portfolios")
    held = reads.portfolio_summary(request.actor, request.now)
    if not held and scope.account_ids:
        return redirect("govern:accounts")
    if not held:
        return render(request, "govern/nobody.html")
    chosen = chosen or held[0].portfolio.id
    context = _listing(request, chosen) | _head(request, held, chosen)
    return render(request, "govern/portfolio.html", context)


def _table(request: CallerRequest, chosen: str) -> HttpResponse:
    if not chosen:
        mine = reads.my_portfolios(request.actor, request.now)
        if not mine:
            return HttpResponseClientRefresh()
        chosen = mine[0].id
    response = render(request, "govern/_customers.html", _listing(request, chosen))
    return _with_clean_address(request, response)


def _listing(request: CallerRequest, portfolio_id: str) -> dict[str, Any]:
    asked = Asked.by(request, portfolio_id)
    page = reads.page(
        request.actor,
        request.now,
        portfolio_id=portfolio_id,
        sort=asked.sort,
        search=asked.search,
        tier=asked.tier,
        objective=asked.objective,
        need=asked.need,
        service_tier=asked.service_tier,
        after=asked.after,
    )
    needs = dict(needs_of(request.company))
    served = dict(service_tiers_of(request.company))
    return {
        "asked": asked,
        "everybody": f"?{urlencode({'portfolio': portfolio_id})}",
        "page": page,
        "listed": [_listed(row, needs, served) for row in page.rows],
        "served": list(served.items()),
        "may_hand_over": request.actor.may(Right.HAND_OVER),
    }


def _listed(row: Row, needs: dict[str, str], served: dict[str, str]) -> Listed:
    value, at_risk = row.value_minor, row.at_risk_minor
    known = value is not None and at_risk is not None and value > 0
    return Listed(
        row=row,
        objective=objective_words(row.objective),
        need=needs.get(row.need, row.need),
        service=served.get(row.service_tier or "", ""),
        risk_share=at_risk / value if known and value and at_risk is not None else None,
    )


def _head(request: CallerRequest, held: Sequence[PortfolioSummary], chosen: str) -> dict[str, Any]:
    # a portfolio outside the scope was refused while its customers were read
    here = next(each for each in held if each.portfolio.id == chosen)
    own = [each for each in held if each.portfolio.manager_id == here.portfolio.manager_id]
    is_mine = here.portfolio.manager_id == request.actor.id
    return {
        "here": here,
        "charge": _charge(own),
        "is_mine": is_mine,
        "sees_all": scope_of(request.actor, request.now).everything,
        "tabs": [_tab(each, chosen) for each in held] if len(held) > 1 else [],
        "objectives": [
            (objective_words(name), name, count)
            for name, count in sorted(here.objectives.items(), key=lambda item: -item[1])
            if name
        ],
        "years": years_of(request.company),
        "by_risk": f"?{urlencode({'portfolio': chosen, 'sort': 'risk'})}",
        "waiting": waiting(request.actor, request.now) if is_mine else None,
        "tiers": tiers_of(request.company),
        "all_objectives": objectives_of(request.company),
        "needs": needs_of(request.company),
    }


def _charge(own: Sequence[PortfolioSummary]) -> Charge:
    return Charge(
        manager=own[0].portfolio.manager,
        customers=sum(each.customers for each in own),
        unvalued=sum(each.unvalued for each in own),
        value_minor=sum(each.value_minor for each in own),
        at_risk_minor=sum(each.at_risk_minor for each in own),
    )


def _tab(each: PortfolioSummary, chosen: str) -> Tab:
    return Tab(
        title=each.portfolio.name,
        href=f"{reverse('govern:portfolio')}?{urlencode({'portfolio': each.portfolio.id})}",
        is_here=each.portfolio.id == chosen,
        count=each.customers,
    )


def _with_clean_address(request: CallerRequest, response: HttpResponse) -> HttpResponse:
    """Leave what is not asked for out of the address that filtering writes."""
    if not request.htmx.boosted:
        kept = {name: str(text) for name, text in request.GET.items() if text}
        response.headers["HX-Replace-Url"] = f"{request.path}?{urlencode(kept)}"
    return response
