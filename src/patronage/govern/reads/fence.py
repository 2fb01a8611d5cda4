"""Who is within the fence of each portfolio, and who came in or left, when and why?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from patronage.access.company import current
from patronage.access.errors import NotFound
from patronage.access.models import User
from patronage.access.roles import Actor, Right
from patronage.govern import fence
from patronage.govern.models import FenceChange, Standing
from patronage.govern.reads.portfolios import my_portfolios
from patronage.identify.in_sight import require_customer

#: changes that a list shows
MOST_CHANGES: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Fenced:
    """A customer within the fence."""

    customer_id: str
    label: str
    value_minor: int | None
    #: when they came in
    since: datetime
    #: value, or hand: a person said so
    cause: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """A portfolio's fence."""

    portfolio_id: str
    portfolio: str
    manager: str
    #: most customers inside; None: it has no fence
    capacity: int | None
    #: the most valuable first
    inside: tuple[Fenced, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceStep:
    """Somebody came within the fence or left it."""

    customer_id: str
    label: str
    portfolio: str
    inside: bool
    #: value, hand, release (value decides again) or no_fence (their portfolio has none)
    cause: str
    value_minor: int | None
    reason: str
    set_by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceMove:
    """How a fence grew or shrank at once."""

    portfolio: str
    at: datetime
    entered: int
    left: int


def fences(actor: Actor, now: datetime) -> list[Fence]:
    """Give the fence of each portfolio in scope that has one or holds somebody, in their order.

    Raises:
        NotAllowed: the actor may not see profitability.
    """
    actor.require(Right.SEE_PROFITABILITY)
    held = my_portfolios(actor, now)
    places = fence.capacities(current().company)
    found = Standing.objects.filter(fenced=True, portfolio_id__in=[each.id for each in held])
    rows = list(found.order_by("-value_minor", "customer_id"))
    newest = {
        each.customer_id: each
        for each in FenceChange.objects.filter(
            customer__in=[row.pk for row in rows], inside=True
        ).order_by("id")
    }
    inside: dict[str, list[Fenced]] = {}
    for row in rows:
        change = newest[row.pk]
        inside.setdefault(row.portfolio_id, []).append(
            Fenced(
                customer_id=row.pk,
                label=row.label,
                value_minor=row.value_minor,
                since=change.recorded_at,
                cause=change.cause,
                reason=change.reason,
            )
        )
    return [
        Fence(
            portfolio_id=each.id,
            portfolio=each.name,
            manager=each.manager,
            capacity=places.get(each.id),
            inside=tuple(inside.get(each.id, ())),
        )
        for each in held
        if each.id in places or each.id in inside
    ]


def fence_changes(actor: Actor, now: datetime, *, customer_id: str = "") -> list[FenceStep]:
    """Give who came in or left, the newest first, of customers in today's scope.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: there is no such customer in the actor's scope.
    """
    actor.require(Right.SEE_PROFITABILITY)
    held = [each.id for each in my_portfolios(actor, now)]
    known = FenceChange.objects.filter(
        customer__standing__portfolio_id__in=held, customer__erased_at__isnull=True
    )
    if customer_id:
        require_customer(actor, customer_id, now)
        known = known.filter(customer=customer_id)
    rows = list(known.select_related("customer", "portfolio").order_by("-id")[:MOST_CHANGES])
    names = dict(
        User.objects.filter(pk__in={each.actor_id for each in rows}).values_list("id", "name")
    )
    return [
        FenceStep(
            customer_id=each.customer_id,
            label=each.customer.label,
            portfolio=each.portfolio.name,
            inside=each.inside,
            cause=each.cause,
            value_minor=each.value_minor,
            reason=each.reason,
            set_by=names.get(each.actor_id, each.actor_id),
            at=each.recorded_at,
        )
        for each in rows
    ]


def moves_of(steps: list[FenceStep]) -> list[FenceMove]:
    """How many came in and left at a time: how the fence grows."""
    entered: Counter[tuple[datetime, str]] = Counter()
    left: Counter[tuple[datetime, str]] = Counter()
    for step in steps:
        if step.cause != "release":
            (entered if step.inside else left)[step.at, step.portfolio] += 1
    return [
        FenceMove(
            portfolio=portfolio,
            at=at,
            entered=entered[at, portfolio],
            left=left[at, portfolio],
        )
        for at, portfolio in sorted({*entered, *left}, reverse=True)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class FencePlace:
    """How one customer stands to the fence."""

    customer_id: str
    inside: bool
    #: a person said so
    by_hand: bool
    reason: str
    #: whether the portfolio has a fence
    has_fence: bool


def fence_place(actor: Actor, customer_id: str, now: datetime) -> FencePlace:
    """Give how a customer stands to the fence.

    Raises:
        NotFound: there is no such customer in the actor's scope.
    """
    actor.require(Right.SEE_PROFITABILITY)
    customer = require_customer(actor, customer_id, now)
    standing = Standing.objects.filter(customer=customer).first()
    if standing is None:
        raise NotFound(noun="customer", id=customer_id)
    newest = FenceChange.objects.filter(customer=customer).order_by("-id").first()
    return FencePlace(
        customer_id=customer_id,
        inside=standing.fenced,
        by_hand=newest is not None and newest.by_hand,
        reason=newest.reason if newest is not None else "",
        has_fence=standing.portfolio_id in fence.capacities(current().company),
    )
