"""Accounts: what is each tree of organisations worth, who directs it, who helps where?"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from patronage.access.days import day_typed_or_none
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.govern import actions, reads
from patronage.govern.in_charge import portfolios_of
from patronage.govern.reads.accounts import account_trees


@require_safe
def accounts(request: CallerRequest) -> HttpResponse:
    """The trees of accounts in scope, each from its top down."""
    rows = account_trees(request.actor, request.now)
    may = request.actor.may(Right.HAND_OVER)
    own = portfolios_of(request.actor.id, request.now)
    anybody = request.actor.may(Right.ASSIGN)
    context = {
        "rows": [(each, may and (anybody or each.portfolio_id in own)) for each in rows],
        "trees": [each for each in rows if each.level == 0],
        "value_minor": sum(each.tree_value_minor for each in rows if each.level == 0),
        "may": may,
        "people": reads.possible_deputies(request.actor, request.now) if may else [],
    }
    return render(request, "govern/accounts.html", context)


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
    return redirect("govern:accounts")


@require_POST
def end_delegation(request: CallerRequest, account_delegation_id: str) -> HttpResponse:
    """End a delegation."""
    actions.end_account_delegation(
        actor=request.actor,
        now=request.now,
        delegation_id=account_delegation_id,
        reason=request.POST.get("reason", ""),
    )
    messages.success(request, _("The delegation is over."))
    return redirect("govern:accounts")
