"""Equity: what are the customers worth, how did that move, and why?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from patronage.access.requests import CallerRequest
from patronage.access.roles import SYSTEM_ID, Right
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.pages.words import quarter_words
from patronage.govern.reads import overdue
from patronage.steer import reads
from patronage.steer.models import LINES
from patronage.steer.pages.quarter_before import quarter_before
from patronage.steer.pages.words import (
    LEVELS,
    MEANINGS,
    TITLES,
    UNPAID,
    total_words,
)
from patronage.steer.reads import Column, ScorecardView, StatementHead, StatementView

_QUARTERS_SHOWN = 8
#: movements that come with the quarter's passing, whatever customers do
_TIME: Final = frozenset({"expected_margin", "unwinding", "roll_forward"})
#: a few cents, for the table only
_CENTS: Final = frozenset({"rounding"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One line of one column, and the customers behind it."""

    amount_minor: int
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the statement, over all portfolios shown."""

    title: str
    meaning: str
    is_level: bool
    #: nobody caused it, and nobody is paid for it
    is_unpaid: bool
    cells: Sequence[Cell]
    total: Cell

    @property
    def group(self) -> str:
        """The opening and what customers and time did, what is shown apart, the closing."""
        if self.is_level:
            return "level"
        return "apart" if self.is_unpaid else "moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A portfolio beside the others."""

    column: Column
    href: str
    closing_minor: int
    change_minor: int
    #: closing less opening, as a share of the opening; None where there was none
    change: float | None
    #: share of the value above zero that all portfolios shown close with
    share: float | None
    #: realised as a share of expected margin; None where nothing was expected
    margin_ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A movement that stands out."""

    title: str
    amount_minor: int


@require_safe
def equity(request: CallerRequest) -> HttpResponse:
    """The statement of the date asked for: the published one, else the newest draft."""
    request.actor.require(Right.SEE_STATEMENTS)
    heads = reads.statements(request.actor)
    named = request.GET.get("statement", "")
    there = {head.as_of for head in heads}
    if not named and (not heads or (request.as_of and request.as_of not in there)):
        return render(request, "steer/no_statement.html", _nothing(request, heads))
    shown = reads.statement(request.actor, named or request.as_of, request.now)
    cards = reads.scorecards(request.actor, request.now, shown.head.id)
    if not shown.portfolios:
        return render(request, "steer/no_portfolio.html", {"head": shown.head})
    return render(request, "steer/equity.html", _context(request, shown, cards, heads))


def _nothing(request: CallerRequest, heads: Sequence[StatementHead]) -> dict[str, Any]:
    valued = ValuationRun.objects.order_by("-as_of").values_list("as_of", flat=True)
    if request.as_of:
        valued = valued.filter(as_of=request.as_of)
    return {
        "asked": request.as_of,
        "valued": valued.first(),
        "newest": heads[0] if heads else None,
        "may_draft": request.actor.may(Right.DRAFT_STATEMENT),
        "may_see_cycles": request.actor.may(Right.SEE_CYCLES),
    }


def _context(
    request: CallerRequest,
    shown: StatementView,
    cards: Sequence[ScorecardView],
    heads: Sequence[StatementHead],
) -> dict[str, Any]:
    total = shown.total.amounts_minor
    change = total["closing"] - total["opening"]
    return {
        "head": shown.head,
        "overdue": overdue(request.actor, request.now),
        "quarter": quarter_words(shown.head.quarter),
        "total": shown.total,
        "total_title": total_words(is_enterprise=shown.is_enterprise),
        "is_enterprise": shown.is_enterprise,
        "opening": total["opening"],
        "closing": total["closing"],
        "change": change,
        "change_share": change / total["opening"] if total["opening"] > 0 else None,
        "change_share_size": -change / total["opening"] if total["opening"] > 0 else None,
        "total_margin_ratio": _ratio(shown.total),
        "roc_reason": _(
            "A return needs an opening, a discount rate and equity above zero to be earned on."
        ),
        "likely": likely_range(cards),
        "moves": _moves(total),
        "time_alone": sum(total[kind] for kind in _TIME),
        "margin_gap": _gap(shown.total),
        "steps": _steps(shown),
        "movements": _movements(shown) if total["opening"] else [],
        "lines": _lines(shown),
        "chances": _chances(shown) if shown.total.frequency else [],
        "shared": reads.shared_experience(request.actor, shown.head.id, request.now),
        "before": quarter_before(request.actor, request.now, shown, heads),
        "beside": [_beside(shown, column) for column in shown.portfolios],
        "quarters": _quarters(heads, shown.head),
        "others": [h for h in heads if h.as_of == shown.head.as_of and h.id != shown.head.id],
        "may_review": request.actor.may(Right.REVIEW_STATEMENT),
        "may_publish": request.actor.may(Right.PUBLISH_STATEMENT),
        "is_drafter": shown.head.drafted_by_id == request.actor.id,
        "is_only_reviewer": shown.head.drafted_by_id == SYSTEM_ID
        and shown.head.reviewed_by_id == request.actor.id,
    }


def _chances(shown: StatementView) -> list[dict[str, Any]]:
    """Each column's experience beside what chance alone would have done, the sum last."""
    columns = shown.portfolios if len(shown.portfolios) > 1 else []
    title = total_words(is_enterprise=shown.is_enterprise)
    return [
        {"title": column.portfolio if column.portfolio_id else title, "column": column}
        for column in (*columns, shown.total)
    ]


