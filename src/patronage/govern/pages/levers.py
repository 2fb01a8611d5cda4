"""My levers: what I may do, what I did, what waits for my word, what I passed on."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from patronage.access.days import period_typed, today
from patronage.access.errors import NotFound, Refused
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.govern import actions, reads
from patronage.govern.amounts import amount_typed
from patronage.govern.limits import LEVERS, PERS, UNITS, WHOLE
from patronage.govern.models.levers import RULINGS
from patronage.govern.pages.customer_typed import customer_typed
from patronage.govern.pages.words import LEVER_WORDS, PER_WORDS, ROLE_WORDS
from patronage.identify.in_sight import require_customer


@require_safe
def my_levers(request: CallerRequest) -> HttpResponse:
    """Show everything about levers that is the reader's to see first."""
    mine = reads.my_levers(request.actor, request.now)
    grants = request.actor.may(Right.GRANT_LEVER)
    usable = sorted({each.lever for each in mine.held}, key=LEVERS.index)
    context: dict[str, Any] = {
        "mine": mine,
        "grants": grants,
        "every": reads.grants(request.actor, request.now) if grants else [],
        "portfolios": reads.hand_over_targets(request.actor, request.now) if grants else [],
        "levers": [(each, LEVER_WORDS[each]) for each in (LEVERS if grants else usable)],
        "pers": [(each, PER_WORDS[each]) for each in PERS],
        "roles": ROLE_WORDS.items(),
        "people": _people(request),
        "lever_words": LEVER_WORDS,
        "per_words": PER_WORDS,
        "role_words": ROLE_WORDS,
        "customer": request.GET.get("customer", ""),
        **{name: {"ruling": name} for name in RULINGS},
        "sees_value": request.actor.may(Right.SEE_PROFITABILITY),
        "currency": _currency(request),
        "today": today(request),
    }
    return render(request, "govern/my_levers.html", context)


@require_POST
def pull(request: CallerRequest) -> HttpResponseBase:
    """Pull a lever for a customer."""
    given = request.POST
    request.actor.require(Right.USE_LEVER)
    lever = given.get("lever", "")
    _now, valid_until = period_typed(request, last=given.get("last", ""))
    use = actions.pull_lever(
        actor=request.actor,
        now=request.now,
        customer_id=customer_typed(request, given.get("customer", "")),
        lever=lever,
        amount=_amount(request, lever, given.get("amount", "")),
        category=given.get("category", ""),
        product=given.get("product", ""),
        reason=given.get("reason", ""),
        valid_until=valid_until,
    )
    if use.state == "done":
        messages.success(request, _("Done for %(name)s.") % {"name": use.customer.label})
    else:
        words = _("This goes beyond what you may do alone, and waits for the manager.")
        if use.waits_for == "executive":
            words = _("This goes beyond what you may do alone, and waits for an executive.")
        messages.warning(request, words)
    return redirect("govern:my-levers")


@require_POST
def rule_on_use(request: CallerRequest, use_id: str) -> HttpResponseBase:
    """Approve, refuse, review or take back."""
    done = actions.rule_on_lever(
        actor=request.actor,
        now=request.now,
        use_id=use_id,
        ruling=request.POST.get("ruling", ""),
        reason=request.POST.get("reason", ""),
    )
    words = {
        "approve": _("Approved for %(name)s."),
        "refuse": _("Refused for %(name)s."),
        "review": _("Seen, for %(name)s."),
        "question": _("Asked, about %(name)s. The answer will stand here."),
        "answer": _("Answered, about %(name)s."),
        "take_back": _("Taken back for %(name)s."),
    }[request.POST["ruling"]]
    messages.success(request, words % {"name": done.customer.label})
    return redirect("govern:my-levers")


@require_POST
def grant(request: CallerRequest) -> HttpResponseBase:
    """Grant a lever to a portfolio's manager, or to a role."""
    given = request.POST
    request.actor.require(Right.GRANT_LEVER)
    kind, _sep, holder = given.get("holder", "").partition(":")
    lever = given.get("lever", "")
    starts_at, ends_at = period_typed(
        request, first=given.get("first", ""), last=given.get("last", "")
    )
    actions.grant_lever(
        actor=request.actor,
        now=request.now,
        lever=lever,
        limit=_amount(request, lever, given.get("limit", "")),
        per=given.get("per", ""),
        portfolio_id=holder if kind == "portfolio" else "",
        role=holder if kind == "role" else "",
        reason=given.get("reason", ""),
        starts_at=starts_at,
        ends_at=ends_at,
    )
    messages.success(request, _("Granted."))
    return redirect("govern:my-levers")


@require_POST
def delegate(request: CallerRequest, grant_id: str) -> HttpResponseBase:
    """Pass a part of one's own right on."""
    given = request.POST
    request.actor.require(Right.USE_LEVER)
    mine = {each.id: each for each in reads.my_levers(request.actor, request.now).held}
    if grant_id not in mine:
        raise NotFound(noun="grant", id=grant_id)
    _now, ends_at = period_typed(request, last=given.get("last", ""))
    made = actions.delegate_lever(
        actor=request.actor,
        now=request.now,
        grant_id=grant_id,
        person_id=given.get("person", ""),
        limit=_amount(request, mine[grant_id].lever, given.get("limit", "")),
        reason=given.get("reason", ""),
        ends_at=ends_at,
    )
    name = made.person.name if made.person else ""
    messages.success(request, _("Passed on to %(name)s.") % {"name": name})
    return redirect("govern:my-levers")


@require_POST
def end_grant(request: CallerRequest, grant_id: str) -> HttpResponseBase:
    """End a right, with every part of it that was passed on."""
    actions.end_grant(
        actor=request.actor,
        now=request.now,
        grant_id=grant_id,
        reason=request.POST.get("reason", ""),
    )
    messages.success(request, _("Ended."))
    return redirect("govern:my-levers")


@require_http_methods(["GET"])
def terms(request: CallerRequest) -> HttpResponse:
    """Say what a customer pays for a product today, or ask whom and for what."""
    if not request.actor.may(Right.DECIDE):
        request.actor.require(Right.SEE_CUSTOMERS)
    asked = {name: request.GET.get(name, "").strip() for name in ("customer", "product")}
    asked["category"] = "" if asked["product"] else request.GET.get("category", "").strip()
    context: dict[str, Any] = {"asked": asked, "terms": None, "name": ""}
    if asked["customer"] and (asked["product"] or asked["category"]):
        customer_id = customer_typed(request, asked["customer"])
        context["terms"] = reads.terms(
            request.actor,
            customer_id,
            request.now,
            product=asked["product"],
            category=asked["category"],
        )
        context["name"] = require_customer(request.actor, customer_id, request.now).label
        context["share"] = (context["terms"].price_basis_points or 0) / WHOLE
    return render(request, "govern/terms.html", context)


def _people(request: CallerRequest) -> list[tuple[str, str]]:
    """Who may be passed a part of what one holds."""
    if not request.actor.may(Right.RULE):
        return []
    return reads.possible_delegates(request.actor, request.now)


def _amount(request: CallerRequest, lever: str, typed: str) -> int:
    if lever not in UNITS:
        raise Refused(_("Choose the lever."))
    return amount_typed(typed, UNITS[lever], _currency(request))


def _currency(request: CallerRequest) -> str:
    return request.company.currency if request.company else "XXX"
