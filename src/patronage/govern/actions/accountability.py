"""Who answers for which portfolio: set portfolios up with their first manager, appoint the next."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.actor import open_roles
from patronage.access.errors import NotFound
from patronage.access.models import User
from patronage.access.roles import IN_CHARGE, Actor, Right, Role
from patronage.access.transactions import atomic, take_turns
from patronage.govern.actions.conditions import not_in_future, stated
from patronage.govern.errors import CannotAppoint, DatedBeforeNewest
from patronage.govern.models import Accountability, Portfolio
from patronage.vocabulary.company import Company, PortfolioRule
from patronage.vocabulary.periods import as_utc


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
    starts = not_in_future(starts_at, now)
    with atomic():
        take_turns("accountability")
        there = {each.name: each for each in Portfolio.objects.select_for_update()}
        done: dict[str, str] = {}
        before: dict[str, dict[str, Any]] = {}
        portfolios = []
        for position, rule in enumerate(company.portfolios):
            portfolio = there.get(rule.name)
            if portfolio is not None:
                stood = _declared(portfolio)
            if portfolio is None:
                portfolio = _create(actor, now, rule, position, starts)
                done[rule.name] = "created"
            elif _follow(portfolio, rule, position) | _begin_earlier(actor, now, portfolio, starts):
                done[rule.name], before[rule.name] = "changed", stood
            portfolios.append(portfolio)
        if done:
            audit.record(
                actor=actor,
                now=now,
                action="set up portfolios",
                subject_kind="portfolio",
                subject_id=f"{len(done)} portfolios",
                right=Right.ASSIGN,
                before={"portfolios": before} if before else {},
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
    why, starts = stated(reason), as_utc(starts_at)
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
            raise CannotAppoint(
                _("%(name)s is in charge of %(name_2)r already.")
                % {"name": manager.name, "name_2": portfolio.name}
            )
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
            right=Right.ASSIGN,
            reason=why,
            before={"manager": newest.manager_id, "starts_at": newest.starts_at.isoformat()},
            change={"manager": manager.id, "starts_at": starts.isoformat()},
        )
    return appointed


def _create(
    actor: Actor, now: datetime, rule: PortfolioRule, position: int, starts: datetime
) -> Portfolio:
    people = User.objects.filter(email=rule.manager.strip().lower())
    manager = _may_manage(people, rule.manager, now)
    portfolio = Portfolio.objects.create(
        name=rule.name,
        description=rule.description,
        default_ruling=rule.default_ruling,
        gate_days=rule.gate_days,
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
    declared = {
        "description": rule.description,
        "default_ruling": rule.default_ruling,
        "gate_days": rule.gate_days,
        "position": position,
    }
    if all(getattr(portfolio, name) == value for name, value in declared.items()):
        return False
    for name, value in declared.items():
        setattr(portfolio, name, value)
    portfolio.save(update_fields=list(declared))
    return True


def _declared(portfolio: Portfolio) -> dict[str, Any]:
    """What of a portfolio follows the declaration, for the audit log."""
    first = Accountability.objects.filter(portfolio=portfolio).earliest("starts_at")
    return {
        "description": portfolio.description,
        "default_ruling": portfolio.default_ruling,
        "position": portfolio.position,
        "starts_at": first.starts_at.isoformat(),
    }


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
            _(
                "There is nobody %(named)r to manage a portfolio. Add the person first, with "
                "the role %(value)s."
            )
            % {"named": named, "value": Role.MANAGER.value}
        )
    if not manager.is_active:
        raise CannotAppoint(
            _("%(name)s no longer works here and cannot manage a portfolio. Name another.")
            % {"name": manager.name}
        )
    if not open_roles(manager, now) & IN_CHARGE:
        raise CannotAppoint(
            _("%(name)s does not hold the role %(value)s. Grant it first.")
            % {"name": manager.name, "value": Role.MANAGER.value}
        )
    return manager
