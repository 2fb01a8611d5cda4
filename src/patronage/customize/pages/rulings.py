"""Allow, adapt or block one offer in one portfolio: what it forgoes first, then the word itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.customize import reads
from patronage.customize.actions import RulingPreview, preview_ruling, rule
from patronage.customize.actions.rulings import EFFECTS
from patronage.customize.errors import RulingRefused
from patronage.customize.models import Offer, Ruling, Treatment
from patronage.customize.pages.gate import (
    channel_titles,
    gate_context,
    line_of,
    row_id,
    treatments_of,
)
from patronage.customize.reads.rulings import ruling_history
from patronage.customize.stakes import last_run
from patronage.customize.words import (
    EFFECT_TONES,
    EFFECT_VERBS,
    EFFECT_WORDS,
    REASONS_READY,
    RULING_WORDS,
)
from patronage.vocabulary.money import Money, MoneyError, currency_decimals


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that a ruling changes about an offer."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRuling:
    """A ruling with its words."""

    ruling: Ruling
    effect: str
    tone: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A channel that the offer can go out in."""

    name: str
    title: str
    wording: str
    is_on: bool


@require_http_methods(["GET", "HEAD", "POST"])
def ruling(request: CallerRequest, offer_id: str, portfolio_id: str) -> HttpResponse:
    """One offer in one portfolio: what it is, how it was ruled, and the form to rule anew."""
    if request.method == "POST":
        return _rule(request, offer_id, portfolio_id)
    request.actor.require(Right.SEE_PROFITABILITY)
    history = ruling_history(request.actor, offer_id, portfolio_id, request.now)
    asked = request.GET.get("effect", "")
    effect = asked if asked in EFFECTS else ""
    context = _form_context(request, history, effect) | {
        "history": [_past(each) for each in history],
        "row": _row(request, offer_id, portfolio_id),
    }
    template = "customize/ruling_form.html" if request.htmx else "customize/ruling.html"
    return render(request, template, context)


@require_POST
def preview(request: CallerRequest, offer_id: str, portfolio_id: str) -> HttpResponse:
    """What the adaptation being written changes and forgoes, before it is saved."""
    history = ruling_history(request.actor, offer_id, portfolio_id, request.now)
    adaptation = _adaptation(request.POST, history[0].offer)
    context = _form_context(request, history, "adapt", adaptation)
    return render(request, "customize/ruling_preview.html", context)


def _rule(request: CallerRequest, offer_id: str, portfolio_id: str) -> HttpResponse:
    request.actor.require(Right.RULE)
    history = ruling_history(request.actor, offer_id, portfolio_id, request.now)
    effect = request.POST.get("effect", "")
    code = request.POST.get("reason_code", "")
    if not code:
        raise RulingRefused(_("Say why: choose one of the reasons. The offer's owner reads it."))
    made = rule(
        actor=request.actor,
        now=request.now,
        offer_id=offer_id,
        portfolio_id=portfolio_id,
        effect=effect,
        reason_code=code,
        reason=request.POST.get("reason", "").strip(),
        adaptation=_adaptation(request.POST, history[0].offer) if effect == "adapt" else {},
    )
    said = _said(made, history[0])
    if not request.htmx:
        messages.success(request, said)
        return redirect("customize:ruling", offer_id, portfolio_id)
    rows = reads.gate(request.actor, request.now)
    (row,) = [
        each for each in rows if (each.offer_id, each.portfolio_id) == (offer_id, portfolio_id)
    ]
    line = line_of(row, channel_titles(request))
    context = gate_context(request, rows) | {"line": line, "said": said, "is_swap": True}
    return render(request, "customize/gate_ruled.html", context)


def _said(made: Ruling, before: Ruling) -> str:
    return _("%(effect)s for %(portfolio)s: %(offer)s. You can change it at any time.") % {
        "effect": EFFECT_WORDS[made.effect],
        "portfolio": before.portfolio.name,
        "offer": before.offer.name,
    }


def _button_words(code: str) -> str:
    return _("Another reason, as written above") if code == "other" else str(RULING_WORDS[code])


