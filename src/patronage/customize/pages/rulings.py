"""Allow, adapt or block one offer in one portfolio: what it forgoes first, then the word itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from patronage.access.company import current
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.customize import reads
from patronage.customize.actions import (
    RulingPreview,
    answer_ruling,
    preview_ruling,
    rule,
    take_back_ruling,
)
from patronage.customize.actions.rulings import EFFECTS
from patronage.customize.errors import RulingRefused
from patronage.customize.models import Ruling
from patronage.customize.pages.gate import (
    channel_titles,
    gate_context,
    last_day,
    line_of,
    row_id,
    treatments_of,
)
from patronage.customize.pages.ruling_forms import (
    amount_of,
    asked_of,
    changes_of,
    choices_of,
    end_of,
)
from patronage.customize.pages.versions import differences_in_words
from patronage.customize.reads import RulingView, rulings
from patronage.customize.stakes import last_run
from patronage.customize.words import (
    EFFECT_TONES,
    EFFECT_VERBS,
    EFFECT_WORDS,
    REASONS_READY,
    RULING_WORDS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRuling:
    """A ruling with its words."""

    view: RulingView
    effect: str
    tone: str
    reason: str
    #: the last day on which it counts, or counted; None: no end
    last_day: date | None

    @property
    def ruling(self) -> Ruling:
        """The row itself."""
        return self.view.ruling


@require_http_methods(["GET", "HEAD", "POST"])
def ruling(request: CallerRequest, offer_id: str, portfolio_id: str) -> HttpResponse:
    """One offer in one portfolio: what it is, how it was ruled, and the form to rule anew."""
    if request.method == "POST":
        return _rule(request, offer_id, portfolio_id)
    request.actor.require(Right.SEE_PROFITABILITY)
    history = rulings(request.actor, offer_id, portfolio_id, request.now)
    asked = request.GET.get("effect", "")
    effect = asked if asked in EFFECTS else ""
    told = [past(each) for each in history]
    context = _form_context(request, history[0], effect) | {
        "in_force": [each for each in told if each.view.state == "in force"],
        "before": [each for each in told if each.view.state != "in force"],
        "row": _row(request, offer_id, portfolio_id),
        "may_answer": request.actor.may(Right.RULE),
        "differences": differences_in_words(history[0].ruling.offer, channel_titles(request)),
    }
    template = "customize/ruling_form.html" if request.htmx else "customize/ruling.html"
    return render(request, template, context)


@require_POST
def preview(request: CallerRequest, offer_id: str, portfolio_id: str) -> HttpResponse:
    """What the ruling being written changes and forgoes, before it is saved."""
    (standing, *_rest) = rulings(request.actor, offer_id, portfolio_id, request.now)
    effect = request.POST.get("effect", "adapt")
    effect = effect if effect in EFFECTS else "adapt"
    asked = asked_of(request.POST, effect, standing.ruling.offer)
    context = _form_context(request, standing, effect, asked)
    return render(request, "customize/ruling_preview.html", context)


@require_POST
def answer(request: CallerRequest, ruling_id: str) -> HttpResponse:
    """Write to the other side of a ruling; back to the page that it was written on."""
    made = answer_ruling(
        actor=request.actor,
        now=request.now,
        ruling_id=ruling_id,
        text=request.POST.get("text", ""),
    )
    messages.success(request, _("Sent: it stands beside the ruling."))
    about = made.ruling
    if made.by_owner:
        return redirect("customize:offer", about.offer_id)
    return redirect("customize:ruling", about.offer_id, about.portfolio_id)


@require_POST
def take_back(request: CallerRequest, ruling_id: str) -> HttpResponse:
    """End a ruling now."""
    ended = take_back_ruling(
        actor=request.actor,
        now=request.now,
        ruling_id=ruling_id,
        reason=request.POST.get("reason", "").strip(),
    )
    messages.success(request, _("The ruling is taken back; what held before it holds again."))
    return redirect("customize:ruling", ended.offer_id, ended.portfolio_id)


def _rule(request: CallerRequest, offer_id: str, portfolio_id: str) -> HttpResponse:
    request.actor.require(Right.RULE)
    before = rulings(request.actor, offer_id, portfolio_id, request.now)[0].ruling
    effect = request.POST.get("effect", "")
    code = request.POST.get("reason_code", "")
    if not code:
        raise RulingRefused(_("Say why: choose one of the reasons. The offer's owner reads it."))
    made = rule(
        actor=request.actor,
        now=request.now,
        offer_id=offer_id,
        portfolio_id=portfolio_id,
        reason_code=code,
        reason=request.POST.get("reason", "").strip(),
        valid_until=end_of(request.POST, current().company),
        **asked_of(request.POST, effect, before.offer),
    )
    said = _said(made, before)
    if not request.htmx:
        messages.success(request, said)
        return redirect("customize:ruling", offer_id, portfolio_id)
    rows = reads.gate(request.actor, request.now)
    (row,) = [
        each for each in rows if (each.offer_id, each.portfolio_id) == (offer_id, portfolio_id)
    ]
    line = line_of(row, channel_titles(request), request.now)
    context = gate_context(request, rows) | {"line": line, "said": said, "is_swap": True}
    return render(request, "customize/gate_ruled.html", context)


def _said(made: Ruling, before: Ruling) -> str:
    if made.about:
        return _("%(effect)s for some of %(portfolio)s: %(offer)s. You can take it back.") % {
            "effect": EFFECT_WORDS[made.effect],
            "portfolio": before.portfolio.name,
            "offer": before.offer.name,
        }
    return _("%(effect)s for %(portfolio)s: %(offer)s. You can change it at any time.") % {
        "effect": EFFECT_WORDS[made.effect],
        "portfolio": before.portfolio.name,
        "offer": before.offer.name,
    }


def _button_words(code: str) -> str:
    return _("Another reason, as written above") if code == "other" else str(RULING_WORDS[code])


def past(view: RulingView) -> PastRuling:
    """A ruling in the reader's words."""
    made = view.ruling
    return PastRuling(
        view=view,
        last_day=None
        if made.valid_until is None
        else last_day(made.valid_until, current().company),
        effect=str(EFFECT_WORDS[made.effect]),
        tone=EFFECT_TONES[made.effect],
        reason=str(RULING_WORDS.get(made.reason_code, made.reason_code)),
    )


