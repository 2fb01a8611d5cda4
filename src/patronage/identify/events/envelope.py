"""What did a client send? Reads the bodies of tracking calls; judges nothing but their form.

Two dialects: Segment's (`messageId`, `userId`, `anonymousId`, `sentAt`), which RudderStack shares,
and PostHog's (`uuid`, `distinct_id`, `sent_at`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from patronage.identify.models import EVENT_TYPES

#: most events of one request
MOST_EVENTS: Final = 1_000
#: most bytes of one event
LONGEST_EVENT: Final = 32 * 1024
#: how deep an event's objects and lists may stand in one another
DEEPEST: Final = 12
#: a sender's clock is taken as right if it differs from ours by no more
TOLERANCE: Final = timedelta(minutes=1)
#: how far ahead an event may lie: a clock that is a little fast
AHEAD: Final = timedelta(days=1)
#: nothing happened before
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_ID: Final = 200
_EPOCH_IN_MILLISECONDS: Final = 100_000_000_000
_POSTHOG_TYPES: Final = {
    "$identify": "identify",
    "$set": "identify",
    "$set_once": "identify",
    "$pageview": "page",
    "$screen": "screen",
    "$groupidentify": "group",
    "$create_alias": "alias",
}


class Malformed(Exception):
    """The body is no tracking call; its text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One event as it came in, in the terms of this house."""

    #: as the sender numbers it, or a digest of the event where it does not
    message_id: str
    #: track, identify, page, screen, group or alias
    type: str
    #: name of a tracked event; the type itself of every other
    name: str
    #: (kind of identifier, value) of whom it is about
    names: tuple[tuple[str, str], ...]
    #: what it says of itself; traits of identify and group
    properties: Mapping[str, Any]
    occurred_at: datetime
    received_at: datetime
    #: exactly as it came
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """One event that could never be kept, and why."""

    message_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One request's events."""

    #: key in the body; None where there is none
    key: str | None
    events: tuple[Arrived | Rejected, ...]


class _Batch(msgspec.Struct):
    """Body of a batch, in either dialect."""

    batch: list[msgspec.Raw]
    writeKey: str | None = None  # noqa: N815 - as it is sent
    api_key: str | None = None
    sentAt: Any = None  # noqa: N815 - as it is sent
    sent_at: Any = None


_BATCH: Final = msgspec.json.Decoder(_Batch)
_ANY: Final = msgspec.json.Decoder()
_CANONICAL: Final = msgspec.json.Encoder(order="sorted")


def batch_of(body: bytes, received_at: datetime) -> Envelope:
    """Read a batch.

    Raises:
        Malformed: it is no JSON object with a list `batch` of at most 1,000 events.
    """
    sent = _decoded(_BATCH, body)
    if len(sent.batch) > MOST_EVENTS:
        raise Malformed(f"A batch has at most {MOST_EVENTS:,} events; found {len(sent.batch):,}.")
    sent_at = _instant(sent.sentAt if sent.sentAt is not None else sent.sent_at)
    events = [_read(bytes(each), None, sent_at, received_at) for each in sent.batch]
    return Envelope(key=sent.writeKey or sent.api_key, events=tuple(events))


def single_of(body: bytes, type: str, received_at: datetime) -> Envelope:
    """Read one event sent by itself.

    Raises:
        Malformed: it is no JSON object.
    """
    content = _decoded(_ANY, body)
    if not isinstance(content, dict):
        raise Malformed("An event is a JSON object.")
    key = content.pop("writeKey", None) or content.pop("api_key", None)
    if key is not None and not isinstance(key, str):
        raise Malformed("The key in the body is no text.")
    raw = body if key is None else msgspec.json.encode(content)
    return Envelope(key=key, events=(_read(raw, type, None, received_at),))


def read_again(raw: bytes, *, type: str, occurred_at: datetime, received_at: datetime) -> Arrived:
    """Read an event that was kept as it came; its instants are the ones that were kept with it.

    Raises:
        Malformed: this version no longer takes it.
    """
    found = _read(raw, type, None, received_at)
    if isinstance(found, Rejected):
        raise Malformed(found.reason)
    return replace(found, occurred_at=occurred_at)


def _decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Malformed(_words(error)) from error


def _words(error: Exception) -> str:
    text = (str(error) or type(error).__name__)[:300]
    return text if text.endswith(".") else f"{text}."


def _read(
    raw: bytes, type: str | None, sent_at: datetime | None, received_at: datetime
) -> Arrived | Rejected:
    """Take one event apart; what could never be kept comes back with the reason."""
    message_id = ""
    try:
        if len(raw) > LONGEST_EVENT:
            return Rejected(message_id="", reason=f"it has more than {LONGEST_EVENT:,} bytes")
        event = _ANY.decode(raw)
        if not isinstance(event, dict):
            return Rejected(message_id="", reason="it is no JSON object")
        if "distinct_id" in event or ("messageId" not in event and "uuid" in event):
            event = _from_posthog(event)
        message_id = _message_id(event)
        return _arrived(event, message_id, raw, type, sent_at, received_at)
    except _Unfit as error:
        return Rejected(message_id=message_id, reason=str(error))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        return Rejected(message_id=message_id, reason=_words(error).rstrip("."))


class _Unfit(Exception):
    """An event could never be kept."""


