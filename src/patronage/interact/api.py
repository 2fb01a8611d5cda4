"""Contacts, deliveries and conversations as REST resources."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from ninja import Query, Router, Schema, Status
from pydantic import AwareDatetime, Field

from patronage.access.requests import CallerRequest
from patronage.customize.models import Contact
from patronage.interact import actions, jobs, reads

router = Router(tags=["interact"])


class NewInteraction(Schema):
    """What a customer said; `note` is kept encrypted."""

    need: str = Field(min_length=1, max_length=40)
    channel: str = Field(min_length=1, max_length=20)
    note: str = Field("", max_length=4000)


class InteractionOut(Schema):
    """A conversation on record."""

    id: str
    customer_id: str
    channel: str
    at: datetime
    agent_name: str
    need_id: str | None


class ContactOut(Schema):
    """A contact: what, to whom, in which channel, and how far it is."""

    id: str
    decision_id: str
    customer_id: str
    customer: str
    treatment_id: str
    offer: str
    channel: str
    state: str
    state_at: datetime
    state_reason: str
    due_at: datetime
    terms: dict[str, Any]


class ContactsOut(Schema):
    """Some contacts; pass `next` as `after` for the ones that follow."""

    contacts: list[ContactOut]
    next: str | None


class ContactQuestion(Schema):
    """Which contacts to give."""

    state: Literal["", "queued", "sending", "sent", "cancelled"] = ""
    channel: str = Field("", max_length=20)
    customer_id: str = Field("", max_length=40)
    after: str = Field("", max_length=40)
    limit: int = Field(50, ge=1, le=1000)


class NewDelivery(Schema):
    """A hand-over of what is due; `at` replays a past instant."""

    at: AwareDatetime | None = None


class DeliveryOut(Schema):
    """What became of the contacts that were due; `cancelled` is by reason."""

    sent: int
    cancelled: dict[str, int]
    postponed: int
    in_doubt: int


class InDoubtOut(Schema):
    """A contact of which nobody said how it ended."""

    contact_id: str
    channel: str
    due_at: datetime
    since: datetime


class Settlement(Schema):
    """What a person found out about a contact in doubt, and how."""

    went_out: bool
    reason: str = Field(min_length=1, max_length=300)


@router.post(
    "/customers/{customer_id}/interactions",
    response={201: InteractionOut},
    summary="Record what a customer said",
)
def record_interaction(
    request: CallerRequest, customer_id: str, said: NewInteraction
) -> Status[Any]:
    interaction = actions.record_said_need(
        actor=request.actor, now=request.now, customer_id=customer_id, **said.dict()
    )
    return Status(201, interaction)


@router.get(
    "/customers/{customer_id}/interactions",
    response=list[InteractionOut],
    summary="List conversations with a customer",
)
def list_interactions(request: CallerRequest, customer_id: str) -> list[Any]:
    return list(reads.interactions(request.actor, customer_id, request.now))


@router.get("/contacts", response=ContactsOut, summary="List contacts")
def list_contacts(request: CallerRequest, question: Query[ContactQuestion]) -> dict[str, Any]:
    page = reads.contacts(request.actor, request.now, **question.dict())
    return {"contacts": [_contact(each) for each in page.contacts], "next": page.next}


@router.get("/contacts/in-doubt", response=list[InDoubtOut], summary="List contacts in doubt")
def list_in_doubt(request: CallerRequest) -> list[Any]:
    return list(reads.in_doubt(request.actor, request.now))


@router.post("/deliveries", response={201: DeliveryOut}, summary="Deliver the contacts due")
def create_delivery(request: CallerRequest, delivery: NewDelivery) -> Status[Any]:
    counts = jobs.deliver(actor=request.actor, now=request.now, at=delivery.at)
    return Status(201, counts)


@router.post("/contacts/{id}/settlement", response=ContactOut, summary="Settle a contact in doubt")
def settle_contact(request: CallerRequest, id: str, said: Settlement) -> dict[str, Any]:
    return _contact(
        actions.settle_in_doubt(actor=request.actor, now=request.now, contact_id=id, **said.dict())
    )


def _contact(contact: Contact) -> dict[str, Any]:
    return {
        "id": contact.id,
        "decision_id": contact.decision_id,
        "customer_id": contact.customer_id,
        "customer": contact.customer.label,
        "treatment_id": contact.treatment_id,
        "offer": contact.treatment.offer.name,
        "channel": contact.channel,
        "state": contact.state,
        "state_at": contact.state_at,
        "state_reason": contact.state_reason,
        "due_at": contact.due_at,
        "terms": contact.terms,
    }
