"""Who is behind a bar of the statement? The customers, largest first, adding up to the bar."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from patronage.access.errors import NotFound
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.differentiate.pages.words import quarter_words
from patronage.steer import reads
from patronage.steer.models import LINES
from patronage.steer.pages.equity import line_address
from patronage.steer.pages.words import MEANINGS, TITLES, total_words


@require_safe
def behind_line(request: CallerRequest, statement_id: str, kind: str) -> HttpResponse:
    """The customers behind one line, of one portfolio or of all in scope."""
    request.actor.require(Right.SEE_STATEMENTS)
    if kind not in LINES:
        raise NotFound(noun="line", id=kind)
    shown = reads.statement(request.actor, statement_id, request.now)
    chosen = request.GET.get("portfolio") or None
    behind = reads.line_customers(
        request.actor,
        statement_id,
        kind=kind,
        now=request.now,
        portfolio_id=chosen,
        after=request.GET.get("after") or None,
    )
    names = {column.portfolio_id: column.portfolio for column in shown.portfolios}
    largest = max((abs(row.amount_minor) for row in behind.rows), default=0)
    everybody = total_words(is_enterprise=shown.is_enterprise)
    context: dict[str, Any] = {
        "head": shown.head,
        "quarter": quarter_words(shown.head.quarter),
        "statement_url": f"{reverse('steer:equity')}?{urlencode({'statement': statement_id})}",
        "title": TITLES[kind],
        "meaning": MEANINGS[kind],
        "csv": _file(statement_id, kind, chosen),
        "behind": behind,
        "whose": names.get(chosen, everybody) if chosen else everybody,
        "rows": [
            {
                "row": row,
                "portfolio": names.get(row.portfolio_id, ""),
                "share": abs(row.amount_minor) / largest if largest else None,
            }
            for row in behind.rows
        ],
        "views": [
            {
                "title": title,
                "href": line_address(statement_id, kind, portfolio_id),
                "is_here": portfolio_id == chosen,
            }
            for portfolio_id, title in ({None: everybody} | names).items()
        ],
    }
    return render(request, "steer/behind_line.html", context)


def _file(statement_id: str, kind: str, portfolio_id: str | None) -> str:
    address = reverse("steer:line-csv", args=[statement_id, kind])
    return f"{address}?{urlencode({'portfolio': portfolio_id})}" if portfolio_id else address
