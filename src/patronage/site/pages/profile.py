"""How do I log in? One's own password, second factor and recovery codes."""

from __future__ import annotations

from typing import Any

import segno
from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from patronage.access import people, reads, second_factor
from patronage.access.errors import Refused
from patronage.access.log_in import log_in_allowed, record_failed_log_in, record_log_in
from patronage.access.models import User
from patronage.access.requests import CallerRequest

_NEW = {"autocomplete": "new-password"}


class PasswordForm(forms.Form):
    """One's password, and the one that takes its place."""

    present = forms.CharField(
        label=gettext_lazy("Present password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(
        label=gettext_lazy("New password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs=_NEW),
        help_text=gettext_lazy("At least 8 characters, and none of the common ones."),
    )
    again = forms.CharField(
        label=gettext_lazy("New password again"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs=_NEW),
    )

    def __init__(self, *args: Any, request: CallerRequest, user: User) -> None:
        super().__init__(*args)
        self.request = request
        self.user = user

    def clean_present(self) -> str:
        text: str = self.cleaned_data["present"]
        if not _knows_password(self.request, self.user, text):
            raise forms.ValidationError(_("This is not your present password."))
        return text

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if {"new", "again"} <= said.keys() and said["new"] != said["again"]:
            self.add_error("again", _("The two new passwords differ."))
        return said


@require_safe
def profile(request: CallerRequest) -> HttpResponse:
    """How the reader logs in."""
    return _page(request, PasswordForm(request=request, user=_me(request)))


@require_POST
def change_password(request: CallerRequest) -> HttpResponse:
    """Take another password; sessions elsewhere end."""
    user = _me(request)
    form = PasswordForm(request.POST, request=request, user=user)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        changed = people.set_password(
            actor=request.actor,
            now=request.now,
            user_id=user.id,
            password=form.cleaned_data["new"],
        )
    except Refused as error:
        form.add_error("new", str(error))
        return _page(request, form, status=422)
    update_session_auth_hash(request, changed)
    messages.success(request, _("Your password is changed; sessions elsewhere have ended."))
    return redirect("profile")


@require_POST
def add_second_factor(request: CallerRequest) -> HttpResponse:
    """Begin to log in with a code from a device too."""
    second_factor.begin(actor=request.actor, now=request.now)
    return redirect("profile")


@require_POST
def confirm_second_factor(request: CallerRequest) -> HttpResponse:
    """Take the device's first code; the recovery codes are shown this once."""
    codes = second_factor.confirm(
        actor=request.actor, now=request.now, code=request.POST.get("code", "")[:40]
    )
    return _codes_once(request, codes)


@require_POST
def renew_recovery_codes(request: CallerRequest) -> HttpResponse:
    """Take new recovery codes in place of the old ones."""
    _require_password(request)
    codes = second_factor.renew_recovery_codes(actor=request.actor, now=request.now)
    return _codes_once(request, codes)


@require_POST
def drop_second_factor(request: CallerRequest) -> HttpResponse:
    """Log in with the password alone again."""
    _require_password(request)
    second_factor.remove(actor=request.actor, now=request.now, user_id=request.actor.id, reason="")
    messages.success(request, _("You log in with your password alone."))
    return redirect("profile")


def _me(request: CallerRequest) -> User:
    return reads.person(request.actor, request.actor.id)


def _knows_password(request: CallerRequest, user: User, text: str) -> bool:
    """Whether this is the person's password; whoever found a session open cannot guess it."""
    name, address = f"password of {user.id}", request.META.get("REMOTE_ADDR", "")
    if not log_in_allowed(name, address, request.now):
        raise Refused(_("The password was wrong too often. Wait a quarter of an hour."))
    is_right = user.check_password(text)
    (record_log_in if is_right else record_failed_log_in)(name, address, request.now)
    return is_right


def _require_password(request: CallerRequest) -> None:
    if not _knows_password(request, _me(request), request.POST.get("present", "")[:200]):
        raise Refused(_("This is not your present password."))


def _page(request: CallerRequest, form: PasswordForm, *, status: int = 200) -> HttpResponse:
    user = form.user
    begun = second_factor.begun(request.actor)
    context = {
        "me": user,
        "form": form,
        "has_second_factor": second_factor.is_asked_for(user),
        "codes_left": second_factor.recovery_codes_left(user.id),
        "begun": begun,
        "picture": _picture(begun.address) if begun else "",
        "keys": reads.keys(request.actor, user_id=user.id),
    }
    answer = render(request, "site/profile.html", context, status=status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _picture(address: str) -> str:
    """The address as a picture that a device's camera reads, within the page itself."""
    code = segno.make(address, error="m")
    return str(code.svg_data_uri(scale=4, border=4, dark="#000", light="#fff"))


def _codes_once(request: CallerRequest, codes: list[str]) -> HttpResponse:
    answer = render(request, "site/recovery_codes.html", {"codes": codes})
    answer.headers["Cache-Control"] = "no-store"
    return answer
