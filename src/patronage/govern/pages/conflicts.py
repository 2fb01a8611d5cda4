"""Conflicts: who claims whom, what the declared order suggests, how it was ruled before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from patronage.access.days import period_typed, today
from patronage.access.errors import Refused
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.govern import actions, reads
from patronage.govern.models.conflicts import RULING_REASONS
from patronage.govern.pages import conflict_words as words
from patronage.govern.pages.conflict_words import words_of
from patronage.govern.pages.customer_typed import customer_typed

_ASKED = ("state", "kind", "search", "grounds", "criterion")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A conflict in the list, in words."""

    row: reads.ConflictRow
    state: str
    tone: str
    kind: str
    ruler: str
    sides: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One claim of a conflict, with what counts of it, in words."""

    row: reads.ClaimRow
    title: str
    grounds: str
    #: kind in words, id, words, and the kind itself for what can be opened
    evidence: Sequence[tuple[str, str, str, str]]
    end: str
    value_share: float | None
    last_decision: Any
    is_weighed: bool
    is_suggested: bool
    is_upheld: bool
    #: posted with a ruling
    more: dict[str, str]


@require_safe
def conflicts(request: CallerRequest) -> HttpResponse:
    """List conflicts, one's claims, and how conflicts were ruled on."""
    asked = {name: request.GET.get(name, "").strip() for name in _ASKED}
    state = asked["state"] if "state" in request.GET else "open"
    shown = reads.conflicts(request.actor, request.now, state=state, kind=asked["kind"])
    standing = reads.conflicts(request.actor, request.now, state="open")
    searched = {name: asked[name] for name in ("search", "grounds", "criterion")}
    may_claim = request.actor.may(Right.CLAIM)
    context: dict[str, Any] = {
        "asked": asked | {"state": state},
        "lines": [_line(each) for each in shown],
        "waiting": len(standing),
        "overdue": sum(each.state == "overdue" for each in standing),
        "claims": [
            (each, _title(each), words_of(words.GROUND_WORDS, each.grounds), _end(each))
            for each in (reads.claims(request.actor, request.now) if may_claim else ())
        ],
        "precedents": _precedents(reads.precedents(request.actor, request.now, **searched)),
        "searched": any(searched.values()),
        "states": [("open", _("Not ruled on yet")), *words.STATE_WORDS.items()],
        "kinds": words.KIND_WORDS.items(),
        "grounds": words.GROUND_WORDS.items(),
        "criteria": words.CRITERION_WORDS.items(),
        "may_claim": may_claim,
        "sees_value": request.actor.may(Right.SEE_PROFITABILITY),
    }
    if may_claim:
        context |= _to_claim(request)
    return render(request, "govern/conflicts.html", context)


@require_safe
def conflict(request: CallerRequest, conflict_id: str) -> HttpResponse:
    """One conflict: its claims side by side, the suggestion, precedents, and the ruling."""
    seen = reads.conflict(request.actor, request.now, conflict_id)
    may_rule = seen.row.may_rule and not seen.is_claimant
    context: dict[str, Any] = {
        "seen": seen,
        "line": _line(seen.row),
        "cards": _cards(seen),
        "steps": [
            (words_of(words.CRITERION_WORDS, each.criterion), _card_title(seen, each.claim_id))
            for each in seen.steps
        ],
        "suggested": _card_title(seen, seen.suggested_claim_id),
        "criterion": words_of(words.CRITERION_WORDS, seen.criterion),
        "precedents": _precedents(seen.precedents),
        "may_rule": may_rule,
        "reasons": [(each, words.REASON_WORDS[each]) for each in RULING_REASONS],
        "sees_value": request.actor.may(Right.SEE_PROFITABILITY),
        "sees_customer": request.actor.may(Right.SEE_CUSTOMERS),
        "today": today(request),
    }
    if seen.ruling is not None:
        context |= {
            "upheld": _card_title(seen, seen.ruling.claim_id),
            "ruled_by": words_of(words.CRITERION_WORDS, seen.ruling.criterion),
            "ruled_because": words_of(words.REASON_WORDS, seen.ruling.reason_code),
        }
    return render(request, "govern/conflict.html", context)


@require_POST
def rule_on_conflict(request: CallerRequest, conflict_id: str) -> HttpResponseBase:
    """Uphold one claim."""
    given = request.POST
    _starts, until = period_typed(request, last=given.get("last", ""))
    actions.rule_on_conflict(
        actor=request.actor,
        now=request.now,
        conflict_id=conflict_id,
        claim_id=given.get("claim", ""),
        reason_code=given.get("reason_code", ""),
        reason=given.get("reason", ""),
        until=until,
    )
    messages.success(request, _("Ruled on. What the claim asks for holds from now on."))
    return redirect("govern:conflict", conflict_id)


