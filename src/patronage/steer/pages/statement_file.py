"""The statement as a CSV file: exact minor units, one row a portfolio and line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.identify.imports.quarantine import safe_cell
from patronage.steer import reads
from patronage.steer.models import LINES
from patronage.steer.reads import StatementView

COLUMNS = ("as_of", "state", "portfolio", "manager", "line", "amount_minor", "currency")


@require_safe
def statement_csv(request: CallerRequest, statement_id: str) -> HttpResponse:
    """Every line of every portfolio in the reader's scope."""
    request.actor.require(Right.SEE_STATEMENTS)
    shown = reads.statement(request.actor, statement_id, request.now)
    return csv_file(f"equity-{shown.head.as_of.isoformat()}.csv", COLUMNS, _rows(shown))


def csv_file(name: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> HttpResponse:
    """A file to take away; no text in it can be taken for a formula, amounts stay numbers."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([safe_cell(cell) if isinstance(cell, str) else cell for cell in row])
    return HttpResponse(
        buffer.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _rows(shown: StatementView) -> Iterator[tuple[object, ...]]:
    head = shown.head
    for column in shown.portfolios:
        for kind in LINES:
            amount = column.amounts_minor[kind]
            state, day = head.state, head.as_of.isoformat()
            yield day, state, column.portfolio, column.manager, kind, amount, head.currency
