"""Who is this customer, who is in charge, what are they worth, and what do we do next?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from patronage.access.company import current
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.customize import reads as customize
from patronage.customize.models import Contact
from patronage.customize.words import (
    CONTACT_TONES,
    CONTACT_WORDS,
)
from patronage.differentiate import reads as differentiate
from patronage.differentiate.pages import ledger_of, objective_context, worth_of
from patronage.govern import reads as govern
from patronage.govern.pages import fence_context, service_tier_context
from patronage.govern.reads import MembershipRow
from patronage.identify import reads as identify
from patronage.interact.pages.advice import next_context, titles_of
from patronage.interact.pages.needs import needs_context
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar

CONTACTS_SHOWN: Final = 8

CAUSE_WORDS: Final[Mapping[str, Promise]] = {
    "entry": gettext_lazy("entered"),
    "policy": gettext_lazy("by the assignment policy"),
    "hand_over": gettext_lazy("handed over"),
    "merge": gettext_lazy("merged with another customer"),
    "unmerge": gettext_lazy("parted from another customer"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactLine:
    """A contact with its words."""

    contact: Contact
    channel: str
    state: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A stretch of time in one portfolio."""

    row: MembershipRow
    cause: str


@require_safe
def customer(request: CallerRequest, customer_id: str) -> HttpResponse:
    """One customer, as of today or of an earlier date."""
    view = identify.customer(request.actor, customer_id, request.now)
    company = current().company
    at = instant_shown(request, company)
    is_past = at < request.now
    actor, now = request.actor, request.now
    may_see_value = actor.may(Right.SEE_PROFITABILITY)
    worth = worth_of(differentiate.figures_over_time(actor, customer_id, now), request.as_of)
    in_charge = govern.manager_of(actor, customer_id, at, now=now)
    context = {
        "view": view,
        "customer": view.customer,
        "may_claim": request.actor.may(Right.CLAIM),
        "is_past": is_past,
        "in_charge": in_charge,
        "deputies": govern.deputies_of(actor, in_charge.portfolio_id, at, now=now),
        "facts": [
            {"label": _title_of(each.name), "value": each.value, "source": each.source}
            for each in view.facts
        ],
        "identifiers": [
            {"label": _title_of(each.kind), "value": each.value} for each in view.identifiers
        ],
        "stays": [_stay(row) for row in _begun(govern.history_of(actor, customer_id, now), at)],
        "may_see_value": may_see_value,
        "worth": worth,
        "horizon_years": round(company.horizon_days / 365.25),
        "discount": company.annual_discount_rate,
        "ledger": ledger_of(differentiate.profit_and_loss(actor, customer_id, now))
        if may_see_value and worth is not None and not is_past
        else None,
        "contacts": [] if is_past else _contacts(request, customer_id, company),
        "consents": [
            (titles_of(company).get(each.channel, each.channel), each) for each in view.consents
        ],
    }
    context |= needs_context(request, customer_id, at)
    if not is_past:
        context |= next_context(request, customer_id, company, now)
    if may_see_value and not is_past:
        context |= objective_context(request, customer_id)
        context |= service_tier_context(request, customer_id)
        context |= fence_context(request, customer_id)
    return render(request, "interact/customer.html", context)


def instant_shown(request: CallerRequest, company: Company) -> datetime:
    """The last instant of the date looked at; now where none was asked for."""
    if request.as_of is None:
        return request.now
    end = BusinessCalendar(company.time_zone).end_of_day(request.as_of)
    return min(request.now, end - timedelta(microseconds=1))


def _title_of(name: str) -> str:
    """A source's name of something as people write it."""
    return name.replace("_", " ").capitalize()


def _begun(rows: list[MembershipRow], at: datetime) -> list[MembershipRow]:
    return [row for row in reversed(rows) if row.starts_at <= at]


def _stay(row: MembershipRow) -> Stay:
    return Stay(row=row, cause=str(CAUSE_WORDS.get(row.cause, _("moved"))))


def _contacts(request: CallerRequest, customer_id: str, company: Company) -> list[ContactLine]:
    titles = titles_of(company)
    rows = customize.contacts_of(request.actor, customer_id, request.now, limit=CONTACTS_SHOWN)
    return [
        ContactLine(
            contact=each,
            channel=titles.get(each.channel, each.channel),
            state=str(CONTACT_WORDS[each.state]),
            tone=CONTACT_TONES[each.state],
        )
        for each in rows
    ]
