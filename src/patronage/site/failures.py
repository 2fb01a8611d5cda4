"""What happened, what it means for you, what to do: errors as a page, a fragment or a problem."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from patronage.access.errors import NotAllowed, NotFound, PatronageError, Refused

API_PREFIX = "/api/"
PROBLEM_JSON = "application/problem+json"
_PLACE = re.compile(r"#[a-z0-9-]{1,80}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error in the reader's words."""

    status: HTTPStatus
    #: what happened
    title: str
    #: the error's own sentence
    detail: str
    #: what it means for the reader
    meaning: str
    #: what to do next
    advice: str


def failure_of(error: PatronageError) -> Failure:
    """The words and the HTTP status of an error that a person is meant to read."""
    detail = str(error)
    if isinstance(error, NotAllowed):
        return Failure(
            status=HTTPStatus.FORBIDDEN,
            title=_("You may not do this"),
            detail=detail,
            meaning=_("Nothing was shown and nothing was changed."),
            advice=_("Ask an administrator if your work needs it."),
        )
    if isinstance(error, NotFound):
        return Failure(
            status=HTTPStatus.NOT_FOUND,
            title=_("Not here"),
            detail=detail,
            meaning=_("It does not exist, or it is outside what you are in charge of."),
            advice=_("Check the address, or search for it."),
        )
    status = (
        HTTPStatus.UNPROCESSABLE_ENTITY
        if isinstance(error, Refused)
        else HTTPStatus.INTERNAL_SERVER_ERROR
    )
    return Failure(
        status=status,
        title=_("This could not be done"),
        detail=detail,
        meaning=_("Nothing was changed."),
        advice=_("Correct it and try again."),
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """An address that leads nowhere."""
    del exception  # its text names routes, which are nobody's business
    failure = Failure(
        status=HTTPStatus.NOT_FOUND,
        title=_("There is no such page"),
        detail=_("Nothing is kept at %(path)s.") % {"path": request.path},
        meaning=_("The address may be mistyped or old; nothing was lost."),
        advice=_("Go back to your first page, or search."),
    )
    return _answer(request, failure)


def server_failed(request: HttpRequest) -> HttpResponse:
    """A fault of ours that nobody foresaw."""
    failure = Failure(
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        title=_("Something broke on our side"),
        detail=_("This page could not be made."),
        meaning=_("What you had saved is safe; what you were sending may not have arrived."),
        advice=_("Try again. If it happens twice, tell an administrator the time: %(time)s UTC.")
        % {"time": f"{getattr(request, 'now', ''):%H:%M:%S}" if hasattr(request, "now") else "?"},
    )
    return _answer(request, failure)


def answer_to(request: HttpRequest, error: PatronageError) -> HttpResponse:
    """The error as a page, as a notice where a part of a page was asked for, or as a problem."""
    return _answer(request, failure_of(error))


def problem(*, status: int, title: str, detail: str, **more: object) -> HttpResponse:
    """One problem of the API, as `application/problem+json` (RFC 9457)."""
    body = {"type": "about:blank", "title": title, "status": int(status), "detail": detail, **more}
    return HttpResponse(json.dumps(body), status=int(status), content_type=PROBLEM_JSON)


def _answer(request: HttpRequest, failure: Failure) -> HttpResponse:
    if request.path.startswith(API_PREFIX):
        return problem(status=failure.status, title=failure.title, detail=failure.detail)
    if request.headers.get("HX-Request") == "true":
        answer = render(
            request, "site/notice_failure.html", {"failure": failure}, status=failure.status
        )
        # htmx would put it where the answer was expected, and so take away what was there
        # (a dialog names its own place: what lies under it cannot be read)
        asked = request.headers.get("X-Notices", "")
        answer.headers["HX-Retarget"] = asked if _PLACE.fullmatch(asked) else "#notices"
        answer.headers["HX-Reswap"] = "innerHTML"
        return answer
    return render(request, "site/failure.html", {"failure": failure}, status=failure.status)
