"""Why was this decided? The winner, what it was worth, and why each other candidate lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.customize import reads
from patronage.customize.log import Candidate
from patronage.customize.models import Ruling
from patronage.customize.pages.gate import channel_titles
from patronage.customize.replay import replay
from patronage.customize.words import (
    CONTACT_TONES,
    CONTACT_WORDS,
    OUTCOME_TONES,
    OUTCOME_WORDS,
    REASON_NAMES,
    REASON_WORDS,
    RULING_WORDS,
    reason_tone,
)
from patronage.vocabulary.money import currency_decimals

_MINUS: Final = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """One offer that was considered: the furthest that any of its treatments came, and why."""

    offer_id: str
    offer: str
    #: channels in which it came that far
    channels: str
    name: str
    tone: str
    text: str
    #: expected incremental value in whole units of the currency, as exact as it is small;
    #: None where it fell out before that was asked
    earns: float | None
    #: the manager's word that decided, where it stopped the offer or was lifted for a test
    ruling: str = ""

    @property
    def earns_text(self) -> str:
        """The same as people write it; empty where it is not known."""
        if self.earns is None:
            return ""
        digits = number_format(f"{abs(self.earns):.4f}", use_l10n=True)
        below_zero = self.earns < 0.0 and any(each in digits for each in "123456789")
        return f"{_MINUS}{digits}" if below_zero else digits


def fates(
    candidates: Iterable[Candidate],
    titles: Mapping[str, str],
    currency: str,
    rulings: Mapping[str, Ruling],
) -> Sequence[Fate]:
    """Candidates by offer, winners first: an offer's other channels add nothing a reader needs."""
    grouped: dict[str, list[Candidate]] = {}
    for each in candidates:
        grouped.setdefault(each.offer_id, []).append(each)
    scale = 10 ** currency_decimals(currency)
    return [_fate(each, titles, scale, rulings) for each in grouped.values()]


def _fate(
    candidates: Sequence[Candidate],
    titles: Mapping[str, str],
    scale: int,
    rulings: Mapping[str, Ruling],
) -> Fate:
    """Candidates of one offer come the furthest first."""
    best = candidates[0]
    ruling = rulings.get(best.ruling_id or "")
    alike = [each.channel for each in candidates if each.reason == best.reason]
    won = best.reason in ("chosen", "withheld")
    return Fate(
        offer_id=best.offer_id,
        offer=best.offer,
        channels=", ".join(titles.get(name, name) for name in (alike[:1] if won else alike)),
        name=str(REASON_NAMES[best.reason]),
        tone=reason_tone(best.reason),
        text=str(REASON_WORDS[best.reason]),
        earns=None if best.score_minor is None else best.score_minor / scale,
        ruling="" if ruling is None else _said(ruling, stopped=best.reason == "blocked"),
    )


def _said(ruling: Ruling, *, stopped: bool) -> str:
    """Whose word it was, on whom, and why; nothing where the offer was simply let through."""
    if not stopped and ruling.effect == "block":
        return _("%(who)s blocked it; this customer is in the share for whom that is tested.") % {
            "who": ruling.actor_name
        }
    if not stopped or ruling.by_default:
        return ""
    on = (
        _("for this customer")
        if ruling.customer_id
        else _("for a segment")
        if ruling.when
        else _("for the portfolio")
    )
    said = RULING_WORDS.get(ruling.reason_code, ruling.reason_code)
    return f"{ruling.actor_name}, {on}: {ruling.reason or said}"


@require_safe
def decision(request: CallerRequest, decision_id: str) -> HttpResponse:
    """A decision as a person would read it."""
    view = reads.decision(request.actor, decision_id, request.now)
    made = view.decision
    again = replay(made)
    currency = request.company.currency if request.company else "XXX"
    explained = fates(view.candidates, channel_titles(request), currency, view.rulings)
    contact = view.contact
    context = {
        "decision": made,
        "customer": made.customer,
        "outcome": OUTCOME_WORDS[made.outcome],
        "outcome_tone": OUTCOME_TONES[made.outcome],
        "winner": explained[0] if explained and made.treatment_id else None,
        "fates": explained,
        "runner_up": _runner_up(explained) if made.treatment_id else None,
        "contact": contact,
        "contact_state": CONTACT_WORDS[contact.state] if contact else "",
        "contact_tone": CONTACT_TONES[contact.state] if contact else "neutral",
        "replayed": again,
        "may_see_value": request.actor.may(Right.SEE_PROFITABILITY),
        "versions": [
            (name, made.versions[name])
            for name in ("valuation", "policy", "company", "response_model", "run", "holdout")
            if made.versions.get(name) is not None
        ],
    }
    return render(request, "customize/decision.html", context)


def _runner_up(explained: Sequence[Fate]) -> Fate | None:
    rest = [each for each in explained[1:] if each.earns is not None and each.earns > 0.0]
    return max(rest, key=lambda each: each.earns or 0.0, default=None)