@require_POST
def claim(request: CallerRequest) -> HttpResponseBase:
    """Claim a customer."""
    request.actor.require(Right.CLAIM)
    given = request.POST
    kind, _colon, about = given.get("for", "").partition(":")
    if not kind:
        raise Refused(_("Choose what the claim is for."))
    pairs = zip(given.getlist("evidence_kind"), given.getlist("evidence_id"), strict=False)
    made = actions.make_claim(
        actor=request.actor,
        now=request.now,
        customer_id=customer_typed(request, given.get("customer", "")),
        kind=kind,
        grounds=given.get("grounds", ""),
        words=given.get("reason", ""),
        portfolio_id=about if kind == "portfolio" else "",
        offer_id=about if kind == "contact" else "",
        evidence=[
            actions.NewEvidence(kind=each, id=found) for each, found in pairs if found.strip()
        ],
    )
    if made.conflict is None:
        messages.success(request, _("Claimed. Nothing competes with it at present."))
        return redirect("govern:conflicts")
    messages.success(request, _("Claimed. It competes with another claim; a ruling follows."))
    return redirect("govern:conflict", made.conflict.id)


@require_POST
def withdraw_claim(request: CallerRequest, claim_id: str) -> HttpResponseBase:
    """Take a claim back."""
    actions.withdraw_claim(
        actor=request.actor,
        now=request.now,
        claim_id=claim_id,
        reason=request.POST.get("reason", ""),
    )
    messages.success(request, _("The claim is withdrawn."))
    return redirect("govern:conflicts")


def _to_claim(request: CallerRequest) -> dict[str, Any]:
    """What a claim can be for, and on which grounds."""
    offers = []
    if request.actor.may(Right.SEE_OFFERS):
        offers = reads.claimable_offers(request.actor, request.now)
    return {
        "portfolios": reads.claimable_portfolios(request.actor, request.now),
        "offers": offers,
        "claim_grounds": [
            (code, said) for code, said in words.GROUND_WORDS.items() if code != "holds"
        ],
        "evidence_kinds": words.EVIDENCE_WORDS.items(),
        "customer": request.GET.get("customer", ""),
    }


def _line(row: reads.ConflictRow) -> Line:
    return Line(
        row=row,
        state=words_of(words.STATE_WORDS, row.state),
        tone=words.STATE_TONES[row.state],
        kind=words_of(words.KIND_WORDS, row.kind),
        ruler=words_of(words.RULER_WORDS, row.ruler),
        sides=" · ".join(each or _("to be left in peace") for each in row.sides),
    )


def _title(row: reads.ClaimRow) -> str:
    return row.portfolio or row.offer or _("to be left in peace")


def _end(row: reads.ClaimRow) -> str:
    return words_of(words.END_WORDS, row.end) if row.end else ""


def _card_title(seen: reads.ConflictView, claim_id: str) -> str:
    return next((_title(each) for each in seen.claims if each.id == claim_id), "")


def _cards(seen: reads.ConflictView) -> list[Card]:
    weighed = {each.claim_id: each for each in seen.weighed}
    upheld = seen.ruling.claim_id if seen.ruling else ""
    return [
        Card(
            row=each,
            title=_title(each),
            grounds=words_of(words.GROUND_WORDS, each.grounds),
            evidence=[
                (words_of(words.EVIDENCE_WORDS, one.kind), one.id, one.words, one.kind)
                for one in each.evidence or ()
            ],
            end=_end(each),
            value_share=weighed[each.id].value_share if each.id in weighed else None,
            last_decision=weighed[each.id].last_decision if each.id in weighed else None,
            is_weighed=each.id in weighed and seen.row.kind == "ownership",
            is_suggested=each.id == seen.suggested_claim_id,
            is_upheld=each.id == upheld,
            more={"claim": each.id},
        )
        for each in seen.claims
    ]


def _precedents(found: Sequence[reads.Precedent]) -> list[dict[str, Any]]:
    return [
        {
            "row": each,
            "kind": words_of(words.KIND_WORDS, each.kind),
            "grounds": " / ".join(words_of(words.GROUND_WORDS, one) for one in each.grounds),
            "upheld": words_of(words.GROUND_WORDS, each.upheld),
            "criterion": words_of(words.CRITERION_WORDS, each.criterion),
            "reason": words_of(words.REASON_WORDS, each.reason_code),
        }
        for each in found
    ]