def _row(request: CallerRequest, offer_id: str, portfolio_id: str) -> Any:
    if request.htmx:
        return None
    for row in reads.gate(request.actor, request.now):
        if (row.offer_id, row.portfolio_id) == (offer_id, portfolio_id):
            return row
    return None


def _form_context(
    request: CallerRequest,
    view: RulingView,
    effect: str,
    asked: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    standing = view.ruling
    offer = standing.offer
    treatments = list(offer.treatments.order_by("channel"))
    if asked is None:
        kept = standing.adaptation if effect == "adapt" else {}
        customer_id = request.GET.get("customer", "")[:40] or None
        asked = {"effect": effect, "adaptation": kept, "customer_id": customer_id}
    adaptation: Mapping[str, Any] = asked["adaptation"]
    return {
        "offer": offer,
        "row_id": row_id(standing.offer_id, standing.portfolio_id),
        "treatments": treatments_of(treatments, channel_titles(request)),
        "portfolio": standing.portfolio,
        "standing": past(view),
        "customer_id": asked.get("customer_id") or "",
        "tested": (1, 2, 5),
        "effect": effect,
        "effects": [(each, EFFECT_VERBS[each], each == effect) for each in EFFECTS],
        "verb": EFFECT_VERBS.get(effect, ""),
        "reasons": [(code, _button_words(code)) for code in REASONS_READY.get(effect, ())],
        "preview": _preview(request, standing, asked),
        "changes": changes_of(request, offer, treatments, adaptation),
        "face_value": amount_of(adaptation.get("face_value_minor", offer.face_value_minor), offer),
        "channels": choices_of(request, treatments, adaptation.get("channels")),
        "options": [
            each | {"is_on": each["name"] in adaptation.get("options", [each["name"]])}
            for each in offer.options
        ],
        "wording": adaptation.get("wording", ""),
        "not_before": adaptation.get("not_before", ""),
        "may_rule": request.actor.may(Right.RULE),
        "run": last_run(),
    }


def _preview(
    request: CallerRequest, standing: Ruling, asked: Mapping[str, Any]
) -> RulingPreview | None:
    effect, may = asked["effect"], request.actor.may(Right.RULE)
    if not effect or not may or (effect == "adapt" and not asked["adaptation"]):
        return None
    return preview_ruling(
        actor=request.actor,
        now=request.now,
        offer_id=standing.offer_id,
        portfolio_id=standing.portfolio_id,
        **asked,
    )
