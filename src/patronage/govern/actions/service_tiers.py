"""A manager says how a customer is served, whatever their value: for a time, with a reason."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.company import current, instants_of
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.govern import memberships, service_tiers
from patronage.govern.actions.conditions import stated
from patronage.govern.errors import CannotServe
from patronage.govern.models import ServiceTierOverride, Standing
from patronage.identify.in_sight import require_customer
from patronage.vocabulary.company import Company


def override_service_tier(
    *,
    actor: Actor,
    now: datetime,
    customer_id: str,
    tier: str,
    reason: str,
    until: date | None = None,
) -> ServiceTierOverride:
    """Serve a customer in this tier from now on, until a business date or until it is ended.

    An override that stands is superseded. When its last day is over, the tier that the value gives
    holds again without anybody doing anything.

    Args:
        until: the last date on which it holds; None: until somebody ends it.

    Raises:
        NotFound: there is no such customer in the actor's scope.
        NoReason: no reason is given.
        CannotServe: the tier is not declared, is full, or the day is over.
    """
    actor.require(Right.SET_SERVICE)
    why, company = stated(reason), current().company
    ends_at = instants_of(None, until)[1]
    with atomic():
        memberships.take_turns_moving()
        customer = require_customer(actor, customer_id, now)
        if tier not in service_tiers.names_of(company):
            raise CannotServe(_not_declared(tier, company))
        if ends_at is not None and ends_at <= now:
            raise CannotServe(
                _("%(until)s is over already. Give today or a later last day.") % {"until": until}
            )
        standing = Standing.objects.get(customer=customer)
        before = _told(standing, now, company)
        stood = _end(actor, now, customer_id, "superseded")
        _require_place(tier, standing, now, company)
        override = ServiceTierOverride.objects.create(
            customer=customer,
            tier=tier,
            starts_at=now if stood is None else max(now, stood.starts_at + service_tiers.MOMENT),
            planned_until=ends_at,
            ends_at=ends_at,
            reason=why,
            actor_id=actor.id,
            recorded_at=now,
        )
        until_said = None if until is None else until.isoformat()
        _record(actor, now, customer_id, why, before, {"service_tier": tier, "until": until_said})
    return override


def end_service_override(*, actor: Actor, now: datetime, customer_id: str, reason: str) -> None:
    """Let the customer's value decide again how they are served.

    Raises:
        NotFound: there is no such customer in the actor's scope.
        NoReason: no reason is given.
        CannotServe: nobody said anything that stands.
    """
    actor.require(Right.SET_SERVICE)
    why, company = stated(reason), current().company
    with atomic():
        memberships.take_turns_moving()
        require_customer(actor, customer_id, now)
        standing = Standing.objects.get(customer=customer_id)
        before = _told(standing, now, company)
        if _end(actor, now, customer_id, why) is None:
            raise CannotServe(
                _(
                    "The customer's value decides already how they are served: nobody set a tier "
                    "that holds now."
                )
            )
        _record(actor, now, customer_id, why, before, _told(standing, now, company))


def _end(actor: Actor, now: datetime, customer_id: str, why: str) -> ServiceTierOverride | None:
    stands = service_tiers.overrides_at(now).select_for_update().filter(customer=customer_id)
    stood = stands.first()
    if stood is not None:
        stood.ends_at, stood.end_reason, stood.ended_by = now, why, actor.id
        stood.save(update_fields=["ends_at", "end_reason", "ended_by"])
    return stood


def _require_place(tier: str, standing: Standing, now: datetime, company: Company) -> None:
    """Refuse what a tier's declared capacity does not hold: who is there by value counts too."""
    declared = next(each for each in company.service_tiers if each.name == tier)
    if declared.capacity is None or standing.service_tier == tier:
        return
    by_value = Standing.objects.filter(service_tier=tier, customer__erased_at__isnull=True)
    said = (
        service_tiers.overrides_at(now)
        .filter(tier=tier)
        .exclude(customer__standing__service_tier=tier)
    )
    held = by_value.count() + said.count()
    if held >= declared.capacity:
        raise CannotServe(
            _(
                "All %(capacity)s places of %(title)r are taken. Serve somebody else in "
                "another tier first, or raise its capacity in company.toml."
            )
            % {"capacity": declared.capacity, "title": declared.title}
        )


def _told(standing: Standing, at: datetime, company: Company) -> dict[str, Any]:
    return {"service_tier": service_tiers.of_one(standing, at, company)}


def _not_declared(tier: str, company: Company) -> str:
    known = ", ".join(service_tiers.names_of(company))
    if not known:
        return _(
            "The company declares no service tiers. Declare service_tiers in company.toml first."
        )
    return _("The company declares no service tier %(tier).40r. Use one of %(known)s.") % {
        "tier": tier,
        "known": known,
    }


def _record(
    actor: Actor,
    now: datetime,
    customer_id: str,
    reason: str,
    before: dict[str, Any],
    change: dict[str, Any],
) -> None:
    audit.record(
        actor=actor,
        now=now,
        action="set service tier",
        subject_kind="customer",
        subject_id=customer_id,
        right=Right.SET_SERVICE,
        reason=reason,
        before=before,
        change=change,
    )
