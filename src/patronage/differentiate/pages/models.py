"""Models: who forecasts, how right were they, and what happens when a fit fails?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.access.scope import scope_of
from patronage.differentiate import reads
from patronage.differentiate.models import ModelVersion
from patronage.differentiate.pages.audit import nothing, run_shown
from patronage.differentiate.pages.backtests import board_context, name_of
from patronage.differentiate.pages.parameters import parameters_of
from patronage.differentiate.pages.words import cohort_words
from patronage.differentiate.reads.backtests import Champion, model_board, off_by
from patronage.differentiate.reads.grades import (
    QuarterGrade,
    Tenth,
    Tracking,
    tracking,
)

KIND_WORDS: Final[Mapping[str, Promise]] = {
    "purchase": gettext_lazy("When they buy"),
    "spend": gettext_lazy("How much they spend"),
    "response": gettext_lazy("How they answer offers"),
    "challenger": gettext_lazy("Who will buy"),
}


@require_safe
def models(request: CallerRequest) -> HttpResponse:
    """The models in use, their record with the customers in scope, and every fit there was."""
    request.actor.require(Right.SEE_PROFITABILITY)
    run = run_shown(request)
    if run is None:
        return render(request, "differentiate/nothing_valued.html", nothing(request))
    board = model_board(request.actor, request.now, as_of=request.as_of)
    grades = board.grades
    versions = [each for each in reads.model_versions(request.actor) if each.as_of <= run.as_of]
    champions = {each.version.id: each for each in board.champions}
    own = ModelVersion.objects.filter(pk__in=run.portfolio_models.values()).order_by("name")
    used = (run.purchase_model, *own, run.spend_model, run.challenger)
    in_use = {each.id: each for each in used if each is not None}
    context: dict[str, Any] = {
        "run": run,
        "champions": [
            _champion(each, champions.get(each.id), run.currency) for each in in_use.values()
        ],
        "kept": [_kept(each, versions) for each in in_use.values() if each.as_of < run.as_of],
        "fits": [_fit(each, in_use | _newest_response(versions)) for each in versions],
        "failed": sum(not each.converged for each in versions),
        "grades": [_graded(each) for each in reversed(grades)],
        "last": grades[-1] if grades else None,
        "sees_all": scope_of(request.actor, request.now).everything,
    }
    context |= board_context(board)
    if grades:
        context |= _plots(grades[-1])
    return render(request, "differentiate/models.html", context)


@require_safe
def model_tracking(request: CallerRequest) -> HttpResponse:
    """Expected against actual by week: a part of the page, asked for by it."""
    found = tracking(request.actor, request.now, as_of=request.as_of)
    context: dict[str, Any] = {"found": found}
    if found is not None and found.weeks:
        last = found.weeks[-1]
        off = off_by(last.expected, last.happened)
        context |= {
            "points": _lines(found),
            "off": off,
            "off_size": None if off is None else abs(off),
        }
    return render(request, "differentiate/_tracking.html", context)


def _newest_response(versions: Sequence[ModelVersion]) -> dict[str, ModelVersion]:
    """The response model that decisions use: a valuation rests on none."""
    answering = (each for each in versions if each.kind == "response" and each.converged)
    newest = next(answering, None)
    return {newest.id: newest} if newest else {}


def _champion(version: ModelVersion, chosen: Champion | None, currency: str) -> dict[str, Any]:
    parameters = parameters_of(version, currency)
    return {
        "chosen_on": chosen.chosen_on if chosen else None,
        "runner_up": chosen.runner_up if chosen else None,
        "ahead_by": chosen.ahead_by if chosen else None,
        "version": version,
        "name": name_of(version.name),
        "kind": KIND_WORDS.get(version.kind, version.kind),
        "parameters": parameters,
        "rests": any(each.is_at_limit for each in parameters),
    }


def _kept(version: ModelVersion, versions: Sequence[ModelVersion]) -> dict[str, Any]:
    """A model that stays in use though a later date was valued, and the fit that failed."""
    later = [v for v in versions if v.kind == version.kind and v.as_of > version.as_of]
    return {
        "kind": KIND_WORDS.get(version.kind, version.kind),
        "version": version,
        "failed": next((each for each in later if not each.converged), None),
    }


def _fit(version: ModelVersion, in_use: Mapping[str, ModelVersion]) -> dict[str, Any]:
    if version.id in in_use:
        state, tone = _("In use"), "good"
    elif version.converged:
        state, tone = _("Good, superseded"), "neutral"
    else:
        state, tone = _("Failed, never used"), "bad"
    each = None
    if version.log_likelihood is not None and version.customers:
        each = version.log_likelihood / version.customers
    return {
        "version": version,
        "name": name_of(version.name),
        "kind": KIND_WORDS.get(version.kind, version.kind),
        "state": state,
        "tone": tone,
        "score": each,
    }


def _graded(grade: QuarterGrade) -> dict[str, Any]:
    return {
        "grade": grade,
        "quarter": cohort_words(grade.quarter),
        "days_off": off_by(grade.expected_days, grade.days),
        "margin_off": off_by(grade.expected_margin_minor, grade.margin_minor),
        "is_hit": grade.buyers_low <= grade.buyers <= grade.buyers_high,
        "skill": 1 - grade.brier / grade.brier_of_base_rate if grade.brier_of_base_rate else None,
    }


def _plots(last: QuarterGrade) -> dict[str, Any]:
    off = off_by(last.expected_margin_minor, last.margin_minor)
    return {
        "last_quarter": cohort_words(last.quarter),
        "buying": _grades(last.buying, _("Least likely tenth"), _("Most likely tenth")),
        "buying_hits": sum(t.low <= t.expected <= t.high for t in last.buying),
        "shopping": _grades(last.shopping, _("Fewest days expected"), _("Most days expected")),
        "margin_off": off,
        "margin_off_size": abs(off) if off is not None else None,
    }


def _grades(tenths: Sequence[Tenth], first: str, last: str) -> list[dict[str, Any]]:
    names = {tenths[0].number: first, tenths[-1].number: last}
    return [
        {
            "label": names.get(each.number, _("Tenth %(number)d") % {"number": each.number}),
            "expected": each.expected,
            "actual": each.happened,
            "low": each.low,
            "high": each.high,
        }
        for each in reversed(tenths)
    ]


def _lines(found: Tracking) -> list[dict[str, Any]]:
    """Cumulative, so that the level shows as much as the shape."""
    expected, happened = _("expected"), _("happened")
    return [
        *({"at": w.until, "value": w.happened, "series": happened} for w in found.weeks),
        *({"at": w.until, "value": round(w.expected), "series": expected} for w in found.weeks),
    ]
