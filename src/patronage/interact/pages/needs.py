"""What did the customer say they need? Written down in two clicks; the next best action follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from patronage.access import vault
from patronage.access.company import current
from patronage.access.errors import Refused
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.differentiate import actions as differentiate_actions
from patronage.differentiate import reads as differentiate
from patronage.differentiate.actions import note_name
from patronage.differentiate.models import Need
from patronage.interact import actions
from patronage.interact.pages.advice import next_context

#: Where something can be said, the likeliest first.
CHANNELS: Final[Mapping[str, Promise]] = {
    "call": gettext_lazy("On the phone"),
    "store": gettext_lazy("In the shop"),
    "chat": gettext_lazy("In a chat"),
    "email": gettext_lazy("By e-mail"),
}
_STATUS_WORDS: Final[Mapping[str, Promise]] = {
    "open": gettext_lazy("Open"),
    "fulfilled": gettext_lazy("Fulfilled"),
    "dropped": gettext_lazy("Dropped"),
}
_STATUS_TONES: Final = {"open": "info", "fulfilled": "good", "dropped": "neutral"}
_LONGEST_NOTE: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidNeed:
    """A need as it was said."""

    need: Need
    title: str
    channel: str
    status: str
    tone: str
    #: the customer's own words; empty where none were written down
    words: str
    is_open: bool


def needs_context(request: CallerRequest, customer_id: str, at: datetime) -> dict[str, Any]:
    """What the part with the needs shows."""
    titles = {need.name: need.title for need in current().company.needs}
    said = differentiate.needs_of(request.actor, customer_id, request.now)
    return {
        "customer_id": customer_id,
        "said_needs": [_said(each, titles, at) for each in said if each.said_at <= at],
        "need_titles": titles,
        "need_choices": list(titles.items()),
        "need_channels": list(CHANNELS.items()),
        "may_record": request.actor.may(Right.RECORD_NEED),
        "observed_need": titles.get(_observed(request, customer_id, at) or "", ""),
    }


@require_POST
def record_need(request: CallerRequest, customer_id: str) -> HttpResponse:
    """Write down what the customer said."""
    channel = request.POST.get("channel", "call")
    note = request.POST.get("note", "").strip()
    if channel not in CHANNELS:
        raise Refused(_("Say where it was said: choose one of the ways."))
    if len(note) > _LONGEST_NOTE:
        raise Refused(_("Keep the words to %(most)d characters.") % {"most": _LONGEST_NOTE})
    name = request.POST.get("need", "")
    if not name:
        raise Refused(_("Choose the need that the customer spoke of."))
    actions.record_said_need(
        actor=request.actor,
        now=request.now,
        customer_id=customer_id,
        need=name,
        channel=channel,
        note=note,
    )
    return _answer(request, customer_id, _("Written down; the next best action reckons with it."))


@require_POST
def close_need(request: CallerRequest, customer_id: str, need_id: str) -> HttpResponse:
    """Close a need that was met, or that the customer has no more."""
    status = request.POST.get("status", "")
    if status not in ("fulfilled", "dropped"):
        raise Refused(_("Say how the need ended: fulfilled or dropped."))
    differentiate_actions.close_need(
        actor=request.actor,
        now=request.now,
        need_id=need_id,
        status=status,
        reason=request.POST.get("reason", "").strip()[:200],
    )
    return _answer(request, customer_id, _("The need is closed."))


def _answer(request: CallerRequest, customer_id: str, said: str) -> HttpResponse:
    if not request.htmx:
        messages.success(request, said)
        return redirect("interact:customer", customer_id)
    context = needs_context(request, customer_id, request.now)
    # What was said in this very instant counts from the next one on.
    later = request.now + timedelta(microseconds=1)
    context |= next_context(request, customer_id, current().company, later) | {"said": said}
    return render(request, "interact/needs_changed.html", context)


def _said(need: Need, titles: Mapping[str, str], at: datetime) -> SaidNeed:
    closed_later = need.closed_at is not None and need.closed_at > at
    status = "open" if closed_later else need.status
    words = vault.get(need.customer_id, note_name(need.id)) if need.has_note else None
    return SaidNeed(
        need=need,
        title=titles.get(need.name, need.name),
        channel=str(CHANNELS.get(need.channel, need.channel)),
        status=str(_STATUS_WORDS[status]),
        tone=_STATUS_TONES[status],
        words=words or "",
        is_open=status == "open",
    )


def _observed(request: CallerRequest, customer_id: str, at: datetime) -> str | None:
    """The need that the purchases show, by the newest figures or those of the date looked at."""
    if at < request.now and request.as_of is not None:
        history = differentiate.figures_over_time(request.actor, customer_id, request.now)
        return next((each.need for each in reversed(history) if each.as_of <= request.as_of), None)
    latest = differentiate.latest_valuation(request.actor, customer_id, request.now)
    return latest.need if latest is not None else None
