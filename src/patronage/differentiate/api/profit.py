"""What each division of the company earned: with one customer, and with all of them."""

from __future__ import annotations

from patronage.access.requests import CallerRequest
from patronage.differentiate.api.router import router
from patronage.differentiate.reads.divisions import (
    CustomerDivisions,
    LeadingDivision,
    customer_divisions,
    leading_divisions,
)


@router.get(
    "/customers/{customer_id}/divisions",
    response=CustomerDivisions,
    summary="Show what each division earned with a customer, and which one leads",
)
def divisions_of_customer(request: CallerRequest, customer_id: str) -> CustomerDivisions:
    return customer_divisions(request.actor, customer_id, request.now)


@router.get(
    "/value/divisions",
    response=list[LeadingDivision],
    summary="What each division earns and for how many customers it leads",
)
def divisions(request: CallerRequest) -> tuple[LeadingDivision, ...]:
    return leading_divisions(request.actor, request.now)
