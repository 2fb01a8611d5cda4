"""What became of my team's offers: how each portfolio ruled, why, and whom they reached?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from patronage.access.company import current
from patronage.access.errors import Refused
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.customize import reads
from patronage.customize.actions import set_sales_target, withdraw_offer
from patronage.customize.actions.offers import own_teams
from patronage.customize.errors import OfferRefused
from patronage.customize.models import Offer, Ruling
from patronage.customize.pages.gate import channel_titles, treatments_of
from patronage.customize.pages.rulings import past
from patronage.customize.pages.versions import differences_in_words
from patronage.customize.reads import OfferInPortfolio, OfferView, ReasonCount
from patronage.customize.stakes import last_run
from patronage.customize.words import EFFECT_TONES, EFFECT_WORDS, REASON_NAMES, RULING_WORDS
from patronage.science.arbitration import Reason
from patronage.vocabulary.money import Money, MoneyError


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What one portfolio makes of an offer."""

    place: OfferInPortfolio
    ruling: Ruling | None
    effect: str
    tone: str
    reason: str
    #: customers by reason, in the order of the table's columns
    counts: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferLine:
    """An offer with what became of it, all portfolios together."""

    offer: Offer
    state: str
    tone: str
    #: portfolios whose manager ruled, the hardest word first
    ruled: Sequence[Place]
    #: portfolios where nobody has ruled yet
    unruled: int
    offered: int
    withheld: int
    #: sum over the rulings that say; None where none does
    forgone_minor: int | None


@require_safe
def offers(request: CallerRequest) -> HttpResponse:
    """The offers of the reader's own teams."""
    request.actor.require(Right.PROPOSE_OFFER)
    lines = [_line(each, request.now) for each in reads.my_offers(request.actor, request.now)]
    text = request.GET.get("q", "").strip().casefold()
    shown = [
        line
        for line in lines
        if text in f"{line.offer.name} {line.offer.category} {line.offer.ref}".casefold()
    ]
    context = {
        "lines": shown,
        "total": len(lines),
        "blocked": sum(_is_blocked(line) for line in lines),
        "forgone_minor": _sum([line.forgone_minor for line in lines]),
        "offered": sum(line.offered for line in lines),
        "q": request.GET.get("q", ""),
        "run": last_run(),
        "targets": [] if request.htmx else reads.sales_targets(request.actor, request.now),
    }
    template = "customize/offers_list.html" if request.htmx else "customize/offers.html"
    return render(request, template, context)


@require_POST
def sales_target(request: CallerRequest) -> HttpResponse:
    """Say what a team means to sell this quarter."""
    request.actor.require(Right.PROPOSE_OFFER)
    try:
        amount = Money.typed(request.POST.get("amount", ""), current().company.currency)
    except MoneyError as error:
        raise Refused(str(error)) from error
    made = set_sales_target(
        actor=request.actor,
        now=request.now,
        team=request.POST.get("team", ""),
        amount_minor=amount.minor,
    )
    said = _("The target of %(team)s is noted. No decision reads it.")
    messages.success(request, said % {"team": made.team.name})
    return redirect("customize:offers")


@require_safe
def offer(request: CallerRequest, offer_id: str) -> HttpResponse:
    """One offer: each portfolio's word on it, and how far it came with their customers."""
    view = reads.offer(request.actor, offer_id, request.now)
    names = _in_order(view.portfolios)
    places = [_place(each, names) for each in view.portfolios]
    funnel = _funnel(view.portfolios)
    told = [past(each) for each in reads.offer_rulings(request.actor, offer_id, request.now)]
    spoken = [each for each in told if not each.ruling.by_default]
    line = _line(view, request.now)
    context = {
        "offer": view.offer,
        "line": line,
        "treatments": treatments_of(view.treatments, channel_titles(request)),
        "in_portfolios": places,
        "reasons": [REASON_NAMES[name] for name in names],
        "funnel": [
            {"label": REASON_NAMES[each.reason], "value": each.customers} for each in funnel
        ],
        "considered": sum(each.customers for each in funnel),
        "chosen": sum(each.customers for each in funnel if each.reason in ("chosen", "withheld")),
        "is_mine": _is_mine(request, view.offer),
        "may_answer": _is_mine(request, view.offer),
        "spoken": spoken,
        "differences": differences_in_words(view.offer, channel_titles(request)),
        "newer": Offer.objects.filter(replaces=view.offer).first(),
        "is_open": _state(view.offer, request.now) != "closed",
        "run": last_run(),
    }
    return render(request, "customize/offer.html", context)


