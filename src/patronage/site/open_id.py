"""Logging in at the company's own log-in service, by OpenID Connect.

The service says who somebody is; who may do what is decided here. Accounts are made by an
administrator beforehand, with the e-mail address that the service has verified.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.django_client import OAuth
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from joserfc.errors import JoseError
from requests.exceptions import RequestException

from patronage.access.open_id import NoAccount, person_of
from patronage.access.requests import CallerRequest

#: where the one wanted to go who is logging in at the service
_NEXT: Final = "open_id_next"
_BACKEND: Final = "django.contrib.auth.backends.ModelBackend"
_PATIENCE: Final = 10.0


@login_not_required
@require_POST
def ask(request: CallerRequest) -> HttpResponseBase:
    """Send somebody to the service."""
    wanted = request.POST.get("next", "")
    is_here = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    request.session[_NEXT] = wanted if is_here else settings.LOGIN_REDIRECT_URL
    try:
        asked: HttpResponseBase = _service().authorize_redirect(request, _answer_address(request))
        return asked
    except (OAuthError, RequestException, ValueError):
        messages.error(request, _("The log-in service does not answer. Try again in a moment."))
        return redirect("login")


@login_not_required
@require_safe
def answer(request: CallerRequest) -> HttpResponse:
    """Let in whom the service names, once its signed answer is found to be for this very log-in."""
    try:
        token = _service().authorize_access_token(request, leeway=60)
    except (OAuthError, JoseError, RequestException, ValueError):
        messages.error(request, _("The log-in service did not let you in. Try again."))
        return redirect("login")
    said: dict[str, Any] = token.get("userinfo") or {}
    try:
        user = person_of(
            now=request.now,
            issuer=str(said.get("iss", "")),
            subject=str(said.get("sub", "")),
            email=str(said.get("email", "")),
            is_email_verified=said.get("email_verified") is True,
        )
    except NoAccount as error:
        messages.error(request, str(error))
        return redirect("login")
    wanted = request.session.pop(_NEXT, settings.LOGIN_REDIRECT_URL)
    login(request, user, backend=_BACKEND)
    return redirect(wanted)


def _answer_address(request: CallerRequest) -> str:
    return request.build_absolute_uri(reverse("login-service-answer"))


def _service() -> Any:
    service = settings.OPEN_ID
    if service is None:
        raise Http404
    return _client(service)


@lru_cache(maxsize=4)
def _client(service: Any) -> Any:
    """A client that reads the service's own description once it is needed."""
    return OAuth().register(
        "service",
        client_id=service.client_id,
        client_secret=service.secret,
        server_metadata_url=f"{service.issuer}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid email profile",
            "code_challenge_method": "S256",
            "timeout": _PATIENCE,
        },
    )
