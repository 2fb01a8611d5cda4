"""Scorecards: what did each manager earn this quarter, beside the value they look after?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.differentiate.pages.words import quarter_words, years_words
from patronage.differentiate.reads.backtests import off_by
from patronage.steer import reads
from patronage.steer.pages.equity import likely_range, line_address
from patronage.steer.reads import ScorecardView


@require_safe
def scorecards(request: CallerRequest) -> HttpResponse:
    """The scorecards in scope, as of the date asked for."""
    request.actor.require(Right.SEE_STATEMENTS)
    heads = reads.statements(request.actor)
    if not heads or (request.as_of and request.as_of not in {head.as_of for head in heads}):
        newest = heads[0] if heads else None
        return render(request, "steer/no_scorecards.html", {"newest": newest})
    cards = reads.scorecards(request.actor, request.now, request.as_of)
    if not cards:
        return render(request, "steer/no_portfolio.html", {"head": heads[0]})
    graded = [
        (each, off_by(each.expected_minor, each.came_minor))
        for each in reads.grades(request.actor, request.now)
    ]
    return render(request, "steer/scorecards.html", _context(request, cards) | {"grades": graded})


def _context(request: CallerRequest, cards: Sequence[ScorecardView]) -> dict[str, Any]:
    expected = [card.expected_margin_minor for card in cards]
    known = [each for each in expected if each is not None]
    margin = sum(card.margin_minor for card in cards)
    horizon_days = request.company.horizon_days if request.company else 1095
    return {
        "cards": [
            {
                "card": card,
                "gap": _gap(card),
                "href": line_address(card.statement_id, "closing", card.portfolio_id),
            }
            for card in cards
        ],
        "first": cards[0],
        "quarter": quarter_words(cards[0].quarter),
        "managers": len({card.manager_id for card in cards}),
        "revenue": sum(card.revenue_minor for card in cards),
        "margin": margin,
        "expected": sum(known) if len(known) == len(cards) else None,
        "gap": margin - sum(known) if len(known) == len(cards) else None,
        "value": sum(card.value_minor for card in cards),
        "likely": likely_range(cards),
        "customers": sum(card.customers for card in cards),
        "years": years_words(horizon_days),
        "estimates": [
            {
                "label": card.portfolio,
                "value": card.value_minor,
                "low": card.value_low_minor,
                "high": card.value_high_minor,
                "href": line_address(card.statement_id, "closing", card.portfolio_id),
            }
            for card in cards
        ],
    }


def _gap(card: ScorecardView) -> int | None:
    if card.expected_margin_minor is None:
        return None
    return card.margin_minor - card.expected_margin_minor