def likely_range(cards: Sequence[ScorecardView]) -> tuple[int, int]:
    """The 90 % interval of the sum, customers taken as independent: variances add."""
    value = sum(card.value_minor for card in cards)
    half = hypot(*((card.value_high_minor - card.value_low_minor) / 2 for card in cards))
    return round(value - half), round(value + half)


def line_address(statement_id: str, kind: str, portfolio_id: str | None) -> str:
    """The page with the customers behind a line."""
    address = reverse("steer:line", args=[statement_id, kind])
    return f"{address}?{urlencode({'portfolio': portfolio_id})}" if portfolio_id else address


def _moves(total: Mapping[str, int]) -> list[Movement]:
    """What moved the value besides the passing of the quarter, largest first."""
    quiet = LEVELS | _TIME | _CENTS
    kinds = [kind for kind in LINES if kind not in quiet and total[kind]]
    kinds.sort(key=lambda kind: -abs(total[kind]))
    return [Movement(title=str(TITLES[kind]), amount_minor=total[kind]) for kind in kinds]


def _movements(shown: StatementView) -> list[dict[str, Any]]:
    """The movements by themselves: beside the levels they are too small to be seen."""
    total = shown.total.amounts_minor
    moved = [step for step in _steps(shown) if not step["is_level"]]
    change = total["closing"] - total["opening"]
    return [*moved, {"label": _("In all"), "value": change, "is_level": True, "href": ""}]


def _steps(shown: StatementView) -> list[dict[str, Any]]:
    """The bars: levels always, movements where something moved."""
    amounts = shown.total.amounts_minor
    return [
        {
            "label": TITLES[kind],
            "value": amounts[kind],
            "is_level": kind in LEVELS,
            "href": line_address(shown.head.id, kind, None),
        }
        for kind in LINES
        if kind in LEVELS or (amounts[kind] and kind not in _CENTS)
    ]


def _lines(shown: StatementView) -> list[Line]:
    def cell(column: Column, kind: str) -> Cell:
        return Cell(
            amount_minor=column.amounts_minor[kind],
            href=line_address(shown.head.id, kind, column.portfolio_id),
        )

    return [
        Line(
            title=str(TITLES[kind]),
            meaning=str(MEANINGS[kind]),
            is_level=kind in LEVELS,
            is_unpaid=kind in UNPAID,
            cells=[cell(column, kind) for column in shown.portfolios],
            total=cell(shown.total, kind),
        )
        for kind in LINES
    ]


def _beside(shown: StatementView, column: Column) -> Beside:
    opening, closing = column.amounts_minor["opening"], column.amounts_minor["closing"]
    all_closing = shown.total.amounts_minor["closing"]
    return Beside(
        column=column,
        href=line_address(shown.head.id, "closing", column.portfolio_id),
        closing_minor=closing,
        change_minor=closing - opening,
        change=(closing - opening) / opening if opening > 0 else None,
        share=closing / all_closing if all_closing > 0 else None,
        margin_ratio=_ratio(column),
    )


def _ratio(column: Column) -> float | None:
    expected = column.expected_margin_minor
    return column.realised_margin_minor / expected if expected and expected > 0 else None


def _gap(column: Column) -> int | None:
    if column.expected_margin_minor is None:
        return None
    return column.realised_margin_minor - column.expected_margin_minor


def _quarters(heads: Sequence[StatementHead], here: StatementHead) -> list[dict[str, Any]]:
    """One tab a date stated, newest first."""
    dates = dict.fromkeys(head.as_of for head in heads)
    first = {head.as_of: head for head in reversed(heads)}
    return [
        {
            "title": quarter_words(first[day].quarter),
            "href": f"{reverse('steer:equity')}?{urlencode({'as_of': day.isoformat()})}",
            "is_here": day == here.as_of,
        }
        for day in list(dates)[:_QUARTERS_SHOWN]
    ]