@require_POST
def withdraw(request: CallerRequest, offer_id: str) -> HttpResponse:
    """Close an offer from now on."""
    reason = request.POST.get("reason", "").strip()
    if not reason:
        raise OfferRefused(ref=offer_id, reason=_("say why it is withdrawn."))
    closed = withdraw_offer(
        actor=request.actor, now=request.now, offer_id=offer_id, reason=reason[:400]
    )
    messages.success(request, _("%(offer)s is withdrawn from now on.") % {"offer": closed.name})
    return redirect("customize:offer", closed.id)


def _is_mine(request: CallerRequest, offer: Offer) -> bool:
    if not request.actor.may(Right.PROPOSE_OFFER):
        return False
    return own_teams(request.actor).filter(pk=offer.team_id).exists()


def _funnel(portfolios: Sequence[OfferInPortfolio]) -> list[ReasonCount]:
    """How far the offer came with the customers of all portfolios together, in stage order."""
    totals: dict[str, int] = {}
    for each in (each for place in portfolios for each in place.reasons):
        totals[each.reason] = totals.get(each.reason, 0) + each.customers
    names = reversed(_in_order(portfolios))
    return [ReasonCount(reason=name, text="", customers=totals[name]) for name in names]


def _line(view: OfferView, now: datetime) -> OfferLine:
    places = [_place(each) for each in view.portfolios]
    ruled = [each for each in places if each.ruling is not None and not each.ruling.by_default]
    state = _state(view.offer, now)
    return OfferLine(
        offer=view.offer,
        state=_state_words(state),
        tone={"open": "good", "closed": "neutral", "coming": "info"}[state],
        ruled=sorted(ruled, key=_hardness),
        unruled=len(places) - len(ruled),
        offered=sum(each.place.offered for each in places),
        withheld=sum(each.place.withheld for each in places),
        forgone_minor=_sum([each.ruling.forgone_minor for each in ruled if each.ruling]),
    )


def _in_order(portfolios: Sequence[OfferInPortfolio]) -> list[str]:
    """The reasons that any portfolio counts, those that came furthest first."""
    there = {each.reason for place in portfolios for each in place.reasons}
    return [reason.name.lower() for reason in reversed(Reason) if reason.name.lower() in there]


def _place(place: OfferInPortfolio, names: Sequence[str] = ()) -> Place:
    ruling = place.ruling
    effect = "block" if ruling is None else ruling.effect
    known = {each.reason: each.customers for each in place.reasons}
    code = "default" if ruling is None else ruling.reason_code
    return Place(
        place=place,
        ruling=ruling,
        effect=str(EFFECT_WORDS[effect]),
        tone=EFFECT_TONES[effect],
        reason=str(RULING_WORDS.get(code, code)),
        counts=[known.get(name, 0) for name in names],
    )


def _bar(each: ReasonCount) -> dict[str, Any]:
    return {"label": REASON_NAMES[each.reason], "value": each.customers}


def _is_blocked(line: OfferLine) -> bool:
    return any(each.ruling is not None and each.ruling.effect == "block" for each in line.ruled)


def _hardness(each: Place) -> tuple[int, str]:
    order = {"block": 0, "adapt": 1, "allow": 2}
    return order[each.ruling.effect if each.ruling else "block"], each.place.portfolio


def _sum(amounts: Sequence[int | None]) -> int | None:
    known = [each for each in amounts if each is not None]
    return sum(known) if known else None


def _state(offer: Offer, now: datetime) -> str:
    if offer.valid_until is not None and offer.valid_until <= now:
        return "closed"
    return "coming" if offer.valid_from > now else "open"


def _state_words(state: str) -> str:
    return {"open": _("Open"), "closed": _("Closed"), "coming": _("Coming")}[state]
