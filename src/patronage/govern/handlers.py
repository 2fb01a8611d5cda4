"""What does govern answer when a lower room asks or tells? Entry of customers, and their scope."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from patronage.access.company import current
from patronage.access.ports import CustomersCreated, ObjectiveChanged, PersonLeaves
from patronage.access.roles import IN_CHARGE, Actor
from patronage.access.scope import Scope
from patronage.govern import accounts, memberships
from patronage.govern.errors import NotSetUp, StartsInFuture, StillInCharge
from patronage.govern.in_charge import covered_by, portfolios_of
from patronage.govern.models import Accountability, Membership, Portfolio, Standing
from patronage.identify import bulk


def enter_portfolio(event: CustomersCreated) -> None:
    """Put new customers into the company's entry portfolio from their first event on.

    Raises:
        NotSetUp: the entry portfolio does not exist.
        NoManagerYet: it has no manager at the first event of one of them.
        StartsInFuture: one of them enters later than now.
    """
    if not event.customers:
        return
    name = current().company.entry_portfolio
    portfolio = Portfolio.objects.filter(name=name).first()
    if portfolio is None:
        raise NotSetUp(name=name)
    ids, labels, entered = (list(column) for column in zip(*event.customers, strict=True))
    if max(entered) > event.now:
        raise StartsInFuture(starts_at=max(entered), now=event.now)
    memberships.require_manager(portfolio, min(entered))
    memberships.write(
        actor=event.actor,
        now=event.now,
        customer_ids=ids,
        portfolio_ids=portfolio.id,
        starts_at=entered,
        cause="entry",
        reason=f"First seen; {portfolio.name!r} is where customers enter",
    )
    blank = [""] * len(ids)
    bulk.insert(
        Standing,
        {
            "customer": ids,
            "portfolio": [portfolio.id] * len(ids),
            "label": labels,
            "tier": blank,
            "service_tier": blank,
            "need": blank,
            "objective": blank,
            "fenced": [False] * len(ids),
        },
    )


def show_objective(event: ObjectiveChanged) -> None:
    """Show in lists the objective that is in force from now on."""
    Standing.objects.filter(customer_id=event.customer_id).update(objective=event.objective)


def refuse_to_leave(event: PersonLeaves) -> None:
    """Let nobody go whose portfolios would be left without a manager.

    Raises:
        StillInCharge: the person answers for one now, or was appointed to.
    """
    if not event.roles & IN_CHARGE or event.kept & IN_CHARGE:
        return
    coming = Accountability.objects.filter(manager=event.user_id, starts_at__gt=event.now)
    theirs = portfolios_of(event.user_id, event.now) | set(
        coming.values_list("portfolio_id", flat=True)
    )
    if theirs:
        named = Portfolio.objects.filter(pk__in=theirs).order_by("position")
        raise StillInCharge(person=event.name, portfolios=named.values_list("name", flat=True))


def scope_of_manager(actor: Actor, now: datetime) -> Scope:
    """Give what the actor answers for at `now`, stands in for, or helps with."""
    return Scope(
        portfolio_ids=portfolios_of(actor.id, now) | covered_by(actor.id, now),
        account_ids=frozenset(accounts.delegated_to(actor.id, now)),
    )


def condition_of(scope: Scope) -> Q:
    """Give the condition on customers that a scope of portfolios and accounts means."""
    held = Q(standing__portfolio_id__in=scope.portfolio_ids)
    if not scope.account_ids:
        return held
    return held | Q(pk__in=accounts.members_of(scope.account_ids).values("customer"))


def memberships_of(until: datetime) -> list[tuple[str, str, datetime]]:
    """Give customer, portfolio and start of every membership that began before the instant."""
    begun = Membership.objects.filter(starts_at__lt=until).order_by()
    return list(begun.values_list("customer_id", "portfolio_id", "starts_at"))


def names_of(scope: Scope) -> list[tuple[str, str]]:
    """Give id and name of the portfolios that a scope holds, in their order."""
    found = Portfolio.objects.order_by("position", "name")
    if not scope.everything:
        found = found.filter(pk__in=scope.portfolio_ids)
    return list(found.values_list("id", "name"))
