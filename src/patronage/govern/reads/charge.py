"""Who is or was in charge of a customer, at any instant, and who of everybody?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from patronage.access.roles import Actor, Right
from patronage.govern import memberships
from patronage.govern.errors import NotYetACustomer
from patronage.govern.models import Accountability, Membership
from patronage.identify.in_sight import require_customer
from patronage.vocabulary.periods import as_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class InCharge:
    """The one person who answers for a customer at an instant."""

    customer_id: str
    customer: str
    portfolio_id: str
    portfolio: str
    manager_id: str
    manager: str
    #: when this customer and this manager came together
    since: datetime
    #: why they did
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipRow:
    """A stretch of time that a customer spends in a portfolio."""

    portfolio_id: str
    portfolio: str
    starts_at: datetime
    #: start of the next one; None while this one lasts
    ends_at: datetime | None
    #: entry, policy or hand_over
    cause: str
    reason: str
    #: who moved them: a person's id, or "system"
    actor_id: str
    recorded_at: datetime


def manager_of(actor: Actor, customer_id: str, at: datetime, *, now: datetime) -> InCharge:
    """Name the person in charge of a customer at an instant, past or present.

    Args:
        at: the instant asked about; for the end of a business date, the last instant inside it.
        now: the instant of asking: the actor sees today's customers, whatever `at` is.

    Raises:
        NotFound: there is no such customer in the actor's scope.
        NotYetACustomer: it is in scope, but was no customer yet at `at`.
    """
    actor.require(Right.SEE_CUSTOMERS)
    customer = require_customer(actor, customer_id, now)
    at = as_utc(at)
    membership = (
        Membership.objects.filter(customer=customer, starts_at__lte=at)
        .select_related("portfolio")
        .order_by("-starts_at")
        .first()
    )
    if membership is None:
        raise NotYetACustomer(
            id=customer.id, label=customer.label, at=at, entered_at=customer.entered_at
        )
    accountable = (
        Accountability.objects.filter(portfolio=membership.portfolio, starts_at__lte=at)
        .select_related("manager")
        .latest("starts_at")
    )
    manager_came_later = accountable.starts_at > membership.starts_at
    newer: Accountability | Membership = accountable if manager_came_later else membership
    return InCharge(
        customer_id=customer.id,
        customer=customer.label,
        portfolio_id=membership.portfolio.id,
        portfolio=membership.portfolio.name,
        manager_id=accountable.manager.id,
        manager=accountable.manager.name,
        since=newer.starts_at,
        reason=newer.reason,
    )


def history_of(actor: Actor, customer_id: str, now: datetime) -> list[MembershipRow]:
    """Give every portfolio a customer was in, oldest first, without gap or overlap.

    Raises:
        NotFound: there is no such customer in the actor's scope.
    """
    actor.require(Right.SEE_CUSTOMERS)
    customer = require_customer(actor, customer_id, now)
    rows = list(
        Membership.objects.filter(customer=customer)
        .select_related("portfolio")
        .order_by("starts_at")
    )
    ends: list[datetime | None] = [row.starts_at for row in rows[1:]]
    return [
        MembershipRow(
            portfolio_id=row.portfolio.id,
            portfolio=row.portfolio.name,
            starts_at=row.starts_at,
            ends_at=ends_at,
            cause=row.cause,
            reason=row.reason,
            actor_id=row.actor_id,
            recorded_at=row.recorded_at,
        )
        for row, ends_at in zip(rows, [*ends, None], strict=True)
    ]


def memberships_at(instant: datetime) -> pl.DataFrame:
    """Give everybody's portfolio just before an instant, for jobs.

    For figures as of a date, `instant` is the end of that date: a policy assignment as of the
    same date, which starts at that very instant, belongs to the next period.

    Returns:
        `customer_id` and `portfolio_id`, sorted by customer.
    """
    return memberships.newest(before=instant).select("customer_id", "portfolio_id")


def memberships_between(start: datetime, end: datetime) -> pl.DataFrame:
    """Give every membership that began in [start, end), for jobs.

    Returns:
        `customer_id`, `portfolio_id` and `starts_at`, sorted by customer and time.
    """
    began = Membership.objects.filter(starts_at__gte=as_utc(start), starts_at__lt=as_utc(end))
    rows = began.values_list("customer_id", "portfolio_id", "starts_at")
    return pl.DataFrame(
        list(rows),
        schema={
            "customer_id": pl.String,
            "portfolio_id": pl.String,
            "starts_at": pl.Datetime("us", "UTC"),
        },
        orient="row",
    ).sort("customer_id", "starts_at")


def managers_at(instant: datetime) -> pl.DataFrame:
    """Give each portfolio's manager just before an instant, for jobs.

    Returns:
        `portfolio_id`, `portfolio`, `manager_id`, `manager` and `since`, in the declared order.
    """
    started = Accountability.objects.filter(starts_at__lt=as_utc(instant)).order_by("starts_at")
    newest = {row.portfolio_id: row for row in started.select_related("portfolio", "manager")}
    ordered = sorted(newest.values(), key=lambda row: (row.portfolio.position, row.portfolio.name))
    rows = [
        (row.portfolio.id, row.portfolio.name, row.manager.id, row.manager.name, row.starts_at)
        for row in ordered
    ]
    return pl.DataFrame(
        rows,
        schema={
            "portfolio_id": pl.String,
            "portfolio": pl.String,
            "manager_id": pl.String,
            "manager": pl.String,
            "since": pl.Datetime("us", "UTC"),
        },
        orient="row",
    )
