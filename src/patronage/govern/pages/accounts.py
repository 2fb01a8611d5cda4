"""Accounts: what is each tree of organisations worth, who directs it, who helps where?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from patronage.access.days import day_typed_or_none
from patronage.access.errors import Refused
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.govern import actions, reads
from patronage.govern.accounts import of_some
from patronage.govern.in_charge import portfolios_of
from patronage.govern.pages.customer_typed import customer_typed
from patronage.govern.reads.accounts import AccountRow, account_trees, places_for
from patronage.vocabulary.ids import IdPrefix, is_id


@require_http_methods(["GET", "HEAD", "POST"])
def accounts(request: CallerRequest) -> HttpResponse:
    """Show the trees of accounts in scope, each from its top down, or open one (POST)."""
    if request.method == "POST":
        return _open(request)
    rows = account_trees(request.actor, request.now)
    context = _forms(request, rows) | {
        "rows": rows,
        "trees": [each for each in rows if each.level == 0],
        # a part that is delegated to the reader counts where its tree is not in sight
        "value_minor": sum(each.tree_value_minor for each in _tops(rows)),
    }
    return render(request, "govern/accounts.html", context)


@require_safe
def account(request: CallerRequest, account_id: str) -> HttpResponse:
    """One account: its customers, most valuable first, and what may be done with it."""
    rows = account_trees(request.actor, request.now)
    search = request.GET.get("search", "").strip()
    page = reads.page_of_account(
        request.actor,
        request.now,
        account_id=account_id,
        search=search,
        after=request.GET.get("after") or None,
    )
    (here,) = [each for each in rows if each.id == account_id]
    names = of_some([each.customer_id for each in page.rows], request.now)
    forms = _forms(request, rows)
    mine = here.id in forms["mine"]
    context = forms | {
        "here": here,
        "parent": next((each for each in rows if each.id == here.parent_id), None),
        "children": [each for each in rows if each.parent_id == here.id],
        "page": page,
        "search": search,
        "listed": [(each, names[each.customer_id]["account"]) for each in page.rows],
        "is_mine": mine,
        "may_appoint": request.actor.may(Right.ASSIGN),
        # where it can go: the rest of its own tree
        "places": places_for(request.actor, request.now, here.id) if mine else [],
    }
    return render(request, "govern/account.html", context)


@require_POST
def move(request: CallerRequest, account_id: str) -> HttpResponse:
    """Put the account, with all that lies under it, under another one."""
    moved = actions.move_account(
        actor=request.actor,
        now=request.now,
        account_id=account_id,
        parent_id=request.POST.get("parent", ""),
        reason=request.POST.get("reason", ""),
    )
    messages.success(request, _("“%(name)s” lies there now.") % {"name": moved.name})
    return redirect("govern:account", account_id)


@require_POST
def join(request: CallerRequest, account_id: str) -> HttpResponse:
    """Let an organisation belong to the account."""
    request.actor.require(Right.HAND_OVER)
    customer_id = customer_typed(request, request.POST.get("customer", ""))
    moved = actions.join_account(
        actor=request.actor,
        now=request.now,
        account_id=account_id,
        customer_ids=[customer_id],
        reason=request.POST.get("reason", ""),
    )
    if moved:
        said = _("They belong to this account now, and its director answers for them.")
    else:
        said = _("They belong to this account now.")
    messages.success(request, said)
    return redirect("govern:account", account_id)


@require_POST
def leave(request: CallerRequest, customer_id: str) -> HttpResponse:
    """Let a customer belong to no account any more."""
    actions.leave_account(
        actor=request.actor,
        now=request.now,
        customer_id=customer_id,
        reason=request.POST.get("reason", ""),
    )
    messages.success(request, _("They belong to no account any more; their portfolio stays."))
    return _back(request)


@require_POST
def appoint(request: CallerRequest, portfolio_id: str) -> HttpResponse:
    """Make somebody answer for the portfolio, and so direct its trees, from now on."""
    made = actions.appoint(
        actor=request.actor,
        now=request.now,
        portfolio_id=portfolio_id,
        manager_id=request.POST.get("manager", ""),
        starts_at=request.now,
        reason=request.POST.get("reason", ""),
    )
    said = _("%(name)s answers for “%(portfolio)s” from now on.")
    names = {"name": made.manager.name, "portfolio": made.portfolio.name}
    messages.success(request, said % names)
    return _back(request)


@require_POST
def delegate(request: CallerRequest, account_id: str) -> HttpResponse:
    """Let a local manager work with the account's customers."""
    given = request.POST
    made = actions.delegate_account(
        actor=request.actor,
        now=request.now,
        account_id=account_id,
        manager_id=given.get("manager", ""),
        reason=given.get("reason", ""),
        until=day_typed_or_none(given.get("until", "")),
    )
    said = _("%(name)s works with this account now; its director stays accountable.")
    messages.success(request, said % {"name": made.manager.name})
    return redirect("govern:account", account_id)


@require_POST
def end_delegation(request: CallerRequest, account_delegation_id: str) -> HttpResponse:
    """End a delegation."""
    ended = actions.end_account_delegation(
        actor=request.actor,
        now=request.now,
        delegation_id=account_delegation_id,
        reason=request.POST.get("reason", ""),
    )
    messages.success(request, _("The delegation is over."))
    return redirect("govern:account", ended.account_id)


def _open(request: CallerRequest) -> HttpResponse:
    given = request.POST
    place = given.get("place", "")
    if not place:
        raise Refused(_("Choose where the account lies."))
    is_under = is_id(place, IdPrefix.ACCOUNT)
    opened = actions.open_account(
        actor=request.actor,
        now=request.now,
        name=given.get("name", ""),
        reason=given.get("reason", ""),
        portfolio_id="" if is_under else place,
        parent_id=place if is_under else "",
    )
    said = _("“%(name)s” is open. Add the organisations that belong to it.")
    messages.success(request, said % {"name": opened.name})
    return redirect("govern:account", opened.id)


def _forms(request: CallerRequest, rows: Sequence[AccountRow]) -> dict[str, Any]:
    """What the reader may arrange: accounts of their own trees, in their own portfolios."""
    if not request.actor.may(Right.HAND_OVER):
        return {"mine": frozenset(), "may": False}
    own = portfolios_of(request.actor.id, request.now)
    anybody = request.actor.may(Right.ASSIGN)
    mine = [each for each in rows if anybody or each.portfolio_id in own]
    held = reads.hand_over_targets(request.actor, request.now)
    portfolios = [each for each in held if anybody or each.id in own]
    return {
        "mine": {each.id for each in mine},
        "may": bool(mine or portfolios),
        "places_to_open": mine,
        "portfolios": portfolios,
        "people": reads.possible_deputies(request.actor, request.now),
    }


def _tops(rows: Sequence[AccountRow]) -> list[AccountRow]:
    """The accounts of which nothing above is in sight."""
    seen = {each.id for each in rows}
    return [each for each in rows if each.parent_id not in seen]


def _back(request: CallerRequest) -> HttpResponse:
    account_id = request.POST.get("account", "")
    return redirect("govern:account", account_id) if account_id else redirect("govern:accounts")
