"""In which tier is a customer served, why, since when, and what was it before?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from patronage.access.company import current
from patronage.access.models import User
from patronage.access.roles import Actor, Right
from patronage.govern import service_tiers
from patronage.govern.models import ServiceTierChange, ServiceTierOverride, Standing
from patronage.identify.in_sight import require_customer
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStep:
    """A change of how a customer is served."""

    tier: str
    starts_at: datetime
    #: exclusive; None for what the value gives and for what nobody ended
    ends_at: datetime | None
    #: value, capacity (the tier above was full) or person
    cause: str
    #: why, in the person's words; empty for what the value gives
    reason: str
    #: that it rests on, minor units; None for a person's word
    value_minor: int | None
    #: name of who said so; empty for what the value gives
    set_by: str

    @property
    def last_instant(self) -> datetime | None:
        """An instant of the last day; None: it has no end of its own."""
        return None if self.ends_at is None else self.ends_at - service_tiers.MOMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTierInForce:
    """How a customer is served; None and empty where the company declares no tiers."""

    customer_id: str
    tier: str | None
    title: str
    #: by value alone
    by_value: str | None
    #: a person said so
    is_override: bool
    reason: str
    set_by: str
    #: last date of the override; None: until it is ended
    until: date | None
    #: newest first
    history: tuple[ServiceStep, ...]


def service_tier_of(actor: Actor, customer_id: str, now: datetime) -> ServiceTierInForce:
    """Give how a customer is served today, and every change of it.

    Raises:
        NotAllowed: the actor may not see profitability: a tier tells of value.
        NotFound: there is no such customer in the actor's scope.
    """
    actor.require(Right.SEE_PROFITABILITY)
    customer = require_customer(actor, customer_id, now)
    company = current().company
    standing = Standing.objects.get(customer=customer)
    said = service_tiers.overrides_at(now).filter(customer=customer).first()
    tier = service_tiers.of_one(standing, now, company)
    names = service_tiers.names_of(company)
    by_value = standing.service_tier if standing.service_tier in names else None
    steps = _history(customer_id)
    return ServiceTierInForce(
        customer_id=customer_id,
        tier=tier,
        title=titles_of(company).get(tier or "", ""),
        by_value=by_value or (names[-1] if names else None),
        is_override=said is not None and tier is not None,
        reason=said.reason if said else "",
        set_by=_names([said.actor_id]).get(said.actor_id, said.actor_id) if said else "",
        until=_last_day(said, company),
        history=steps,
    )


def titles_of(company: Company) -> dict[str, str]:
    """Titles of the declared tiers by name, the most served first."""
    return {tier.name: tier.title for tier in company.service_tiers}


def _history(customer_id: str) -> tuple[ServiceStep, ...]:
    by_value = ServiceTierChange.objects.filter(customer=customer_id)
    said = list(ServiceTierOverride.objects.filter(customer=customer_id))
    names = _names([each.actor_id for each in said])
    steps = [
        ServiceStep(
            tier=each.tier,
            starts_at=each.starts_at,
            ends_at=None,
            cause=each.cause,
            reason="",
            value_minor=each.value_minor,
            set_by="",
        )
        for each in by_value
    ] + [
        ServiceStep(
            tier=each.tier,
            starts_at=each.starts_at,
            ends_at=each.ends_at,
            cause="person",
            reason=each.reason,
            value_minor=None,
            set_by=names.get(each.actor_id, each.actor_id),
        )
        for each in said
    ]
    return tuple(sorted(steps, key=lambda step: step.starts_at, reverse=True))


def _names(ids: list[str]) -> dict[str, str]:
    return dict(User.objects.filter(pk__in=ids).values_list("id", "name"))


def _last_day(said: ServiceTierOverride | None, company: Company) -> date | None:
    if said is None or said.ends_at is None:
        return None
    calendar = BusinessCalendar(company.time_zone)
    return calendar.date_of(said.ends_at - service_tiers.MOMENT)
