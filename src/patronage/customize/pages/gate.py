"""Which offers wait for my ruling, what is at stake, and how did I rule on the others?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from patronage.access.company import current
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.customize import reads
from patronage.customize.models import Treatment
from patronage.customize.reads import GateRow
from patronage.customize.stakes import last_run
from patronage.customize.words import EFFECT_TONES, EFFECT_WORDS, RULING_WORDS
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar

ROWS_A_PAGE: Final = 60
STATES: Final = ("waiting", "ruled", "all")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One view of the gate."""

    title: str
    href: str
    is_here: bool
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the gate with its words."""

    row: GateRow
    #: names the row in the page
    id: str
    effect: str
    tone: str
    #: why, in a sentence
    reason: str
    channels: str
    #: the last day on which the ruling counts; None: no end
    last_day: date | None
    #: whole days that it has waited; None: it does not
    days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateView:
    """The rows asked for, and what the page says about all of them."""

    lines: Sequence[Line]
    total: int
    #: `?after=` of the next page
    next: str | None
    waiting: int
    #: of those, how many the portfolio's default lets through
    let_through: int
    ruled: int
    #: the one that falls to its default next
    next_to_fall: GateRow | None
    #: the row with most at stake among those that wait
    largest: GateRow | None
    teams: Sequence[str]
    portfolios: Sequence[tuple[str, str]]
    tabs: Sequence[Tab]
    filters: Mapping[str, str]


@require_safe
def gate(request: CallerRequest) -> HttpResponse:
    """The offers at the gate of the reader's portfolios."""
    request.actor.require(Right.SEE_PROFITABILITY)
    rows = reads.gate(request.actor, request.now)
    template = "customize/gate_list.html" if request.htmx else "customize/gate.html"
    return render(request, template, gate_context(request, rows))


def gate_context(request: CallerRequest, rows: list[GateRow]) -> dict[str, Any]:
    """What the gate's templates show."""
    return {
        "gate": gate_view(rows, request.GET, channel_titles(request), request.now),
        "may_rule": request.actor.may(Right.RULE),
        "run": last_run(),
        "effects": EFFECT_WORDS.items(),
    }


def channel_titles(request: CallerRequest) -> dict[str, str]:
    """Channels as the company calls them."""
    company = request.company
    return {each.name: each.title for each in company.channels} if company else {}


def treatments_of(
    treatments: Iterable[Treatment], titles: Mapping[str, str]
) -> list[dict[str, Any]]:
    """What an offer says, and what saying it costs, by channel."""
    return [
        {
            "title": titles.get(each.channel, each.channel),
            "wording": each.wording,
            "cost_minor": each.cost_minor,
        }
        for each in treatments
    ]


def last_day(until: datetime, company: Company) -> date:
    """The last business day before an exclusive end."""
    return BusinessCalendar(company.time_zone).date_of(until - timedelta(microseconds=1))


def row_id(offer_id: str, portfolio_id: str) -> str:
    """What names a row in the page."""
    return f"row-{offer_id}-{portfolio_id}".replace("_", "-")


def line_of(row: GateRow, titles: Mapping[str, str], now: datetime) -> Line:
    """One row in the reader's words."""
    return Line(
        row=row,
        id=row_id(row.offer_id, row.portfolio_id),
        effect=str(EFFECT_WORDS[row.effect]),
        tone=EFFECT_TONES[row.effect],
        reason=str(RULING_WORDS.get(row.reason_code, row.reason_code)),
        channels=", ".join(titles.get(each, each) for each in row.channels),
        days=None if row.waits_since is None else max((now - row.waits_since).days, 0),
        last_day=None if row.valid_until is None else last_day(row.valid_until, current().company),
    )


def gate_view(
    rows: list[GateRow], asked: QueryDict, titles: Mapping[str, str], now: datetime
) -> GateView:
    """Search, filter, sort and cut the rows as the address asks."""
    waiting = [row for row in rows if row.waits]
    state = asked.get("state", "")
    state = state if state in STATES else ("waiting" if waiting else "all")
    found = sorted(_found(rows, state, asked), key=_SORTS.get(asked.get("sort", ""), _by_stake))
    start = _start(asked.get("after", ""))
    shown = found[start : start + ROWS_A_PAGE]
    more = start + ROWS_A_PAGE < len(found)
    counts = {"waiting": len(waiting), "ruled": len(rows) - len(waiting), "all": len(rows)}
    staked = [row for row in waiting if row.at_stake_minor]
    return GateView(
        lines=[line_of(row, titles, now) for row in shown],
        total=len(found),
        next=str(start + ROWS_A_PAGE) if more else None,
        waiting=counts["waiting"],
        let_through=sum(row.effect != "block" for row in waiting),
        ruled=counts["ruled"],
        next_to_fall=min(
            (row for row in waiting if row.falls_at is not None),
            key=lambda row: (row.falls_at, row.offer),
            default=None,
        ),
        largest=min(staked, key=_by_stake, default=None),
        teams=sorted({row.team for row in rows}),
        portfolios=sorted({(row.portfolio, row.portfolio_id) for row in rows}),
        tabs=[_tab(each, state, counts[each], asked) for each in STATES],
        filters={name: asked.get(name, "") for name in ("q", "team", "portfolio", "effect")}
        | {"state": state, "sort": asked.get("sort", "")},
    )


def _found(rows: list[GateRow], state: str, asked: QueryDict) -> list[GateRow]:
    wanted = {name: asked.get(name, "") for name in ("team", "portfolio_id", "effect")}
    wanted["portfolio_id"] = asked.get("portfolio", "")
    text = asked.get("q", "").strip().casefold()
    return [
        row
        for row in rows
        if (state == "all" or row.waits == (state == "waiting"))
        and all(getattr(row, name) == value for name, value in wanted.items() if value)
        and text in f"{row.offer} {row.team} {row.category}".casefold()
    ]


def _by_stake(row: GateRow) -> tuple[bool, float, str, str]:
    return not row.waits, -(row.at_stake_minor or 0), row.offer, row.portfolio


_SORTS: Final[Mapping[str, Callable[[GateRow], Any]]] = {
    "stake": _by_stake,
    "offer": lambda row: (row.offer, row.portfolio),
    "customers": lambda row: (-(row.best_for or 0), row.offer, row.portfolio),
    "age": lambda row: (
        row.waits_since is None,
        row.waits_since or row.valid_from,
        row.offer,
        row.portfolio,
    ),
    "saving": lambda row: (-row.face_value_minor, row.offer, row.portfolio),
}


def _start(after: str) -> int:
    return min(int(after), 1_000_000) if after.isascii() and after.isdigit() else 0


def _tab(name: str, state: str, count: int, asked: QueryDict) -> Tab:
    query = asked.copy()
    query.pop("after", None)
    query["state"] = name
    return Tab(
        title=_tab_words(name), href=f"?{query.urlencode()}", is_here=name == state, count=count
    )


def _tab_words(name: str) -> str:
    return {"waiting": _("Waiting"), "ruled": _("Ruled"), "all": _("All")}[name]
