"""The REST API at `/api/v1/`: the stages' resources, one way in, one form of error."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Swagger
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.security import APIKeyCookie, HttpBearer

from patronage.access.errors import PatronageError
from patronage.access.roles import Actor
from patronage.site.callers import NOBODY, bearer_key
from patronage.site.failures import answer_to, problem
from patronage.site.storable import StorableParser

STAGES = (
    "access",
    "identify",
    "differentiate",
    "govern",
    "customize",
    "interact",
    "learn",
    "steer",
)


class KeyAuth(HttpBearer):
    """`Authorization: Bearer <key>`: the key was looked up when the request came in."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor | None:
        del token  # read by the middleware
        return known_caller(request)


class SessionAuth(APIKeyCookie):
    """The web session; changes carry its CSRF token. Never beside a key."""

    param_name = "sessionid"

    def __call__(self, request: HttpRequest) -> Any | None:
        return None if bearer_key(request) is not None else super().__call__(request)

    def authenticate(self, request: HttpRequest, key: str | None) -> Actor | None:
        del key
        return known_caller(request)


def known_caller(request: HttpRequest) -> Actor | None:
    """The actor of the request; None when it is nobody we know."""
    actor: Actor = getattr(request, "actor", NOBODY)
    return None if actor is NOBODY else actor


def build_api() -> NinjaAPI:
    """The API with every stage's resources (`<stage>/api.py` offers a `router`)."""
    api = NinjaAPI(
        title="Patronage",
        version="1",
        description="Who is in charge of each customer, what each is worth, what comes next.",
        auth=[KeyAuth(), SessionAuth()],
        docs=Swagger(settings={"persistAuthorization": False, "validatorUrl": None}),
        urls_namespace="api-v1",
        parser=StorableParser(),
    )
    for stage in STAGES:
        if find_spec(f"patronage.{stage}.api") is not None:
            api.add_router("/", import_module(f"patronage.{stage}.api").router, tags=[stage])
    _answer_with_problems(api)
    return api


def _answer_with_problems(api: NinjaAPI) -> None:
    api.add_exception_handler(PatronageError, _readable)
    api.add_exception_handler(ValidationError, _malformed)
    api.add_exception_handler(AuthenticationError, _unknown_caller)
    api.add_exception_handler(HttpError, _not_possible)
    api.add_exception_handler(Http404, _absent)


def _readable(request: HttpRequest, error: Any) -> HttpResponse:
    return answer_to(request, error)


def _malformed(_request: HttpRequest, error: Any) -> HttpResponse:
    return problem(
        status=422,
        title="The request does not fit the schema",
        detail="; ".join(_place(item) for item in error.errors),
        errors=[{"at": list(item["loc"]), "expected": item["msg"]} for item in error.errors],
    )


def _unknown_caller(_request: HttpRequest, _error: Any) -> HttpResponse:
    answer = problem(
        status=401,
        title="Who is calling?",
        detail="Send `Authorization: Bearer <key>` with a key that stands, or log in.",
    )
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _not_possible(request: HttpRequest, error: Any) -> HttpResponse:
    if isinstance(error.__cause__, PatronageError):
        return answer_to(request, error.__cause__)  # a body that was read and refused
    return problem(status=error.status_code, title="Not possible", detail=str(error))


def _absent(_request: HttpRequest, _error: Any) -> HttpResponse:
    return problem(status=404, title="Not here", detail="There is nothing at this address.")


def _place(item: dict[str, Any]) -> str:
    return f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"


api = build_api()
