"""Customers change hands by a person's word: set-based, with a reason, all of them or none."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.errors import NotFound
from patronage.access.roles import SYSTEM_ID, Actor, Right, Role
from patronage.access.transactions import atomic
from patronage.govern import accounts, memberships
from patronage.govern.actions.conditions import not_in_future, stated
from patronage.govern.errors import CannotAccount, DatedBeforeNewest, NothingToHandOver
from patronage.govern.in_charge import portfolios_of
from patronage.govern.models import AccountMember, Portfolio


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """What a hand-over did."""

    #: customers who changed portfolio
    moved: int
    #: named, but there already
    already_there: int
    #: value that moved with those whose value is known, minor units
    value_minor: int
    #: how many came from each portfolio, by its id
    moved_from: Mapping[str, int]
    to_portfolio_id: str
    to_portfolio: str
    starts_at: datetime


def hand_over(
    *,
    actor: Actor,
    now: datetime,
    customer_ids: Sequence[str],
    to_portfolio_id: str,
    reason: str,
    starts_at: datetime | None = None,
) -> HandOver:
    """Move customers to another portfolio, all of them or none.

    A manager hands over customers of portfolios they are in charge of; an executive anybody's.
    Who stands in for a manager hands over nobody: that changes who answers for a customer.

    Raises:
        NotFound: a customer or the portfolio is absent, or not the actor's to hand over.
        NoReason: no reason is given.
        NothingToHandOver: no customer is named, or all are there already.
        StartsInFuture, DatedBeforeNewest, NoManagerYet: the date does not work.
    """
    actor.require(Right.HAND_OVER)
    why = stated(reason)
    starts = not_in_future(starts_at or now, now)
    wanted = list(dict.fromkeys(customer_ids))
    if not wanted:
        raise NothingToHandOver(_("Name at least one customer to hand over."))
    with atomic():
        memberships.take_turns_moving()
        held = memberships.held(wanted)
        _require_own(actor, now, wanted, held)
        return moved(
            actor=actor,
            now=now,
            wanted=wanted,
            held=held,
            to_portfolio_id=to_portfolio_id,
            starts=starts,
            why=why,
            right=Right.HAND_OVER,
        )


def moved(
    *,
    actor: Actor,
    now: datetime,
    wanted: Sequence[str],
    held: Mapping[str, memberships.Held],
    to_portfolio_id: str,
    starts: datetime,
    why: str,
    right: Right,
) -> HandOver:
    """Move customers whom the caller may move, in the caller's transaction and turn.

    Raises:
        NotFound: there is no such portfolio.
        NothingToHandOver, DatedBeforeNewest, NoManagerYet: it cannot be done.
    """
    target = Portfolio.objects.filter(pk=to_portfolio_id).first()
    if target is None:
        raise NotFound(noun="portfolio", id=to_portfolio_id)
    moving = {key: held[key] for key in wanted if held[key].portfolio_id != target.id}
    if not moving:
        raise NothingToHandOver(
            _("%(label)s is in %(name)r already. Choose another portfolio.")
            % {"label": held[wanted[0]].label, "name": target.name}
        )
    _require_whole_trees(moving, target, now)
    _require_newer(moving.values(), starts)
    memberships.require_manager(target, starts)
    memberships.write(
        actor=actor,
        now=now,
        customer_ids=list(moving),
        portfolio_ids=target.id,
        starts_at=starts,
        cause="hand_over",
        reason=why,
    )
    memberships.move_standing(list(moving), target.id)
    done = _summary(moving, target, starts, already_there=len(wanted) - len(moving))
    _record(actor, now, list(moving), done, why, right)
    return done


def _require_whole_trees(
    moving: Mapping[str, memberships.Held], target: Portfolio, now: datetime
) -> None:
    """Refuse to take a customer out of the portfolio that holds the whole of their account's tree.

    Raises:
        CannotAccount: one of them belongs to such an account.
    """
    members = AccountMember.objects.filter(ends_at__isnull=True, customer__in=list(moving))
    rows = list(members.values_list("customer_id", "account_id"))
    if not rows:
        return
    trees = accounts.trees_at(now)
    for customer_id, account_id in rows:
        root = trees.root(account_id)
        if root.portfolio_id != target.id:
            raise CannotAccount(
                _(
                    "%(label)s belongs to the account %(name)r, whose director answers for the "
                    "whole of it. Let the customer leave the account first, or delegate the "
                    "account to somebody who helps."
                )
                % {"label": moving[customer_id].label, "name": root.name}
            )


def _summary(
    moving: Mapping[str, memberships.Held],
    target: Portfolio,
    starts_at: datetime,
    *,
    already_there: int,
) -> HandOver:
    return HandOver(
        moved=len(moving),
        already_there=already_there,
        value_minor=sum(each.value_minor or 0 for each in moving.values()),
        moved_from=dict(Counter(each.portfolio_id for each in moving.values())),
        to_portfolio_id=target.id,
        to_portfolio=target.name,
        starts_at=starts_at,
    )


def _record(
    actor: Actor, now: datetime, ids: list[str], done: HandOver, reason: str, right: Right
) -> None:
    change: dict[str, Any] = {
        "customers": done.moved,
        "portfolio": done.to_portfolio_id,
        "starts_at": done.starts_at.isoformat(),
    }
    single = len(ids) == 1
    if not single:
        change["digest"] = digest_of(ids)
    audit.record(
        actor=actor,
        now=now,
        action="hand over customers",
        subject_kind="customer" if single else "portfolio",
        subject_id=ids[0] if single else done.to_portfolio_id,
        right=right,
        reason=reason,
        before={"portfolio": next(iter(done.moved_from)) if single else dict(done.moved_from)},
        change=change,
    )


def digest_of(lines: Iterable[str]) -> str:
    """Give the SHA-256 that names a set of lines in one audit row, whatever their order."""
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _require_own(
    actor: Actor, now: datetime, wanted: list[str], held: Mapping[str, memberships.Held]
) -> None:
    """Refuse what is not the actor's to hand over; foreign looks the same as absent."""
    anybody = actor.id == SYSTEM_ID or Role.EXECUTIVE in actor.roles
    own = frozenset[str]() if anybody else portfolios_of(actor.id, now)
    for customer_id in wanted:
        found = held.get(customer_id)
        if found is None or not (anybody or found.portfolio_id in own):
            raise NotFound(noun="customer", id=customer_id)


def _require_newer(moving: Iterable[memberships.Held], starts: datetime) -> None:
    late = [each for each in moving if each.since >= starts]
    if late:
        raise DatedBeforeNewest(
            name=late[0].label, starts_at=starts, newest=late[0].since, more=len(late) - 1
        )
