"""How a customer is served: by value, or as a manager said."""

from __future__ import annotations

from datetime import date

from ninja import Schema, Status
from pydantic import Field

from patronage.access.requests import CallerRequest
from patronage.govern import actions
from patronage.govern.api.router import router
from patronage.govern.reads.service_tiers import ServiceTierInForce, service_tier_of


class NewServiceTier(Schema):
    """How the customer is served whatever their value, until a date or until it is ended."""

    tier: str = Field(max_length=20)
    reason: str = Field(max_length=400)
    #: last business date on which it holds
    until: date | None = None


class ServiceTierRevocation(Schema):
    """Why the value shall decide again."""

    reason: str = Field(max_length=400)


@router.get(
    "/customers/{customer_id}/service-tier",
    response=ServiceTierInForce,
    summary="Show how a customer is served, why, and what changed",
)
def service_tier(request: CallerRequest, customer_id: str) -> ServiceTierInForce:
    return service_tier_of(request.actor, customer_id, request.now)


@router.post(
    "/customers/{customer_id}/service-tier",
    response={201: ServiceTierInForce},
    summary="Serve a customer in another tier than their value gives",
)
def set_service_tier(
    request: CallerRequest, customer_id: str, new: NewServiceTier
) -> Status[ServiceTierInForce]:
    actions.override_service_tier(
        actor=request.actor,
        now=request.now,
        customer_id=customer_id,
        tier=new.tier,
        reason=new.reason,
        until=new.until,
    )
    return Status(201, service_tier_of(request.actor, customer_id, request.now))


@router.post(
    "/customers/{customer_id}/service-tier/revocation",
    response=ServiceTierInForce,
    summary="Let a customer's value decide again how they are served",
)
def revoke_service_tier(
    request: CallerRequest, customer_id: str, why: ServiceTierRevocation
) -> ServiceTierInForce:
    actions.end_service_override(
        actor=request.actor, now=request.now, customer_id=customer_id, reason=why.reason
    )
    return service_tier_of(request.actor, customer_id, request.now)
