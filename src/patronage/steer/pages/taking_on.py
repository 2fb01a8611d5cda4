"""Drafting, reviewing and publishing: who takes a statement on with their name."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from patronage.access.days import day_typed
from patronage.access.requests import CallerRequest
from patronage.steer import actions
from patronage.steer.models import Statement


@require_POST
def draft(request: CallerRequest) -> HttpResponseBase:
    """Draft the statement as of a date."""
    as_of = day_typed(request.POST.get("as_of", ""))
    made = actions.draft(actor=request.actor, now=request.now, as_of=as_of)
    messages.success(request, _("The statement is drafted. Another person can review it."))
    return _to(request, made)


@require_POST
def review(request: CallerRequest, statement_id: str) -> HttpResponseBase:
    """Say that a draft that somebody else made is right."""
    made = actions.review_statement(actor=request.actor, now=request.now, statement_id=statement_id)
    messages.success(request, _("The statement is reviewed. It can be published now."))
    return _to(request, made)


@require_POST
def publish(request: CallerRequest, statement_id: str) -> HttpResponseBase:
    """Publish a reviewed draft that somebody else made."""
    made = actions.publish_statement(
        actor=request.actor, now=request.now, statement_id=statement_id
    )
    messages.success(request, _("The statement is published. Its figures never change again."))
    return _to(request, made)


def _to(request: CallerRequest, made: Statement) -> HttpResponseBase:
    address = f"{reverse('steer:equity')}?{urlencode({'as_of': made.as_of.isoformat()})}"
    return HttpResponseClientRedirect(address) if request.htmx else HttpResponseRedirect(address)
