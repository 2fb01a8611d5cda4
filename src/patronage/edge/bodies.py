"""Bodies of tracking calls: up to a limit, packed or not, JSON whatever they are declared to be."""

from __future__ import annotations

import zlib
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request

from patronage.edge.requests import Unreadable, body_of, problem

#: most bytes of a request, packed and unpacked
LONGEST: Final = 5 * 1024 * 1024
_GZIP: Final = 31
_DEFLATE: Final = 15
_FORM: Final = "application/x-www-form-urlencoded"


async def unpacked_body(request: Request) -> bytes:
    """Read a body and unpack it.

    Raises:
        Unreadable: it is longer than 5 MiB, or not what its encoding says.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > LONGEST:
        raise _too_long()
    body = await body_of(request, longest=LONGEST, too_long=_too_long)
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("gzip", "x-gzip"):
        body = _unpacked(body, _GZIP)
    elif encoding == "deflate":
        body = _unpacked(body, _DEFLATE)
    elif encoding not in ("identity", ""):
        raise _unreadable(415, f"The encoding {encoding[:40]!r} is not known. Use gzip or none.")
    elif body[:2] == b"\x1f\x8b":
        body = _unpacked(body, _GZIP)
    if request.headers.get("content-type", "").startswith(_FORM) and body[:1] not in b"{[":
        body = _from_form(body)
    return body


def _unpacked(body: bytes, format: int) -> bytes:
    unpacker = zlib.decompressobj(format)
    try:
        unpacked = unpacker.decompress(body, LONGEST + 1)
    except zlib.error as error:
        raise _unreadable(400, "The body is not packed as its encoding says.") from error
    if len(unpacked) > LONGEST:
        raise _too_long()
    if not unpacker.eof:
        raise _unreadable(400, "The body is cut: its packing has no end.")
    return unpacked


def _from_form(body: bytes) -> bytes:
    """Give the JSON in the field `data` of a form."""
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=10)
        return fields["data"][0].encode("utf-8")
    except (UnicodeError, ValueError, KeyError) as error:
        raise _unreadable(400, "A form has its JSON in the field `data`.") from error


def _too_long() -> Unreadable:
    return Unreadable(
        problem(
            413,
            "The request is too long",
            f"A tracking call has at most {LONGEST:,} bytes unpacked. Send smaller batches.",
            headers={"Connection": "close"},
        )
    )


def _unreadable(status: int, detail: str) -> Unreadable:
    return Unreadable(problem(status, "This is no tracking call", detail))
