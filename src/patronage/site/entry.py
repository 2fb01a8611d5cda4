"""Logging in: the forms, the brake on guessing, and where one lands afterwards."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, RedirectURLMixin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.generic import FormView

from patronage.access.log_in import log_in_allowed, record_failed_log_in, record_log_in
from patronage.access.models import User
from patronage.access.requests import CallerRequest
from patronage.access.second_factor import is_asked_for, is_right

#: in a session: who gave a right password and when, and has to give a code yet
_WAITING = "waits_for_code"
_CODE_WAITED_FOR = timedelta(minutes=5)
_BACKEND = "django.contrib.auth.backends.ModelBackend"


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

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        return super().get_context_data(**more) | {"service": settings.OPEN_ID}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        if not (isinstance(user, User) and is_asked_for(user)):
            return super().form_valid(form)
        _, now = _address_and_instant(self.request)
        self.request.session.cycle_key()
        self.request.session[_WAITING] = {"user": user.id, "since": now.isoformat()}
        wanted = self.get_redirect_url()
        address = reverse("login-code")
        return redirect(f"{address}?{urlencode({'next': wanted})}" if wanted else address)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_invalid(form)
        answer.status_code = 422
        return answer


class CodeForm(forms.Form):
    """A code of one's device, or a recovery code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True}),
        help_text=_("Of your device; or one of your recovery codes."),
    )

    def __init__(self, *args: Any, request: HttpRequest, user: User, **options: Any) -> None:
        super().__init__(*args, **options)
        self.request = request
        self.user = user

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        address, now = _address_and_instant(self.request)
        # apart from the password's: a right password must not clear the failures of codes
        name = f"code of {self.user.id}"
        if not log_in_allowed(name, address, now):
            raise ValidationError(LogInForm.error_messages["too_often"], code="too_often")
        if not is_right(self.user, code, now):
            record_failed_log_in(name, address, now)
            raise ValidationError(_("This code is wrong or was used already. Try the next one."))
        record_log_in(name, address, now)
        return code


@method_decorator([login_not_required, never_cache], name="dispatch")
class SecondStep(RedirectURLMixin, FormView):  # type: ignore[type-arg]  # not generic when it runs
    """Asks whoever gave a right password for a code of their device."""

    template_name = "site/login_code.html"
    form_class = CodeForm
    next_page = settings.LOGIN_REDIRECT_URL
    _user: User

    def dispatch(self, request: HttpRequest, *args: Any, **named: Any) -> HttpResponseBase:
        user = _waiting(request)
        if user is None:
            return redirect("login")
        self._user = user
        return super().dispatch(request, *args, **named)

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"request": self.request, "user": self._user}

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        return super().get_context_data(**more) | {"next": self.get_redirect_url()}

    def form_valid(self, form: CodeForm) -> HttpResponse:
        del self.request.session[_WAITING]
        login(self.request, form.user, backend=_BACKEND)
        return redirect(self.get_success_url())

    def form_invalid(self, form: CodeForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


def _waiting(request: HttpRequest) -> User | None:
    """Who gave a right password a short while ago; None where nobody did."""
    waits = request.session.get(_WAITING)
    _, now = _address_and_instant(request)
    if waits is None or now - datetime.fromisoformat(waits["since"]) > _CODE_WAITED_FOR:
        return None
    return User.objects.filter(pk=waits["user"], is_active=True).first()
