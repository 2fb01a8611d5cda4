"""Contacts, deliveries and conversations as REST resources."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpResponse
from ninja import Header, Path, Query, Router, Schema, Status
from pydantic import AwareDatetime, Field

from patronage.access.idempotency import answer_once
from patronage.access.requests import CallerRequest
from patronage.customize.models import Contact
from patronage.interact import actions, jobs, reads

router = Router(tags=["interact"])
#: PostgreSQL keeps no NUL in a text, and SQLite would cut it there.
_KEPT = r"^[^\x00]*$"
Id = Annotated[str, Field(pattern=_KEPT, max_length=40)]
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key")]


class NewInteraction(Schema):
    """What a customer said; `note` is kept encrypted."""

    need: str = Field(min_length=1, max_length=40, pattern=_KEPT)
    channel: str = Field(min_length=1, max_length=20, pattern=_KEPT)
    note: str = Field("", max_length=4000, pattern=_KEPT)


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
    channel: Id = ""
    customer_id: Id = ""
    after: Id = ""
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
    reason: str = Field(min_length=1, max_length=300, pattern=_KEPT)


@router.post(
    "/customers/{customer_id}/interactions",
    response={201: InteractionOut},
    summary="Record what a customer said",
)
def record_interaction(
    request: CallerRequest,
    customer_id: Path[Id],
    said: NewInteraction,
    idempotency_key: IdempotencyKey = None,
) -> HttpResponse:
    """Record it once for each idempotency key; repeated, the answer is the same."""

    def effect() -> tuple[int, str]:
        interaction = actions.record_said_need(
            actor=request.actor, now=request.now, customer_id=customer_id, **said.dict()
        )
        return 201, InteractionOut.from_orm(interaction).model_dump_json()

    status, body = effect() if idempotency_key is None else _once(request, idempotency_key, effect)
    return HttpResponse(body, status=status, content_type="application/json")


@router.get(
    "/customers/{customer_id}/interactions",
    response=list[InteractionOut],
    summary="List conversations with a customer",
)
def list_interactions(request: CallerRequest, customer_id: Path[Id]) -> list[Any]:
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
def settle_contact(request: CallerRequest, id: Path[Id], said: Settlement) -> dict[str, Any]:
    return _contact(
        actions.settle_in_doubt(actor=request.actor, now=request.now, contact_id=id, **said.dict())
    )


def _once(
    request: CallerRequest, key: str, effect: Callable[[], tuple[int, str]]
) -> tuple[int, str]:
    """The body alone does not say whom it is about: the address belongs to it."""
    content = request.path.encode() + b"\0" + request.body
    return answer_once(request.actor.id, key, content, request.now, effect)


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
