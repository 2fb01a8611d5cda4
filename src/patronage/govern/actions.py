"""What may be done about who is in charge: set up portfolios, appoint, hand over."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from patronage.access import audit
from patronage.access.actor import open_roles
from patronage.access.errors import NotFound
from patronage.access.models import User
from patronage.access.roles import SYSTEM_ID, Actor, Right, Role
from patronage.access.scope import customer_scope
from patronage.access.transactions import atomic, take_turns
from patronage.govern import memberships
from patronage.govern.errors import (
    CannotAppoint,
    DatedBeforeNewest,
    NoReason,
    NothingToHandOver,
    StartsInFuture,
)
from patronage.govern.models import Accountability, Portfolio
from patronage.vocabulary.company import Company, PortfolioRule
from patronage.vocabulary.periods import as_utc

LONGEST_REASON: Final = 400


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


def set_up_portfolios(
    *, actor: Actor, now: datetime, company: Company, starts_at: datetime
) -> list[Portfolio]:
    """Create the declared portfolios with their first managers; what is there stays in charge.

    Run again it follows changed descriptions, default rulings and order. With an earlier
    `starts_at` the first managers answer from then on, so that older history can be imported.

    Raises:
        CannotAppoint: a declared manager is nobody who may manage a portfolio.
        StartsInFuture: portfolios would have no manager now.
    """
    actor.require(Right.ASSIGN)
    starts = _not_in_future(starts_at, now)
    with atomic():
        take_turns("accountability")
        there = {each.name: each for each in Portfolio.objects.select_for_update()}
        done: dict[str, str] = {}
        portfolios = []
        for position, rule in enumerate(company.portfolios):
            portfolio = there.get(rule.name)
            if portfolio is None:
                portfolio = _create(actor, now, rule, position, starts)
                done[rule.name] = "created"
            elif _follow(portfolio, rule, position) | _begin_earlier(actor, now, portfolio, starts):
                done[rule.name] = "changed"
            portfolios.append(portfolio)
        if done:
            audit.record(
                actor=actor,
                now=now,
                action="set up portfolios",
                subject_kind="portfolio",
                subject_id=f"{len(done)} portfolios",
                change={"portfolios": done, "starts_at": starts.isoformat()},
            )
    return portfolios


def appoint(
    *,
    actor: Actor,
    now: datetime,
    portfolio_id: str,
    manager_id: str,
    starts_at: datetime,
    reason: str,
) -> Accountability:
    """Make a person answer for a portfolio from an instant on, in place of whoever did.

    Nobody is ever removed: a portfolio's manager ends where the next one starts.

    Raises:
        NotFound: there is no such portfolio.
        CannotAppoint: the person is absent, has left, is no manager, or is in charge already.
        DatedBeforeNewest: the newest appointment starts then or later.
    """
    actor.require(Right.ASSIGN)
    why, starts = _stated(reason), as_utc(starts_at)
    with atomic():
        take_turns("accountability")
        portfolio = Portfolio.objects.select_for_update().filter(pk=portfolio_id).first()
        if portfolio is None:
            raise NotFound(noun="portfolio", id=portfolio_id)
        manager = _may_manage(User.objects.filter(pk=manager_id), manager_id, now)
        newest = Accountability.objects.filter(portfolio=portfolio).latest("starts_at")
        if newest.starts_at >= starts:
            raise DatedBeforeNewest(name=portfolio.name, starts_at=starts, newest=newest.starts_at)
        if newest.manager_id == manager.id:
            raise CannotAppoint(f"{manager.name} is in charge of {portfolio.name!r} already.")
        appointed = Accountability.objects.create(
            portfolio=portfolio,
            manager=manager,
            starts_at=starts,
            reason=why,
            actor_id=actor.id,
            recorded_at=now,
        )
        audit.record(
            actor=actor,
            now=now,
            action="appoint manager",
            subject_kind="portfolio",
            subject_id=portfolio.id,
            reason=why,
            change={
                "from": newest.manager_id,
                "to": manager.id,
                "starts_at": starts.isoformat(),
            },
        )
    return appointed


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

    Raises:
        NotFound: a customer or the portfolio is absent, or not the actor's to hand over.
        NoReason: no reason is given.
        NothingToHandOver: no customer is named, or all are there already.
        StartsInFuture, DatedBeforeNewest, NoManagerYet: the date does not work.
    """
    actor.require(Right.HAND_OVER)
    why = _stated(reason)
    starts = _not_in_future(starts_at or now, now)
    wanted = list(dict.fromkeys(customer_ids))
    if not wanted:
        raise NothingToHandOver("Name at least one customer to hand over.")
    with atomic():
        memberships.take_turns_moving()
        held = memberships.held(wanted)
        _require_own(actor, now, wanted, held)
        target = Portfolio.objects.filter(pk=to_portfolio_id).first()
        if target is None:
            raise NotFound(noun="portfolio", id=to_portfolio_id)
        moving = {key: held[key] for key in wanted if held[key].portfolio_id != target.id}
        if not moving:
            raise NothingToHandOver(
                f"{held[wanted[0]].label} is in {target.name!r} already. Choose another portfolio."
            )
        _require_newer(moving.values(), starts)
        memberships.require_manager(target, starts)
        memberships.write(
            actor=actor,
            now=now,
            customer_ids=list(moving),
            portfolio_ids=[target.id] * len(moving),
            starts_at=[starts] * len(moving),
            cause="hand_over",
            reason=why,
        )
        memberships.move_standing(list(moving), target.id)
        done = _summary(moving, target, starts, already_there=len(wanted) - len(moving))
        _record(actor, now, list(moving), done, why)
    return done


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


