"""Events over HTTP: the tracking calls that existing clients send, answered once they are durable.

The answer to every readable request lists each event with what became of it. It is 200 unless
every event was rejected, which is 422: nothing of such a request will ever be kept.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from patronage.access.actor import actor_of_key, digest_of_key
from patronage.access.company import NoCompany
from patronage.access.keys import note_use
from patronage.access.roles import Actor, Right
from patronage.edge.allowance import Allowance
from patronage.edge.bodies import unpacked_body
from patronage.edge.requests import Unreadable, encoded, problem
from patronage.edge.writer import GroupWriter, QueueFull, StoreAway
from patronage.identify.events.envelope import Envelope, Malformed, batch_of, single_of
from patronage.identify.events.intake import REJECTED, Delivery, Outcome, capture

#: a body above this is taken apart in a thread of its own, bytes
_LONG: Final = 256 * 1024
_SINGLE: Final = {
    "track": "track",
    "identify": "identify",
    "page": "page",
    "screen": "screen",
    "group": "group",
    "alias": "alias",
    "t": "track",
    "i": "identify",
    "p": "page",
}
_BATCHES: Final = ("/v1/batch", "/v1/import", "/batch", "/batch/")
#: every address at which events are taken
ADDRESSES: Final = (*(f"/v1/{name}" for name in _SINGLE), *_BATCHES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A request with events, as the writer needs it."""

    key: str
    envelope: Envelope
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What is sent back: what became of each event, or why nothing was looked at."""

    status: HTTPStatus
    outcomes: Sequence[Outcome] = ()


IntakeWriter = GroupWriter[Delivered, Taken]
Clock = Callable[[], datetime]
_Read = Callable[[bytes, datetime], Envelope]


def intake_writer(*, patience: float = 2.0) -> IntakeWriter:
    """Give what writes events in groups; a client waits for it longer than a page would."""
    return GroupWriter(effects, patience=patience, name="event writer")


def routes(writer: IntakeWriter, clock: Clock, allowance: Allowance) -> list[BaseRoute]:
    """Give the routes at which events are taken."""
    reads: dict[str, _Read] = {
        f"/v1/{name}": partial(_single, type=kind) for name, kind in _SINGLE.items()
    }
    reads |= dict.fromkeys(_BATCHES, batch_of)
    return [
        Route(
            address,
            partial(_take, read=read, writer=writer, clock=clock, allowance=allowance),
            methods=["POST"],
        )
        for address, read in reads.items()
    ]


def _single(body: bytes, received_at: datetime, *, type: str) -> Envelope:
    return single_of(body, type, received_at)


async def _take(
    request: Request, *, read: _Read, writer: IntakeWriter, clock: Clock, allowance: Allowance
) -> Response:
    """Answer one request; what is accepted is on disk before it is said."""
    now = clock()
    try:
        body = await unpacked_body(request)
        envelope = (
            await asyncio.to_thread(read, body, now) if len(body) > _LONG else read(body, now)
        )
    except Unreadable as error:
        return error.answer
    except Malformed as error:
        return problem(400, "This is no tracking call", str(error))
    key = _key_of(request) or envelope.key
    if key is None:
        return _nobody()
    wait = allowance.seconds_until(digest_of_key(key), len(envelope.events))
    if wait > 0:
        return problem(
            429,
            "Too many events for this key",
            "Nothing was kept. Send the same again after the time in Retry-After.",
            headers={"Retry-After": str(max(1, round(wait)))},
        )
    try:
        taken = await writer.write(Delivered(key=key, envelope=envelope, now=now))
    except (QueueFull, StoreAway):
        return _later("The events could not be written in time. Nothing was kept.")
    return _answer(taken)


def _answer(taken: Taken) -> Response:
    if taken.status is HTTPStatus.UNAUTHORIZED:
        return _nobody()
    if taken.status is HTTPStatus.FORBIDDEN:
        detail = "The key may not capture events. Use one that was made for a service."
        return problem(403, "You may not do this", detail)
    if taken.status is HTTPStatus.SERVICE_UNAVAILABLE:
        return _later("The company is not declared yet, so nothing can be kept.")
    events = [
        {"messageId": each.message_id, "state": each.state}
        | ({"reason": each.reason} if each.reason else {})
        for each in taken.outcomes
    ]
    rejected = sum(each.state == REJECTED for each in taken.outcomes)
    all_rejected = bool(events) and rejected == len(events)
    content: dict[str, Any] = {"success": not all_rejected, "events": events}
    return Response(
        encoded(content),
        status_code=422 if all_rejected else 200,
        headers={"Cache-Control": "no-store"},
        media_type="application/json",
    )


def _nobody() -> Response:
    detail = "Send a key that stands as the user name (Basic), as a Bearer token or in the body."
    answer = problem(401, "Who is calling?", detail)
    answer.headers["WWW-Authenticate"] = "Basic"
    return answer


def _later(detail: str) -> Response:
    text = f"{detail} Send the same again in a second."
    return problem(503, "Try again", text, headers={"Retry-After": "1"})


def _key_of(request: Request) -> str | None:
    """Give the key of the header: the user name of Basic, or a Bearer token."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip() or None
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return decoded.partition(":")[0] or None


def effects(group: Sequence[Delivered]) -> list[Callable[[], Taken]]:
    """Take a whole group of requests at once, keys looked up again in its transaction."""
    now = max(each.now for each in group) if group else None
    callers: dict[str, Actor | None] = {}
    for each in group:
        if each.key not in callers:
            callers[each.key] = actor_of_key(each.key, each.now)
    statuses = [_status(callers[each.key]) for each in group]
    deliveries, places = [], []
    for place, (each, status) in enumerate(zip(group, statuses, strict=True)):
        actor = callers[each.key]
        if status is HTTPStatus.OK and actor is not None:
            deliveries.append(Delivery(actor=actor, events=each.envelope.events))
            places.append(place)
    taken = [Taken(status=status) for status in statuses]
    if deliveries and now is not None:
        try:
            outcomes = capture(now=now, deliveries=deliveries)
        except NoCompany:
            taken = [Taken(status=HTTPStatus.SERVICE_UNAVAILABLE) for _ in group]
        else:
            for place, some in zip(places, outcomes, strict=True):
                taken[place] = Taken(status=HTTPStatus.OK, outcomes=some)
            for actor in {delivery.actor.id: delivery.actor for delivery in deliveries}.values():
                note_use(actor, now)
    return [partial(_said, each) for each in taken]


def _said(taken: Taken) -> Taken:
    return taken


def _status(actor: Actor | None) -> HTTPStatus:
    if actor is None:
        return HTTPStatus.UNAUTHORIZED
    return HTTPStatus.OK if actor.may(Right.CAPTURE) else HTTPStatus.FORBIDDEN
