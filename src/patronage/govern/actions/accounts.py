"""Accounts are opened and moved, customers join and leave them, and local managers may help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.actor import open_roles
from patronage.access.company import instants_of
from patronage.access.errors import NotFound
from patronage.access.models import User
from patronage.access.roles import IN_CHARGE, Actor, Right
from patronage.access.transactions import atomic
from patronage.govern import accounts, memberships
from patronage.govern.actions.conditions import stated
from patronage.govern.actions.hand_overs import moved
from patronage.govern.errors import CannotAccount
from patronage.govern.in_charge import require_in_charge
from patronage.govern.models import (
    Account,
    AccountDelegation,
    AccountMember,
    AccountPlace,
    Portfolio,
)
from patronage.identify.in_sight import customers_in_sight

LONGEST_NAME = 100


def open_account(
    *,
    actor: Actor,
    now: datetime,
    name: str,
    reason: str,
    portfolio_id: str = "",
    parent_id: str = "",
) -> Account:
    """Open an account: on top of a new tree that a portfolio holds, or under another account.

    Raises:
        NotFound: the portfolio or the parent is absent or not the actor's.
        NoReason: no reason is given.
        CannotAccount: the name is taken or unusable, or not exactly one of the two is named.
    """
    actor.require(Right.HAND_OVER)
    why, known_as = stated(reason), " ".join(name.split())
    if not 1 <= len(known_as) <= LONGEST_NAME or not known_as.isprintable():
        raise CannotAccount(
            _("An account has a name of 1 to %(longest_name)s characters.")
            % {"longest_name": LONGEST_NAME}
        )
    if bool(portfolio_id) == bool(parent_id):
        raise CannotAccount(
            _("Name the portfolio that holds a new tree, or the account that this one lies under.")
        )
    with atomic():
        memberships.take_turns_moving()
        if parent_id:
            parent = required(actor, now, parent_id)
            _require_room(accounts.trees_at(now), parent.id, levels=1)
            portfolio = None
        else:
            portfolio = require_in_charge(actor, portfolio_id, now)
        if Account.objects.filter(name=known_as).exists():
            raise CannotAccount(
                _("There is an account %(known_as)r already. Give another name.")
                % {"known_as": known_as}
            )
        account = Account.objects.create(name=known_as, portfolio=portfolio, created_at=now)
        if parent_id:
            _place(actor, now, account, parent_id, why)
        change = {"name": known_as, "portfolio": portfolio_id or None, "parent": parent_id or None}
        _record(actor, now, "open account", account, why, {}, change)
    return account


def move_account(
    *, actor: Actor, now: datetime, account_id: str, parent_id: str, reason: str
) -> Account:
    """Put an account, with all that lies under it, under another one of the same tree.

    Raises:
        NotFound: one of them is absent or not the actor's.
        CannotAccount: it would lie under itself, in another tree, or is the one on top.
    """
    actor.require(Right.HAND_OVER)
    why = stated(reason)
    with atomic():
        memberships.take_turns_moving()
        account, parent = required(actor, now, account_id), required(actor, now, parent_id)
        trees = accounts.trees_at(now)
        if account.id in trees.path(parent.id):
            raise CannotAccount(
                _("%(name)r lies under %(name_2)r: no account lies under itself.")
                % {"name": parent.name, "name_2": account.name}
            )
        if trees.root(account.id).id != trees.root(parent.id).id:
            raise CannotAccount(_("Both must be in one tree, whose director answers for both."))
        was = trees.parent[account.id]
        depth = max(len(trees.path(key)) for key in trees.below([account.id]))
        _require_room(trees, parent.id, levels=depth - len(trees.path(account.id)) + 1)
        AccountPlace.objects.filter(account=account, ends_at__isnull=True).update(ends_at=now)
        _place(actor, now, account, parent.id, why)
        _record(actor, now, "move account", account, why, {"parent": was}, {"parent": parent.id})
    return account


def join_account(
    *, actor: Actor, now: datetime, account_id: str, customer_ids: Sequence[str], reason: str
) -> int:
    """Let organisations belong to an account; the tree's portfolio holds them from now on.

    Who is in another account leaves it. All of them join or none.

    Returns:
        How many changed portfolio by it.

    Raises:
        NotFound: the account or a customer is absent or not the actor's.
        CannotAccount: a customer is no organisation, or is in this account already.
    """
    actor.require(Right.HAND_OVER)
    why, wanted = stated(reason), list(dict.fromkeys(customer_ids))
    with atomic():
        memberships.take_turns_moving()
        account = required(actor, now, account_id)
        seen = customers_in_sight(actor, now).filter(pk__in=wanted)
        known = {each.id: each for each in seen}
        for key in wanted:
            if key not in known:
                raise NotFound(noun="customer", id=key)
            if known[key].kind != "organisation":
                raise CannotAccount(
                    _("%(label)s is a %(kind)s: accounts hold organisations.")
                    % {"label": known[key].label, "kind": known[key].kind}
                )
        if not wanted or accounts.members_of([account.id]).filter(customer__in=wanted).exists():
            raise CannotAccount(_("Name customers who are not in the account yet."))
        open_ones = AccountMember.objects.filter(customer__in=wanted, ends_at__isnull=True)
        was: dict[str, str] = dict(open_ones.values_list("customer_id", "account_id"))
        open_ones.update(ends_at=now)
        AccountMember.objects.bulk_create(
            AccountMember(
                account=account,
                customer_id=key,
                starts_at=now,
                reason=why,
                actor_id=actor.id,
                recorded_at=now,
            )
            for key in wanted
        )
        change = {"customers": wanted}
        _record(actor, now, "join account", account, why, {"accounts": was}, change)
        return _hand_to_director(actor, now, account, wanted, why)


def leave_account(*, actor: Actor, now: datetime, customer_id: str, reason: str) -> None:
    """Let a customer belong to no account any more; the portfolio stays as it is.

    Raises:
        NotFound: there is no such customer in the actor's scope.
        CannotAccount: the customer is in no account.
    """
    actor.require(Right.HAND_OVER)
    why = stated(reason)
    with atomic():
        memberships.take_turns_moving()
        open_ones = AccountMember.objects.filter(customer=customer_id, ends_at__isnull=True)
        if not customers_in_sight(actor, now).filter(pk=customer_id).exists():
            raise NotFound(noun="customer", id=customer_id)
        member = open_ones.select_related("account").first()
        if member is None:
            raise CannotAccount(_("The customer is in no account."))
        account = required(actor, now, member.account_id)
        open_ones.update(ends_at=now)
        before = {"customers": [customer_id]}
        _record(actor, now, "leave account", account, why, before, {"customers": []})


def delegate_account(
    *,
    actor: Actor,
    now: datetime,
    account_id: str,
    manager_id: str,
    reason: str,
    until: date | None = None,
) -> AccountDelegation:
    """Let a local manager work with the customers of an account; its director stays accountable.

    They see them, speak with them and set their objective, but hand nobody over.

    Args:
        until: the last date; None: until it is ended.

    Raises:
        NotFound: the account is absent or not the actor's.
        CannotAccount: the person or the time does not work.
    """
    actor.require(Right.HAND_OVER)
    why = stated(reason)
    ends_at = instants_of(None, until)[1]
    with atomic():
        memberships.take_turns_moving()
        account = required(actor, now, account_id)
        if ends_at is not None and ends_at <= now:
            raise CannotAccount(
                _("%(until)s is over already. Give today or a later last day.") % {"until": until}
            )
        person = User.objects.filter(pk=manager_id, is_active=True).first()
        if person is None or not open_roles(person, now) & IN_CHARGE:
            raise CannotAccount(_("Only a manager who works here can help. Choose another person."))
        same = AccountDelegation.objects.filter(account=account, manager=person)
        if accounts.lasting(same, now).exists():
            raise CannotAccount(
                _("%(name)s helps with %(name_2)r already.")
                % {"name": person.name, "name_2": account.name}
            )
        delegation = AccountDelegation.objects.create(
            account=account,
            manager=person,
            starts_at=now,
            planned_until=ends_at,
            ends_at=ends_at,
            reason=why,
            actor_id=actor.id,
            recorded_at=now,
        )
        until_said = None if until is None else until.isoformat()
        change = {"manager": person.id, "until": until_said, "delegation": delegation.id}
        _record(actor, now, "delegate account", account, why, {}, change)
    return delegation


def end_account_delegation(
    *, actor: Actor, now: datetime, delegation_id: str, reason: str
) -> AccountDelegation:
    """End a delegation before its time.

    Raises:
        NotFound: there is none, or its account is not the actor's.
        CannotAccount: it is over already.
    """
    actor.require(Right.HAND_OVER)
    why = stated(reason)
    with atomic():
        memberships.take_turns_moving()
        found = AccountDelegation.objects.select_for_update().filter(pk=delegation_id).first()
        if found is None:
            raise NotFound(noun="delegation", id=delegation_id)
        try:
            account = required(actor, now, found.account_id)
        except NotFound as error:
            raise NotFound(noun="delegation", id=delegation_id) from error
        if found.ends_at is not None and found.ends_at <= now:
            raise CannotAccount(_("This delegation is over already."))
        found.ends_at, found.end_reason, found.ended_by = now, why, actor.id
        found.save(update_fields=["ends_at", "end_reason", "ended_by"])
        before = {"manager": found.manager_id, "delegation": found.id}
        _record(actor, now, "end account delegation", account, why, before, {"manager": None})
    return found


def required(actor: Actor, now: datetime, account_id: str) -> Account:
    """Give an account to the director of its tree, or to somebody who assigns portfolios.

    Raises:
        NotFound: it is absent or not the actor's, which look the same.
    """
    trees = accounts.trees_at(now)
    if account_id not in trees.accounts:
        raise NotFound(noun="account", id=account_id)
    try:
        require_in_charge(actor, trees.root(account_id).portfolio_id or "", now)
    except NotFound as error:
        raise NotFound(noun="account", id=account_id) from error
    return trees.accounts[account_id]


def _require_room(trees: accounts.Trees, parent_id: str, *, levels: int) -> None:
    if len(trees.path(parent_id)) + levels > accounts.MOST_LEVELS:
        raise CannotAccount(
            _("A tree of accounts has at most %(MOST_LEVELS)s levels.")
            % {"MOST_LEVELS": accounts.MOST_LEVELS}
        )


def _place(actor: Actor, now: datetime, account: Account, parent_id: str, why: str) -> None:
    AccountPlace.objects.create(
        account=account,
        parent_id=parent_id,
        starts_at=now,
        reason=why,
        actor_id=actor.id,
        recorded_at=now,
    )


def _hand_to_director(
    actor: Actor, now: datetime, account: Account, customer_ids: list[str], why: str
) -> int:
    """Let the tree's portfolio hold them, so that one person answers for all of the tree."""
    target = accounts.trees_at(now).root(account.id).portfolio
    held = memberships.held(customer_ids)
    foreign = [key for key in customer_ids if held[key].portfolio_id != _id_of(target)]
    if not foreign:
        return 0
    done = moved(
        actor=actor,
        now=now,
        wanted=foreign,
        held=held,
        to_portfolio_id=_id_of(target),
        starts=now,
        why=why,
        right=Right.HAND_OVER,
    )
    return done.moved


def _id_of(portfolio: Portfolio | None) -> str:
    if portfolio is None:
        raise CannotAccount(_("The tree's account on top names no portfolio."))
    return portfolio.id


def _record(
    actor: Actor,
    now: datetime,
    action: str,
    account: Account,
    reason: str,
    before: Mapping[str, Any],
    change: Mapping[str, Any],
) -> None:
    audit.record(
        actor=actor,
        now=now,
        action=action,
        subject_kind="account",
        subject_id=account.id,
        right=Right.HAND_OVER,
        reason=reason,
        before=before,
        change=change,
    )
