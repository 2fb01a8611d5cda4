"""One decision at the edge: who asks, what for, what is written, what is answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus

from django.db import DatabaseError, InterfaceError
from starlette.requests import Request
from starlette.responses import Response

from patronage.access.actor import actor_of_key, digest_of_key
from patronage.access.errors import NotAllowed, NotFound, PatronageError
from patronage.access.idempotency import answer_once
from patronage.access.keys import note_use
from patronage.access.roles import Actor
from patronage.access.transactions import atomic
from patronage.customize.actions import DecisionAnswer, decide_now
from patronage.edge.requests import (
    PROBLEM_JSON,
    DecisionRequest,
    Unreadable,
    body_of,
    decision_request,
    encoded,
    problem,
)
from patronage.edge.writer import GroupWriter, QueueFull, StoreAway

BEARER = "bearer "
_ANSWER_FIELDS = tuple(field.name for field in fields(DecisionAnswer))
_TITLES = {
    HTTPStatus.UNAUTHORIZED: "Who is calling?",
    HTTPStatus.FORBIDDEN: "You may not do this",
    HTTPStatus.NOT_FOUND: "Not here",
    HTTPStatus.UNPROCESSABLE_ENTITY: "This could not be done",
    HTTPStatus.INTERNAL_SERVER_ERROR: "This could not be done",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request for a decision, as the writer needs it."""

    key: str
    #: of the `Idempotency-Key` header; None without one
    idempotency_key: str | None
    body: bytes
    wanted: DecisionRequest
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What is sent back."""

    status: int
    body: bytes


Writer = GroupWriter[Asked, Answered]
Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """Give the present instant; the one clock of the edge."""
    return datetime.now(UTC)


def bearer_key(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """Give the key of an `Authorization: Bearer` header; None without such a header."""
    for name, value in headers:
        if name == b"authorization":
            text = value.decode("latin-1")
            return text[len(BEARER) :].strip() if text.lower().startswith(BEARER) else None
    return None


async def decide(request: Request, key: str, writer: Writer, clock: Clock) -> Response:
    """Answer one request; what is offered is on disk before it is said."""
    try:
        body = await body_of(request)
        wanted = decision_request(body)
    except Unreadable as error:
        return error.answer
    asked = Asked(
        key=key,
        idempotency_key=request.headers.get("idempotency-key"),
        body=body,
        wanted=wanted,
        now=clock(),
    )
    try:
        answered = await writer.write(asked)
    except QueueFull:
        return problem(
            503,
            "Too many requests wait",
            "Nothing was decided. Try again in a second.",
            headers={"Retry-After": "1"},
        )
    except StoreAway:
        return nothing_permitted(wanted.customer, asked.now)
    headers = {"Cache-Control": "no-store"}
    media_type = "application/json" if answered.status < 400 else PROBLEM_JSON
    if answered.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        answered.body, status_code=answered.status, headers=headers, media_type=media_type
    )


def nothing_permitted(customer: str, at: datetime) -> Response:
    """The answer while the store is away: say nothing to the customer, nothing was recorded.

    It has the form of every answer, so that a caller shows what it shows whenever nothing is
    offered; only `id` is null, since no decision was recorded.
    """
    content: dict[str, object] = {
        "id": None,
        "decision_ids": [],
        "customer_id": customer,
        "at": at,
        "outcome": "nothing",
        "outcome_text": "Nothing may be offered now: it could not be checked or recorded",
        "offers": [],
        "candidates": [],
        "service_tier": None,
        "route_to": None,
    }
    headers = {"Retry-After": "1", "Cache-Control": "no-store"}
    return Response(encoded(content), headers=headers, media_type="application/json")


def effects(group: Sequence[Asked]) -> list[Callable[[], Answered]]:
    """Give what writes each request of a group, keys looked up again in the group's transaction."""
    callers: dict[str, Actor | None] = {}
    written: list[Callable[[], Answered]] = []
    for asked in group:
        digest = digest_of_key(asked.key)
        if digest not in callers:
            callers[digest] = actor_of_key(asked.key, asked.now)
        written.append(partial(_one, asked, callers[digest]))
    return written


def _one(asked: Asked, actor: Actor | None) -> Answered:
    """Write one request behind its own savepoint."""
    if actor is None:
        return _refused(
            HTTPStatus.UNAUTHORIZED,
            "Send `Authorization: Bearer <key>` with a key that stands.",
        )
    try:
        with atomic():
            answered = _written(asked, actor)
            note_use(actor, asked.now)
            return answered
    except (DatabaseError, InterfaceError):
        raise
    except NotFound as error:
        return _refused(HTTPStatus.NOT_FOUND, str(error))
    except NotAllowed as error:
        return _refused(HTTPStatus.FORBIDDEN, str(error))
    except PatronageError as error:
        return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))


def _written(asked: Asked, actor: Actor) -> Answered:
    if asked.idempotency_key is None:
        return Answered(status=HTTPStatus.OK, body=_decided(asked, actor))
    status, body = answer_once(
        actor.id,
        asked.idempotency_key,
        asked.body,
        asked.now,
        lambda: (HTTPStatus.OK, _decided(asked, actor).decode()),
    )
    return Answered(status=status, body=body.encode())


def _decided(asked: Asked, actor: Actor) -> bytes:
    wanted = asked.wanted
    answer = decide_now(
        actor=actor,
        now=asked.now,
        customer_id=wanted.customer,
        channel=wanted.channel,
        placements=wanted.placements,
        context=wanted.context,
        limit=wanted.limit,
    )
    content = {name: getattr(answer, name) for name in _ANSWER_FIELDS}
    return encoded({"id": answer.id, **content})


def _refused(status: HTTPStatus, detail: str) -> Answered:
    content = {"type": "about:blank", "title": _TITLES[status], "status": status, "detail": detail}
    return Answered(status=status, body=encoded(content))
