"""Logging in: the form, the brake on guessing, and where one lands afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from patronage.access.log_in import log_in_allowed, record_failed_log_in, record_log_in
from patronage.access.requests import CallerRequest


class LogInForm(AuthenticationForm):
    """E-mail address and password; says the same whether the address or the password is wrong."""

    error_messages = {  # noqa: RUF012 - Django reads it as a plain class attribute
        "invalid_login": _(
            "This e-mail address and password do not go together. Check both and try again."
        ),
        "too_often": _(
            "Logging in failed too often for this account or from this network. "
            "Wait a quarter of an hour, or ask an administrator for a new password."
        ),
        "inactive": _("This account is closed. Ask an administrator."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("E-mail address")
        self.fields["username"].widget.attrs.update(
            {"autocomplete": "username", "type": "email", "autocapitalize": "none"}
        )

    def clean(self) -> dict[str, Any]:
        email = self.cleaned_data.get("username") or ""
        address, now = _address_and_instant(self.request)
        if not log_in_allowed(email, address, now):
            raise ValidationError(self.error_messages["too_often"], code="too_often")
        try:
            cleaned = super().clean()
        except ValidationError:
            record_failed_log_in(email, address, now)
            raise
        record_log_in(email, address, now)
        return cleaned


def _address_and_instant(request: HttpRequest | None) -> tuple[str, datetime]:
    carried = cast(CallerRequest, request)
    return carried.META.get("REMOTE_ADDR", ""), carried.now


class LogIn(LoginView):
    """The log-in page; whoever is logged in already goes home."""

    template_name = "site/login.html"
    authentication_form = LogInForm
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_invalid(form)
        answer.status_code = 422
        return answer
