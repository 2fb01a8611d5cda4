"""Who works here, in which roles, and what may each role do?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from patronage.access import people as actions
from patronage.access import reads, second_factor
from patronage.access.actor import open_roles
from patronage.access.api.people import temporary_password
from patronage.access.errors import Refused
from patronage.access.models import RoleGrant, User
from patronage.access.requests import CallerRequest
from patronage.access.roles import POLICY, Right, Role
from patronage.site.forms import chosen_role, reason_of
from patronage.site.words import CUSTOMERS_REACHED, OFFERS_REACHED, ROLE_WORDS, ROLE_WORK

_STATES = {"": None, "open": True, "closed": False}
#: roles of people, as a form offers them
PEOPLES_ROLES = tuple((role.value, ROLE_WORDS[role]) for role in Role if role is not Role.SERVICE)


class PersonForm(forms.Form):
    """A person to add."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    email = forms.CharField(
        label=gettext_lazy("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("They log in with it."),
    )
    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        choices=PEOPLES_ROLES,
        initial=Role.AGENT.value,
        help_text=gettext_lazy("Further roles are granted on the person's page."),
    )
    reason = forms.CharField(label=gettext_lazy("Why?"), max_length=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One person of the list."""

    user: User
    roles: Sequence[Promise]
    has_second_factor: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleLine:
    """One role with what it may do."""

    role: Role
    title: Promise
    work: Promise
    customers: Promise
    offers: Promise
    rights: Sequence[Right]
    #: whether a person may be given the role
    is_for_people: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantLine:
    """A role that somebody holds or held."""

    grant: RoleGrant
    title: Promise
    granted_by: str


@require_safe
def people(request: CallerRequest) -> HttpResponse:
    """Everybody who works or worked here."""
    request.actor.require(Right.ADMINISTER)
    return _list(request, PersonForm())


@require_POST
def add_person(request: CallerRequest) -> HttpResponse:
    """Add a person; the password for the first log-in is shown this once."""
    request.actor.require(Right.ADMINISTER)
    form = PersonForm(request.POST)
    if not form.is_valid():
        return _list(request, form, status=422)
    password, said = temporary_password(), form.cleaned_data
    try:
        user = actions.create_user(
            actor=request.actor,
            now=request.now,
            email=said["email"],
            name=said["name"],
            password=password,
            roles=[Role(said["role"])],
            reason=said["reason"],
            must_change_password=True,
        )
    except Refused as error:
        form.add_error(None, str(error))
        return _list(request, form, status=422)
    return _shown_once(request, user, password)


@require_safe
def person(request: CallerRequest, user_id: str) -> HttpResponse:
    """One person: roles then and now, keys, and what can be done."""
    request.actor.require(Right.ADMINISTER)
    user = reads.person(request.actor, user_id)
    held = open_roles(user, request.now)
    grants = reads.grants(request.actor, user_id)
    names = dict(
        User.objects.filter(pk__in={each.granted_by for each in grants}).values_list("id", "name")
    )
    context = {
        "person": user,
        "open": [_grant(each, names) for each in grants if each.ends_at is None],
        "ended": [_grant(each, names) for each in grants if each.ends_at is not None],
        "grantable": [(name, title) for name, title in PEOPLES_ROLES if Role(name) not in held],
        "keys": reads.keys(request.actor, user_id=user_id),
        "has_second_factor": second_factor.is_asked_for(user),
        "is_me": user.id == request.actor.id,
    }
    return render(request, "site/person.html", context)


@require_POST
def grant_role(request: CallerRequest, user_id: str) -> HttpResponse:
    """Give a person another role."""
    role = chosen_role(request)
    made = actions.grant_role(
        actor=request.actor,
        now=request.now,
        user_id=user_id,
        role=role,
        reason=reason_of(request),
    )
    said = {"name": made.user.name, "role": ROLE_WORDS[role]}
    messages.success(request, _("%(name)s now works as: %(role)s.") % said)
    return redirect("person", user_id)


@require_POST
def revoke_role(request: CallerRequest, user_id: str) -> HttpResponse:
    """End a role; the person's next request no longer has it."""
    role = chosen_role(request)
    ended = actions.revoke_role(
        actor=request.actor,
        now=request.now,
        user_id=user_id,
        role=role,
        reason=reason_of(request),
    )
    said = {"name": ended.user.name, "role": ROLE_WORDS[role]}
    messages.success(request, _("%(name)s no longer works as: %(role)s.") % said)
    return redirect("person", user_id)


@require_POST
def close_account(request: CallerRequest, user_id: str) -> HttpResponse:
    """Let a person who left neither log in nor act."""
    user = actions.close_account(
        actor=request.actor, now=request.now, user_id=user_id, reason=reason_of(request)
    )
    messages.success(request, _("The account of %(name)s is closed.") % {"name": user.name})
    return redirect("person", user_id)


@require_POST
def reopen_account(request: CallerRequest, user_id: str) -> HttpResponse:
    """Let a person whose account was closed work again."""
    user = actions.reopen_account(
        actor=request.actor, now=request.now, user_id=user_id, reason=reason_of(request)
    )
    messages.success(request, _("%(name)s can log in again.") % {"name": user.name})
    return redirect("person", user_id)


@require_POST
def reset_password(request: CallerRequest, user_id: str) -> HttpResponse:
    """Make a password for the next log-in; it is shown this once."""
    request.actor.require(Right.ADMINISTER)
    password = temporary_password()
    user = actions.set_password(
        actor=request.actor, now=request.now, user_id=user_id, password=password
    )
    return _shown_once(request, user, password)


@require_POST
def remove_second_factor(request: CallerRequest, user_id: str) -> HttpResponse:
    """Ask a person who lost their device for no code any more."""
    request.actor.require(Right.ADMINISTER)
    second_factor.remove(
        actor=request.actor, now=request.now, user_id=user_id, reason=reason_of(request)
    )
    messages.success(request, _("They log in with the password alone until they add a device."))
    return redirect("person", user_id)


@require_safe
def roles(request: CallerRequest) -> HttpResponse:
    """What each role may do, to whose things: the table that everything is asked of."""
    lines = [
        RoleLine(
            role=role,
            title=ROLE_WORDS[role],
            work=ROLE_WORK[role],
            customers=CUSTOMERS_REACHED[may.customers],
            offers=OFFERS_REACHED[may.offers],
            rights=[right for right in Right if right in may.rights],
            is_for_people=role is not Role.SERVICE,
        )
        for role, may in POLICY.items()
    ]
    context = {"lines": lines, "mine": request.actor.roles}
    return render(request, "site/roles.html", context)


def _list(request: CallerRequest, form: PersonForm, *, status: int = 200) -> HttpResponse:
    search = request.GET.get("q", "").strip()
    state = request.GET.get("state", "")
    found = reads.people(request.actor, search=search, is_active=_STATES.get(state))
    context = {
        "lines": [_line(each) for each in found],
        "q": search,
        "state": state,
        "form": form,
    }
    template = "site/people_list.html" if request.htmx else "site/people.html"
    return render(request, template, context, status=status)


def _line(user: User) -> Line:
    grants: list[RoleGrant] = user.open_grants  # type: ignore[attr-defined]  # from the read
    factor = getattr(user, "second_factor", None)
    return Line(
        user=user,
        roles=[ROLE_WORDS[Role(each.role)] for each in grants],
        has_second_factor=factor is not None and factor.confirmed_at is not None,
    )


def _grant(grant: RoleGrant, names: dict[str, str]) -> GrantLine:
    return GrantLine(
        grant=grant,
        title=ROLE_WORDS[Role(grant.role)],
        granted_by=names.get(grant.granted_by, grant.granted_by),
    )


def _shown_once(request: CallerRequest, user: User, password: str) -> HttpResponse:
    context = {"person": user, "password": password}
    answer = render(request, "site/password_once.html", context)
    answer.headers["Cache-Control"] = "no-store"
    return answer
