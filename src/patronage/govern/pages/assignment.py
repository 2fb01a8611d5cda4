"""Assignment: whom would the declared policy move today, and what value moves with them?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from patronage.access.days import day_typed
from patronage.access.errors import NotFound, Refused
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads import newest_run, run_at
from patronage.differentiate.reads.in_sight import labels_of
from patronage.govern import jobs, reads
from patronage.govern.actions.conditions import stated
from patronage.govern.pages.service_tiers import CAUSE_WORDS
from patronage.govern.pages.words import service_tiers_of
from patronage.identify.imports.quarantine import safe_cell
from patronage.vocabulary.company import PortfolioRule

#: movers that the page names; the file holds all
_NAMED: Final = 100
_AT_ONCE: Final = 500
COLUMNS: Final = (
    "as_of",
    "currency",
    "customer_id",
    "label",
    "from_portfolio",
    "to_portfolio",
    "value_minor",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLine:
    """A portfolio with its rule, and what it would hold after the assignment."""

    total: jobs.PortfolioTotal
    #: order in which the rule is tried; None where the policy names the portfolio no more
    place: int | None
    #: None takes everybody whom no rule takes
    when: str | None
    manager: str
    #: how many more customers it would hold than now, and how much more value
    customers_moved: int
    value_moved_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """A customer who would change portfolio."""

    customer_id: str
    label: str
    from_portfolio: str
    to_portfolio: str
    value_minor: int | None


@require_http_methods(["GET", "POST"])
def assignment(request: CallerRequest) -> HttpResponseBase:
    """Say who would move (GET), or move them (POST)."""
    request.actor.require(Right.ASSIGN)
    return _apply(request) if request.method == "POST" else _try(request)


@require_safe
def assignment_csv(request: CallerRequest) -> StreamingHttpResponse:
    """Everybody who would move, most valuable first, one row a customer."""
    request.actor.require(Right.ASSIGN)
    request.actor.require(Right.SEE_CUSTOMERS)
    run = _run_of(request)
    if run is None:
        raise NotFound(noun="valuation as of", id=str(request.as_of or "any date"))
    tried = _tried(request, run)
    return StreamingHttpResponse(
        _lines(tried),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="assignment-{run.as_of}.csv"'},
    )


def _try(request: CallerRequest) -> HttpResponse:
    run = _run_of(request)
    context: dict[str, Any] = {
        "sees_value": request.actor.may(Right.SEE_PROFITABILITY),
        "run": run,
        "rules": request.company.portfolios if request.company else (),
    }
    if run is None:
        return render(request, "govern/assignment.html", context)
    tried = _tried(request, run)
    sees_customers = request.actor.may(Right.SEE_CUSTOMERS)
    context |= {
        "tried": tried,
        "value_moved_minor": sum(flow.value_minor for flow in tried.flows),
        "unvalued": sum(flow.unvalued for flow in tried.flows),
        "lines": _policy_lines(request, tried),
        "sees_customers": sees_customers,
        "movers": _movers(tried) if sees_customers else (),
        "service_changes": _service_changes(request, tried),
        "seen": {"as_of": run.as_of.isoformat(), "run": run.id},
    }
    return render(request, "govern/assignment.html", context)


def _service_changes(
    request: CallerRequest, tried: jobs.AssignmentSummary
) -> list[dict[str, object]]:
    """Changes of service tier with their words."""
    titles: dict[object, str] = dict(service_tiers_of(request.company))
    return [
        {
            "was": titles.get(each["from_tier"], each["from_tier"]),
            "tier": titles.get(each["to_tier"], each["to_tier"]),
            "cause": CAUSE_WORDS[str(each["cause"])],
            "customers": each["customers"],
            "value_minor": each["value_minor"],
        }
        for each in tried.service_changes
    ]


def _apply(request: CallerRequest) -> HttpResponseBase:
    given = request.POST
    run = run_at(day_typed(given.get("as_of", "")))
    if run is None or run.id != given.get("run"):
        raise Refused(
            _("That valuation is not the one in use for its date. Look again at who would move.")
        )
    done = jobs.assign(
        actor=request.actor,
        now=request.now,
        as_of=run.as_of,
        run=run,
        reason=stated(given.get("reason", "")),
    )
    said = ngettext(
        "%(count)d customer changed portfolio.",
        "%(count)d customers changed portfolio.",
        done.moved,
    )
    messages.success(request, said % {"count": done.moved})
    return redirect(f"{reverse('govern:assignment')}?as_of={run.as_of}")


def _run_of(request: CallerRequest) -> ValuationRun | None:
    return newest_run() if request.as_of is None else run_at(request.as_of)


def _tried(request: CallerRequest, run: ValuationRun) -> jobs.AssignmentSummary:
    return jobs.assign(actor=request.actor, now=request.now, as_of=run.as_of, run=run, dry_run=True)


def _policy_lines(request: CallerRequest, tried: jobs.AssignmentSummary) -> list[PolicyLine]:
    """The portfolios in the order in which their rules are tried, others after them."""
    rules = request.company.portfolios if request.company else ()
    places = {rule.name: (place, rule) for place, rule in enumerate(rules, start=1)}
    managers = {
        each.id: each.manager for each in reads.hand_over_targets(request.actor, request.now)
    }
    return [
        _policy_line(total, places.get(total.portfolio), managers, tried.flows)
        for total in tried.portfolios
    ]


def _policy_line(
    total: jobs.PortfolioTotal,
    rule: tuple[int, PortfolioRule] | None,
    managers: Mapping[str, str],
    flows: Sequence[jobs.Flow],
) -> PolicyLine:
    into = [flow for flow in flows if flow.to_portfolio_id == total.portfolio_id]
    out = [flow for flow in flows if flow.from_portfolio_id == total.portfolio_id]
    return PolicyLine(
        total=total,
        place=rule[0] if rule else None,
        when=rule[1].when if rule else None,
        manager=managers.get(total.portfolio_id, ""),
        customers_moved=sum(f.customers for f in into) - sum(f.customers for f in out),
        value_moved_minor=sum(f.value_minor for f in into) - sum(f.value_minor for f in out),
    )


def _movers(tried: jobs.AssignmentSummary) -> list[Mover]:
    names = _portfolio_names(tried)
    top = tried.most_valuable_first().head(_NAMED)
    labels = labels_of(top["customer_id"].to_list())
    return [
        Mover(
            customer_id=customer_id,
            label=labels.get(customer_id, customer_id),
            from_portfolio=names[source],
            to_portfolio=names[to],
            value_minor=value,
        )
        for customer_id, source, to, value in top.iter_rows()
    ]


def _portfolio_names(tried: jobs.AssignmentSummary) -> dict[str, str]:
    sources = {flow.from_portfolio_id: flow.from_portfolio for flow in tried.flows}
    return sources | {flow.to_portfolio_id: flow.to_portfolio for flow in tried.flows}


def _lines(tried: jobs.AssignmentSummary) -> Iterator[str]:
    """The file piece by piece; no text in it can be taken for a formula, amounts stay numbers."""
    names = {key: safe_cell(name) for key, name in _portfolio_names(tried).items()}
    yield ",".join(COLUMNS) + "\r\n"
    for piece in tried.most_valuable_first().iter_slices(_AT_ONCE):
        labels = labels_of(piece["customer_id"].to_list())
        safe = {customer_id: safe_cell(label) for customer_id, label in labels.items()}
        yield piece.select(
            pl.lit(tried.as_of).alias("as_of"),
            pl.lit(tried.currency).alias("currency"),
            "customer_id",
            pl.col("customer_id").replace_strict(safe, default="").alias("label"),
            pl.col("portfolio_id").replace_strict(names).alias("from_portfolio"),
            pl.col("target_id").replace_strict(names).alias("to_portfolio"),
            "value_minor",
        ).write_csv(include_header=False, line_terminator="\r\n")
