"""The customers behind a line of the statement as a CSV file: exact minor units, all pages."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.steer import reads
from patronage.steer.pages.statement_file import csv_file
from patronage.steer.reads import StatementView

COLUMNS = ("as_of", "line", "customer_id", "label", "portfolio", "amount_minor", "currency")
#: each piece reads the line anew; the stores take no more than so many ids in one question
_AT_ONCE = 30_000


@require_safe
def line_csv(request: CallerRequest, statement_id: str, kind: str) -> HttpResponse:
    """Everybody behind the line in the reader's sight, of one portfolio or of all in scope."""
    request.actor.require(Right.SEE_STATEMENTS)
    shown = reads.statement(request.actor, statement_id, request.now)
    name = f"equity-{shown.head.as_of.isoformat()}-{kind}.csv"
    return csv_file(name, COLUMNS, _rows(request, shown, kind))


def _rows(request: CallerRequest, shown: StatementView, kind: str) -> Iterator[tuple[object, ...]]:
    names = {column.portfolio_id: column.portfolio for column in shown.portfolios}
    day, currency, after = shown.head.as_of.isoformat(), shown.head.currency, None
    while True:
        page = reads.line_customers(
            request.actor,
            shown.head.id,
            kind=kind,
            now=request.now,
            portfolio_id=request.GET.get("portfolio") or None,
            after=after,
            limit=_AT_ONCE,
        )
        for row in page.rows:
            portfolio = names.get(row.portfolio_id, "")
            yield day, kind, row.customer_id, row.label, portfolio, row.amount_minor, currency
        after = page.next
        if after is None:
            return
