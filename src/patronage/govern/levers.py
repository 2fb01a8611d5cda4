"""What must be known to judge the pull of a lever: rights, what is used of them, what holds.

A room of its own because pulling, approving, and saying what a customer pays rest on the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Abs

from patronage.access.company import current
from patronage.access.roles import Actor
from patronage.govern.boundaries import BoundaryInForce, about, boundaries_at
from patronage.govern.capacities import taken_of
from patronage.govern.in_charge import covered_by, portfolios_of
from patronage.govern.limits import (
    BOUNDARY_PERS,
    CONCERNS,
    PRICING,
    SUMMED,
    Bound,
    Held,
    InForce,
    Per,
    Unit,
)
from patronage.govern.models import Boundary, Grant, LeverUse, Standing
from patronage.govern.models.levers import COUNTED
from patronage.identify.models import Customer
from patronage.vocabulary.periods import BusinessCalendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A customer at an instant, with what holds for them."""

    customer: Customer
    portfolio_id: str
    at: datetime
    #: the company's
    currency: str
    #: first instant of the company's quarter
    quarter_starts: datetime
    #: that are or may be about the customer
    boundaries: tuple[BoundaryInForce, ...]
    #: price levers that hold, oldest first
    in_force: tuple[InForce, ...]

    def bounds(self, lever: str | None = None) -> list[Bound]:
        """The boundaries, with what is used of those on sums; None: those on prices."""
        levers = PRICING if lever is None else (lever,)
        rows = [each.row for each in self.boundaries]
        return [
            Bound(
                id=row.id,
                name=row.name,
                kind=row.kind,
                category=row.category,
                product=row.product,
                limit=row.limit,
                unit=_unit(row.unit),
                per=_per(row.per),
                used=self._used_within(row),
            )
            for row in rows
            if set(levers) & set(CONCERNS[row.kind])
        ]

    def _used_within(self, row: Boundary) -> int:
        if row.kind == "capacity":
            return taken_of(row, self.at)
        if row.kind not in SUMMED or row.per == "use":
            return 0
        uses = self._counted().filter(lever__in=CONCERNS[row.kind])
        if row.category:
            uses = uses.filter(category=row.category)
        if row.product:
            uses = uses.filter(product=row.product)
        return _sum(uses.filter(customer=self.customer) if row.per == "customer_quarter" else uses)

    def held(self, grant: Grant, holder_id: str) -> Held:
        """A right, with what is used of it."""
        uses = self._counted().filter(Q(grant=grant) | Q(grant__part_of=grant))
        if grant.per == "customer_quarter":
            uses = uses.filter(customer=self.customer)
        elif grant.role:
            uses = uses.filter(made_by=holder_id)
        return Held(
            id=grant.id,
            limit=grant.limit,
            per=_per(grant.per),
            used=0 if grant.per == "use" else _sum(uses),
            part_of=None if grant.part_of is None else self.held(grant.part_of, holder_id),
        )

    def _counted(self) -> QuerySet[LeverUse]:
        return LeverUse.objects.filter(state__in=COUNTED, valid_from__gte=self.quarter_starts)


def situation_of(customer: Customer, at: datetime) -> Situation:
    """Load what holds for a customer at an instant."""
    standing = Standing.objects.select_related("portfolio").get(customer=customer)
    company = current().company
    calendar = BusinessCalendar(company.time_zone)
    return Situation(
        customer=customer,
        portfolio_id=standing.portfolio_id,
        at=at,
        currency=company.currency,
        quarter_starts=quarter_start(calendar, at),
        boundaries=tuple(about(boundaries_at(at), customer, standing, at, company)),
        in_force=tuple(_in_force(customer, at)),
    )


def quarter_start(calendar: BusinessCalendar, at: datetime) -> datetime:
    """The first instant of the company's quarter."""
    return calendar.start_of_day(calendar.quarter_of(calendar.date_of(at)).first_day)


def lasting(at: datetime) -> QuerySet[Grant]:
    """The rights that hold at an instant; a part holds no longer than what it is a part of."""
    open_end = Q(ends_at__isnull=True) | Q(ends_at__gt=at)
    whole = Q(part_of__isnull=True) | Q(part_of__ends_at__isnull=True) | Q(part_of__ends_at__gt=at)
    return Grant.objects.filter(open_end, whole, starts_at__lte=at).select_related("part_of")


def rights_of(actor: Actor, at: datetime) -> QuerySet[Grant]:
    """The rights that the actor holds: passed on, as a manager or their deputy, by role."""
    mine = portfolios_of(actor.id, at) | covered_by(actor.id, at)
    roles = [role.value for role in actor.roles]
    return lasting(at).filter(
        Q(person=actor.id) | Q(portfolio__in=mine, person__isnull=True) | Q(role__in=roles)
    )


def rights_to(actor: Actor, lever: str, situation: Situation) -> list[Held]:
    """The actor's rights to a lever for a customer: passed on first, the role's last."""
    grants = (
        rights_of(actor, situation.at)
        .filter(Q(portfolio=situation.portfolio_id) | ~Q(role=""), lever=lever)
        .order_by(F("person").asc(nulls_last=True), "role", "starts_at", "id")
    )
    return [situation.held(grant, actor.id) for grant in grants]


def managers_rights_to(lever: str, situation: Situation) -> list[Held]:
    """What the manager of the customer's portfolio may do with a lever."""
    grants = lasting(situation.at).filter(
        lever=lever, portfolio=situation.portfolio_id, person__isnull=True
    )
    return [situation.held(grant, "") for grant in grants.order_by("starts_at", "id")]


def _in_force(customer: Customer, at: datetime) -> Iterable[InForce]:
    uses = LeverUse.objects.filter(
        Q(valid_until__isnull=True) | Q(valid_until__gt=at),
        customer=customer,
        lever__in=PRICING,
        state__in=COUNTED,
        valid_from__lte=at,
    )
    for each in uses.order_by("valid_from", "id"):
        yield InForce(
            id=each.id,
            lever=each.lever,
            amount=each.amount,
            category=each.category,
            product=each.product,
        )


def _sum(uses: QuerySet[LeverUse]) -> int:
    return uses.aggregate(total=Sum(Abs("amount")))["total"] or 0


def _unit(text: str) -> Unit | None:
    units: dict[str, Unit] = {each: each for each in ("basis points", "minor units", "times")}
    return units.get(text)


def _per(text: str) -> Per:
    pers: dict[str, Per] = {each: each for each in BOUNDARY_PERS}
    return pers[text]