def _arrived(
    event: dict[str, Any],
    message_id: str,
    raw: bytes,
    type: str | None,
    sent_at: datetime | None,
    received_at: datetime,
) -> Arrived:
    kind = type or event.get("type")
    if kind not in EVENT_TYPES:
        raise _Unfit(f"its type is none of {', '.join(EVENT_TYPES)}")
    name = event.get("event") if kind == "track" else kind
    if not isinstance(name, str) or not 1 <= len(name) <= _LONGEST_ID:
        raise _Unfit(f"a track event has a name of 1 to {_LONGEST_ID} characters in `event`")
    said = event.get("traits" if kind in ("identify", "group") else "properties")
    if said is not None and not isinstance(said, dict):
        raise _Unfit("its properties or traits are no JSON object")
    if b"\\u0000" in raw and _holds_nul(event):
        raise _Unfit("a text in it holds a NUL character")
    if _is_deep(raw) and _depth(event) > DEEPEST:
        raise _Unfit(f"it is nested deeper than {DEEPEST} levels")
    own_sent_at = event.get("sentAt")
    return Arrived(
        message_id=message_id,
        type=kind,
        name=name,
        names=_names(event, kind),
        properties=said or {},
        occurred_at=_occurred(
            event.get("timestamp", event.get("originalTimestamp")),
            _instant(own_sent_at) if own_sent_at is not None else sent_at,
            received_at,
        ),
        received_at=received_at,
        raw=raw,
    )


def _message_id(event: dict[str, Any]) -> str:
    """The sender's number; of an event without one, a digest of all that it says.

    An event that says neither its number nor its time would be taken for an earlier one that says
    the same: it is refused.
    """
    given = event.get("messageId")
    if given is None:
        if event.get("timestamp", event.get("originalTimestamp")) is None:
            raise _Unfit("it has neither messageId nor timestamp, so a repeat cannot be told")
        event = {name: value for name, value in event.items() if name != "sentAt"}
        return "sha256:" + hashlib.sha256(_CANONICAL.encode(event)).hexdigest()
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    if not isinstance(given, str) or not 1 <= len(given) <= _LONGEST_ID:
        raise _Unfit(f"its messageId is no text of 1 to {_LONGEST_ID} characters")
    return given


def _names(event: dict[str, Any], kind: str) -> tuple[tuple[str, str], ...]:
    """By which names it calls its customer, as texts."""
    given = [("user_id", event.get("userId")), ("anonymous_id", event.get("anonymousId"))]
    if kind == "alias":
        given.append(("anonymous_id", event.get("previousId")))
    names = []
    for each, value in given:
        if value is None or value == "":
            continue
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise _Unfit("userId, anonymousId and previousId are texts")
        names.append((each, str(value)))
    if not names:
        raise _Unfit("it has neither userId nor anonymousId: nobody could be meant")
    return tuple(dict.fromkeys(names))


def _occurred(given: Any, sent_at: datetime | None, received_at: datetime) -> datetime:
    """When it happened by our clock: the sender's is off by what it says it is at sending."""
    stated = _instant(given)
    if stated is None:
        return received_at
    if sent_at is not None and abs(received_at - sent_at) > TOLERANCE:
        try:
            stated += received_at - sent_at
        except OverflowError as error:
            raise _Unfit("its timestamp and sentAt are no instants of one clock") from error
    if stated > received_at + AHEAD or stated < EARLIEST:
        raise _Unfit(
            f"its timestamp is before {EARLIEST.year} or more than a day ahead, "
            "and no sentAt says how wrong the clock is"
        )
    return min(stated, received_at)


def _instant(given: Any) -> datetime | None:
    """Read ISO 8601 or seconds or milliseconds since 1970; without a zone it is UTC."""
    if given is None:
        return None
    try:
        if isinstance(given, str):
            found = datetime.fromisoformat(given)
        elif isinstance(given, int | float) and not isinstance(given, bool):
            seconds = given / 1000 if abs(given) >= _EPOCH_IN_MILLISECONDS else given
            found = datetime.fromtimestamp(seconds, UTC)
        else:
            raise _Unfit("a timestamp is ISO 8601 text")
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise _Unfit("a timestamp is ISO 8601 text between the years 1 and 9999") from error


def _from_posthog(event: dict[str, Any]) -> dict[str, Any]:
    """Say the same in the terms of the other dialect."""
    name, said = event.get("event"), event.get("properties")
    said = said if isinstance(said, dict) else {}
    kind = _POSTHOG_TYPES.get(name, "track") if isinstance(name, str) else "track"
    traits = event.get("$set") or event.get("$set_once") or said.get("$set")
    if kind == "group":
        traits = said.get("$group_set")
    # a client without person profiles makes up a distinct id for each event
    is_visitor = said.get("$process_person_profile") is False
    who, other = event.get("distinct_id", said.get("distinct_id")), said.get("$anon_distinct_id")
    previous = None
    if kind == "alias":
        who, previous = said.get("alias"), who
    return {
        "type": kind,
        "event": name,
        "messageId": event.get("uuid"),
        "userId": None if is_visitor else who,
        "anonymousId": who if is_visitor else other,
        "previousId": previous,
        "properties": said,
        "traits": traits,
        "timestamp": event.get("timestamp"),
    }


def _is_deep(raw: bytes) -> bool:
    """Whether it could be nested too deep: as many brackets open in it, in texts or not."""
    return raw.count(b"{") + raw.count(b"[") > DEEPEST


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        inside: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                inside += each.values()
            elif isinstance(each, list):
                inside += each
        level = [each for each in inside if isinstance(each, dict | list)]
    return depth


def _holds_nul(value: Any) -> bool:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting += each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
        elif isinstance(each, str) and "\0" in each:
            return True
    return False
