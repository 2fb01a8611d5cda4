"""Is every text of a request one that the stores keep? The one guard before pages and API.

PostgreSQL keeps no NUL, SQLite cuts texts there, and half of a surrogate pair has no UTF-8 form.
Whoever sends one is told so; no room behind has to ask again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.utils.datastructures import MultiValueDict
from ninja.parser import Parser
from ninja.types import DictStrAny

from patronage.access.errors import Refused
from patronage.access.texts import is_encodable
from patronage.site.failures import API_PREFIX, answer_to


class UnstorableRequest(Refused):
    """A text of the request holds what no store keeps."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"The {where} holds a NUL character or half of a surrogate pair, which no text has. "
            "Leave it out and send the rest again."
        )


class StorableTextMiddleware:
    """Refuses addresses and forms with such texts; a cookie with one is none that we gave."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # the session's cookie is looked up before anything else is
        for name in [name for name, text in request.COOKIES.items() if not is_storable(text)]:
            del request.COOKIES[name]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: object, _args: object, _kwargs: object
    ) -> HttpResponse | None:
        """Here the caller is known, so that the answer has the frame of their pages."""
        if not is_storable(request.path):
            return answer_to(request, UnstorableRequest("address"))
        if not all(map(is_storable, texts_of(request.GET))):
            return answer_to(request, UnstorableRequest("query"))
        if request.path.startswith(API_PREFIX):
            return None  # whose body is read only once the caller is let in: by `StorableParser`
        if not all(map(is_storable, texts_of(request.POST))):
            return answer_to(request, UnstorableRequest("form"))
        return None


class StorableParser(Parser):
    """Reads the API's bodies: JSON as RFC 8259 has it, in UTF-8, with texts that can be kept."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Read a JSON body.

        Raises:
            UnstorableRequest: it is JSON, with a text that cannot be kept.
            ValueError: it is no JSON.
            RecursionError: it is nested too deep.
        """
        content = json.loads(request.body.decode(), parse_constant=_no_number, parse_float=_finite)
        # written without an escape, a NUL is no JSON and half of a pair is no UTF-8
        if b"\\u" in request.body and not all(map(is_storable, _texts_in(content))):
            raise UnstorableRequest("body")
        return content

    def parse_querydict(
        self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest
    ) -> DictStrAny:
        """Read a query or a form.

        Raises:
            UnstorableRequest: it has a text that cannot be kept.
        """
        if isinstance(data, QueryDict) and not all(map(is_storable, texts_of(data))):
            raise UnstorableRequest("form")
        return super().parse_querydict(data, list_fields, request)


def is_storable(text: str) -> bool:
    """Say whether each store keeps this text as it is."""
    return "\0" not in text and is_encodable(text)


def texts_of(sent: QueryDict) -> Iterator[str]:
    """Every name and every value of a query or form."""
    for name, values in sent.lists():
        yield name
        yield from (value for value in values if isinstance(value, str))


def _texts_in(content: object) -> Iterator[str]:
    """Every text in a JSON value, names included; depth is no matter."""
    waiting: list[object] = [content]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            waiting.extend(each)
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:40]} is larger than a number can be")
    return number
