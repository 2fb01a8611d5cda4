"""What happened with the customer, newest first, some at a time?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from patronage.access.company import current
from patronage.access.errors import Refused
from patronage.access.requests import CallerRequest
from patronage.identify import reads as identify
from patronage.identify.timeline import TimelineEntry
from patronage.interact.pages.customer import instant_shown
from patronage.vocabulary.periods import as_utc

ENTRIES_A_PAGE: Final = 20
_TONES: Final = {"redemption": "good", "contact": "info", "interaction": "info"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that happened, in the reader's words."""

    at: datetime
    title: str
    detail: str
    tone: str
    href: str
    amount_minor: int | None


@require_safe
def timeline(request: CallerRequest, customer_id: str) -> HttpResponse:
    """The entries before an instant, as items to append."""
    limit = instant_shown(request, current().company)
    asked = request.GET.get("before", "")
    before = min(_instant(asked), limit) if asked else None if limit == request.now else limit
    page = identify.timeline(request.actor, customer_id, request.now, before, ENTRIES_A_PAGE)
    more = ""
    if page.next is not None:
        query = {"before": page.next.isoformat()}
        if request.as_of is not None:
            query["as_of"] = request.as_of.isoformat()
        more = f"{reverse('interact:timeline', args=[customer_id])}?{urlencode(query)}"
    items = [_item(entry) for entry in page.entries]
    context = {"items": items, "more": more, "is_first": not asked}
    return render(request, "interact/timeline.html", context)


def _instant(text: str) -> datetime:
    try:
        return as_utc(datetime.fromisoformat(text))
    except ValueError as error:
        raise Refused(
            _("%(text)s is no instant. Load the customer's page again.") % {"text": text[:40]}
        ) from error


def _item(entry: TimelineEntry) -> Item:
    decision = entry.subject_id if entry.subject_id.startswith("dec_") else ""
    return Item(
        at=entry.at,
        title=_title(entry),
        detail=_detail(entry),
        tone=_TONES.get(entry.kind, "neutral"),
        href=reverse("customize:decision", args=[decision]) if decision else "",
        amount_minor=entry.amount_minor,
    )


def _title(entry: TimelineEntry) -> str:
    details: Mapping[str, object] = entry.details
    if entry.kind == "orders":
        orders = int(str(details["orders"]))
        return ngettext("%(n)d order", "%(n)d orders", orders) % {"n": orders}
    if entry.kind == "redemption":
        return _("Offer %(ref)s taken up") % {"ref": details["offer_ref"]}
    return entry.title


def _detail(entry: TimelineEntry) -> str:
    details = entry.details
    if entry.kind == "orders":
        lines = int(details["lines"])
        return ngettext("%(n)d line", "%(n)d lines", lines) % {"n": lines}
    if entry.kind == "interaction":
        return _("written down by %(agent)s") % {"agent": details["agent"]}
    if entry.kind == "consent":
        return str(details["source"])
    if entry.kind == "contact":
        return str(details.get("wording") or details.get("campaign_kind") or "")
    return ""
