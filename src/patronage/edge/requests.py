"""What may a caller ask of the hot path? Read strictly: nothing unknown, nothing deep, not long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

#: Most bytes of a request's body.
LONGEST_BODY: Final = 64 * 1024
PROBLEM_JSON: Final = "application/problem+json"
#: A NUL fits no store.
_STORABLE: Final = r"^[^\x00]*$"
_Word = Annotated[str, msgspec.Meta(max_length=20, pattern=_STORABLE)]
_Text = Annotated[str, msgspec.Meta(max_length=400, pattern=_STORABLE)]
_Places = Annotated[int, msgspec.Meta(ge=1, le=20)]


class DecisionRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`POST /api/v1/decisions`."""

    #: id of the customer
    customer: Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=_STORABLE)]
    #: the channel the customer is in; null considers all
    channel: _Word | None = None
    #: how many places there are to fill
    placements: _Places = 1
    #: what is known of the moment
    context: Annotated[dict[_Text, _Text], msgspec.Meta(max_length=20)] = {}
    #: most treatments wanted
    limit: _Places = 1


class Unreadable(Exception):
    """The request cannot be taken; holds the answer that says why."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


_DECODER: Final = msgspec.json.Decoder(DecisionRequest, strict=True)
_ENCODER: Final = msgspec.json.Encoder()


async def body_of(
    request: Request,
    *,
    longest: int = LONGEST_BODY,
    too_long: Callable[[], Unreadable] | None = None,
) -> bytes:
    """Read the body, up to the limit.

    Raises:
        Unreadable: it is longer; the rest is not read.
    """
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > longest:
            raise (too_long or _too_long)()
        parts.append(part)
    return b"".join(parts)


def _too_long() -> Unreadable:
    return Unreadable(
        problem(
            413,
            "The request is too long",
            f"A request for a decision has at most {LONGEST_BODY:,} bytes.",
            headers={"Connection": "close"},
        )
    )


def decision_request(body: bytes) -> DecisionRequest:
    """Read what is asked for.

    Raises:
        Unreadable: it is no JSON, or does not fit.
    """
    try:
        return _DECODER.decode(body)
    except msgspec.ValidationError as error:
        title = "The request does not fit the schema"
        raise Unreadable(problem(422, title, _sentence(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(problem(400, "The request is not JSON", _sentence(error))) from error


def problem(
    status: int, title: str, detail: str, *, headers: dict[str, str] | None = None
) -> Response:
    """One problem, as `application/problem+json` (RFC 9457)."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return Response(encoded(body), status_code=status, headers=headers, media_type=PROBLEM_JSON)


def encoded(content: object) -> bytes:
    """Write an answer as JSON."""
    return _ENCODER.encode(content)


def _sentence(error: Exception) -> str:
    text = str(error)[:300] or type(error).__name__
    return text if text.endswith(".") else f"{text}."