def _past(made: Ruling) -> PastRuling:
    return PastRuling(
        ruling=made,
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
    history: Sequence[Ruling],
    effect: str,
    adaptation: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    standing = history[0]
    offer = standing.offer
    treatments = list(offer.treatments.order_by("channel"))
    if adaptation is None:
        adaptation = standing.adaptation if effect == "adapt" else {}
    return {
        "offer": offer,
        "row_id": row_id(standing.offer_id, standing.portfolio_id),
        "treatments": treatments_of(treatments, channel_titles(request)),
        "portfolio": standing.portfolio,
        "standing": _past(standing),
        "effect": effect,
        "effects": [(each, EFFECT_VERBS[each], each == effect) for each in EFFECTS],
        "verb": EFFECT_VERBS.get(effect, ""),
        "reasons": [(code, _button_words(code)) for code in REASONS_READY.get(effect, ())],
        "preview": _preview(request, standing, effect, adaptation),
        "changes": _changes(request, offer, treatments, adaptation),
        "face_value": _amount(adaptation.get("face_value_minor", offer.face_value_minor), offer),
        "channels": _choices(request, treatments, adaptation.get("channels")),
        "wording": adaptation.get("wording", ""),
        "not_before": adaptation.get("not_before", ""),
        "may_rule": request.actor.may(Right.RULE),
        "run": last_run(),
    }


def _preview(
    request: CallerRequest, standing: Ruling, effect: str, adaptation: Mapping[str, Any]
) -> RulingPreview | None:
    if not effect or not request.actor.may(Right.RULE) or (effect == "adapt" and not adaptation):
        return None
    return preview_ruling(
        actor=request.actor,
        now=request.now,
        offer_id=standing.offer_id,
        portfolio_id=standing.portfolio_id,
        effect=effect,
        adaptation=dict(adaptation) if effect == "adapt" else None,
    )


def _adaptation(posted: QueryDict, offer: Offer) -> dict[str, Any]:
    """What the form changes about the offer as proposed; what is left as it was is no change."""
    changed: dict[str, Any] = {}
    face_value = posted.get("face_value", "").strip()
    if face_value:
        minor = _minor(face_value, offer.currency)
        if minor != offer.face_value_minor:
            changed["face_value_minor"] = minor
    there = sorted(offer.treatments.values_list("channel", flat=True))
    chosen = sorted(posted.getlist("channels"))
    if chosen != there:
        changed["channels"] = chosen
    wording = posted.get("wording", "").strip()
    if wording:
        changed["wording"] = wording
    day = posted.get("not_before", "").strip()
    if day:
        changed["not_before"] = day
    return changed


def _minor(text: str, currency: str) -> int:
    try:
        return Money.typed(text, currency).minor
    except MoneyError as error:
        raise RulingRefused(
            _("The saving is an amount such as 1.50; found %(text)s.") % {"text": text[:40]}
        ) from error


def _amount(minor: int, offer: Offer) -> str:
    return f"{Money(minor, offer.currency).major:.{currency_decimals(offer.currency)}f}"


def _choices(
    request: CallerRequest, treatments: Sequence[Treatment], kept: Sequence[str] | None
) -> list[Choice]:
    titles = channel_titles(request)
    return [
        Choice(
            name=each.channel,
            title=titles.get(each.channel, each.channel),
            wording=each.wording,
            is_on=kept is None or each.channel in kept,
        )
        for each in treatments
    ]


def _changes(
    request: CallerRequest,
    offer: Offer,
    treatments: Sequence[Treatment],
    adaptation: Mapping[str, Any],
) -> list[Change]:
    """Before and after, one line for each thing changed."""
    changes: list[Change] = []
    if "face_value_minor" in adaptation:
        before, after = (
            f"{_amount(each, offer)} {offer.currency}"
            for each in (offer.face_value_minor, adaptation["face_value_minor"])
        )
        changes.append(Change(what=_("Saving"), before=before, after=after))
    if "channels" in adaptation:
        titles = channel_titles(request)
        before, after = (
            ", ".join(titles.get(name, name) for name in names)
            for names in ([each.channel for each in treatments], adaptation["channels"])
        )
        changes.append(Change(what=_("Channels"), before=before, after=after))
    if "wording" in adaptation:
        said = " · ".join(dict.fromkeys(each.wording for each in treatments))
        changes.append(Change(what=_("Wording"), before=said, after=adaptation["wording"]))
    if "not_before" in adaptation:
        changes.append(
            Change(what=_("Goes out"), before=_("at once"), after=_not_before(adaptation))
        )
    return changes


def _not_before(adaptation: Mapping[str, Any]) -> str:
    return _("not before %(day)s") % {"day": adaptation["not_before"]}
