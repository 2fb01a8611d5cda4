"""What surrounds every page: the caller and the clock, the content policy, the words of errors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone

from patronage.access.company import NoCompany, current
from patronage.access.errors import PatronageError
from patronage.access.keys import note_use
from patronage.access.models import User
from patronage.site import clock
from patronage.site.as_of import as_of_asked
from patronage.site.callers import NOBODY, actor_of
from patronage.site.failures import API_PREFIX, answer_to
from patronage.vocabulary.company import Company

NextStep = Callable[[HttpRequest], HttpResponseBase]

CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

#: pages that open before a password that somebody else chose is changed
_OPEN_BEFORE = frozenset(
    {"profile", "change-password", "login", "logout", "set_language", "chart-library"}
)


def content_policy() -> str:
    """The policy; the form that leads to the company's own log-in service may go there too."""
    if settings.OPEN_ID is None:
        return CONTENT_POLICY
    service = urlsplit(settings.OPEN_ID.issuer)
    here, there = "form-action 'self'", f"{service.scheme}://{service.netloc}"
    return CONTENT_POLICY.replace(here, f"{here} {there}")


class CallerMiddleware:
    """Gives every request what `CallerRequest` promises; times are shown in the company's zone."""

    def __init__(self, get_response: NextStep) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        now = clock.now()
        carried: Any = request
        carried.now = now
        carried.actor, carried.company, carried.as_of = NOBODY, None, None
        try:
            carried.actor = actor_of(request, now)
            carried.company = declared_company() if carried.actor is not NOBODY else None
            carried.as_of = as_of_asked(request)
        except PatronageError as error:
            return answer_to(request, error)
        with timezone.override(carried.company.zone() if carried.company else UTC):
            response = self.get_response(request)
        if request.path.startswith(API_PREFIX) and response.status_code < HTTPStatus.BAD_REQUEST:
            note_use(carried.actor, now)
        return response


def declared_company() -> Company | None:
    """The company in force; None on a machine where none was declared yet."""
    try:
        return current().company
    except NoCompany:
        return None


class ContentSecurityMiddleware:
    """Lets a page load and run only what this server serves as a file of its own."""

    def __init__(self, get_response: NextStep) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", content_policy())
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"
        )
        if getattr(request, "user", None) and request.user.is_authenticated:
            # what one person may see must not stay in a cache that another can read
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response


class LogInMiddleware(LoginRequiredMiddleware):
    """Sends whoever is not logged in to the log-in page; the API answers for itself."""

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: tuple[Any, ...],
        view_kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        if request.path.startswith(API_PREFIX):
            return None
        answer = super().process_view(request, view_func, view_args, view_kwargs)
        if answer is None and _has_a_foreign_password(request):
            answer = redirect("profile")
        if answer is not None and request.headers.get("HX-Request") == "true":
            # a fragment must not receive the log-in form: the page around it is loaded anew
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        return answer


def _has_a_foreign_password(request: HttpRequest) -> bool:
    """Whether the password was chosen by somebody else and is to be changed before all else."""
    user, match = request.user, request.resolver_match
    is_elsewhere = match is not None and match.url_name not in _OPEN_BEFORE
    return isinstance(user, User) and user.must_change_password and is_elsewhere


class ErrorMiddleware:
    """Turns an error that a person is meant to read into a page, a fragment or a problem."""

    def __init__(self, get_response: NextStep) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, PatronageError):
            return None
        return answer_to(request, error)
