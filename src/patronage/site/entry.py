"""Logging in: the form, the brake on guessing, and where one lands afterwards."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from patronage.site.attempts import (
    TooManyAttempts,
    check_attempts,
    count_failure,
    forget_failures,
)


class LogInForm(AuthenticationForm):
    """E-mail address and password; says the same whether the address or the password is wrong."""

    error_messages = {  # noqa: RUF012 - Django reads it as a plain class attribute
        "invalid_login": _(
            "This e-mail address and password do not go together. Check both and try again."
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
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        try:
            check_attempts(email=email, address=address)
        except TooManyAttempts as error:
            self.add_error(None, str(error))
            return self.cleaned_data
        try:
            cleaned = super().clean()
        except Exception:
            count_failure(email=email, address=address)
            raise
        forget_failures(email=email)
        return cleaned


class LogIn(LoginView):
    """The log-in page; whoever is logged in already goes home."""

    template_name = "site/login.html"
    authentication_form = LogInForm
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_invalid(form)
        answer.status_code = 422
        return answer