def _record(actor: Actor, now: datetime, ids: list[str], done: HandOver, reason: str) -> None:
    change: dict[str, Any] = {
        "customers": done.moved,
        "from": dict(done.moved_from),
        "to": done.to_portfolio_id,
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
        reason=reason,
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
    own = frozenset[str]() if anybody else customer_scope.ask(actor, now).portfolio_ids
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


def _create(
    actor: Actor, now: datetime, rule: PortfolioRule, position: int, starts: datetime
) -> Portfolio:
    people = User.objects.filter(email=rule.manager.strip().lower())
    manager = _may_manage(people, rule.manager, now)
    portfolio = Portfolio.objects.create(
        name=rule.name,
        description=rule.description,
        default_ruling=rule.default_ruling,
        position=position,
        created_at=now,
    )
    _first_manager(actor, now, portfolio, manager, starts)
    return portfolio


def _first_manager(
    actor: Actor, now: datetime, portfolio: Portfolio, manager: User, starts: datetime
) -> None:
    Accountability.objects.create(
        portfolio=portfolio,
        manager=manager,
        starts_at=starts,
        reason="First manager, declared in company.toml",
        actor_id=actor.id,
        recorded_at=now,
    )


def _follow(portfolio: Portfolio, rule: PortfolioRule, position: int) -> bool:
    """Take over what the company declares now; say whether anything changed."""
    declared = (rule.description, rule.default_ruling, position)
    if (portfolio.description, portfolio.default_ruling, portfolio.position) == declared:
        return False
    portfolio.description, portfolio.default_ruling, portfolio.position = declared
    portfolio.save(update_fields=["description", "default_ruling", "position"])
    return True


def _begin_earlier(actor: Actor, now: datetime, portfolio: Portfolio, starts: datetime) -> bool:
    """Let the first manager answer from an earlier instant on; say whether that was needed."""
    first = Accountability.objects.filter(portfolio=portfolio).earliest("starts_at")
    if first.starts_at <= starts:
        return False
    _first_manager(actor, now, portfolio, first.manager, starts)
    return True


def _may_manage(people: Any, named: str, now: datetime) -> User:
    manager: User | None = people.select_for_update().first()
    if manager is None:
        raise CannotAppoint(
            f"There is nobody {named!r} to manage a portfolio. Add the person first, "
            f"with the role {Role.MANAGER.value}."
        )
    if not manager.is_active:
        raise CannotAppoint(
            f"{manager.name} no longer works here and cannot manage a portfolio. Name another."
        )
    if Role.MANAGER not in open_roles(manager, now):
        raise CannotAppoint(
            f"{manager.name} does not hold the role {Role.MANAGER.value}. Grant it first."
        )
    return manager


def _stated(reason: str) -> str:
    why = " ".join(reason.split())
    if not why.isprintable():
        raise NoReason(length=0, longest=LONGEST_REASON)
    if not 1 <= len(why) <= LONGEST_REASON:
        raise NoReason(length=len(why), longest=LONGEST_REASON)
    return why


def _not_in_future(starts_at: datetime, now: datetime) -> datetime:
    starts = as_utc(starts_at)
    if starts > now:
        raise StartsInFuture(starts_at=starts, now=now)
    return starts
