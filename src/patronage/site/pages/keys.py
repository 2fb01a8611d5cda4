"""Which keys do other systems call with, who may use them, and when were they used last?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from patronage.access import keys as actions
from patronage.access import reads
from patronage.access.errors import Refused
from patronage.access.models import ApiKey, User
from patronage.access.requests import CallerRequest
from patronage.access.roles import POLICY, Right, Role
from patronage.site.forms import reason_of
from patronage.site.words import CUSTOMERS_REACHED, ROLE_WORDS

#: how long a replaced key may go on, in hours
OVERLAPS = (
    ("0", gettext_lazy("ends at once")),
    ("24", gettext_lazy("goes on for a day")),
    ("168", gettext_lazy("goes on for a week")),
)


class KeyForm(forms.Form):
    """A key to make."""

    label = forms.CharField(
        label=gettext_lazy("What calls with it"),
        max_length=200,
        help_text=gettext_lazy("Such as: web shop, till, notebook of Ana."),
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), initial=Role.SERVICE.value)
    whose = forms.ChoiceField(label=gettext_lazy("Acts as"))

    def __init__(self, *args: Any, roles: Sequence[Role], may_be_a_system: bool) -> None:
        super().__init__(*args)
        self.fields["role"].choices = [(role.value, ROLE_WORDS[role]) for role in roles]  # type: ignore[attr-defined]  # a ChoiceField
        system = [("system", _("a system of its own"))] if may_be_a_system else []
        self.fields["whose"].choices = [*system, ("me", _("myself, in my scope"))]  # type: ignore[attr-defined]  # a ChoiceField


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLine:
    """One key, without the key itself."""

    key: ApiKey
    role: Promise
    reach: Promise
    state: str
    tone: str
    can_change: bool


@require_safe
def keys(request: CallerRequest) -> HttpResponse:
    """The keys that the reader may change: all of them for an administrator, else their own."""
    return _list(request, _form(request))


@require_POST
def create_key(request: CallerRequest) -> HttpResponse:
    """Make a key; it is shown this once."""
    form = _form(request, request.POST)
    if not form.is_valid():
        return _list(request, form, status=422)
    said = form.cleaned_data
    user = User.objects.filter(pk=request.actor.id).first() if said["whose"] == "me" else None
    try:
        made, raw = actions.create_key(
            actor=request.actor,
            now=request.now,
            label=said["label"],
            role=Role(said["role"]),
            user=user,
        )
    except Refused as error:
        form.add_error(None, str(error))
        return _list(request, form, status=422)
    return _shown_once(request, made, raw)


@require_POST
def rotate_key(request: CallerRequest, key_id: str) -> HttpResponse:
    """Make a key in the place of another; it is shown this once."""
    hours = request.POST.get("overlap", "0")
    if hours not in dict(OVERLAPS):
        raise Refused(_("Choose how long the old key goes on."))
    made, raw = actions.rotate_key(
        actor=request.actor,
        now=request.now,
        key_id=key_id,
        reason=reason_of(request),
        overlap=timedelta(hours=int(hours)),
    )
    return _shown_once(request, made, raw)


@require_POST
def revoke_key(request: CallerRequest, key_id: str) -> HttpResponse:
    """End a key; the next call with it is refused."""
    ended = actions.revoke_key(
        actor=request.actor, now=request.now, key_id=key_id, reason=reason_of(request)
    )
    messages.success(request, _("%(label)s no longer opens anything.") % {"label": ended.label})
    return redirect("keys")


def _form(request: CallerRequest, *data: Any) -> KeyForm:
    return KeyForm(
        *data,
        roles=reads.roles_to_make_keys_in(request.actor),
        may_be_a_system=request.actor.may(Right.ADMINISTER),
    )


def _list(request: CallerRequest, form: KeyForm, *, status: int = 200) -> HttpResponse:
    found = reads.keys(request.actor)
    context = {
        "lines": [_line(each, request.now) for each in found],
        "form": form,
        "overlaps": OVERLAPS,
        "is_administrator": request.actor.may(Right.ADMINISTER),
    }
    return render(request, "site/api_keys.html", context, status=status)


def _line(key: ApiKey, now: datetime) -> KeyLine:
    role = Role(key.role)
    stands = key.revoked_at is None
    ending = not stands and key.revoked_at is not None and key.revoked_at > now
    state, tone = (
        (_("open"), "good") if stands else (_("ends soon"), "warning") if ending else ("", "")
    )
    return KeyLine(
        key=key,
        role=ROLE_WORDS[role],
        reach=CUSTOMERS_REACHED[POLICY[role].customers],
        state=state or _("ended"),
        tone=tone or "neutral",
        can_change=stands or ending,
    )


def _shown_once(request: CallerRequest, key: ApiKey, raw: str) -> HttpResponse:
    answer = render(request, "site/key_once.html", {"key": key, "raw": raw})
    answer.headers["Cache-Control"] = "no-store"
    return answer
