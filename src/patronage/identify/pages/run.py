"""One import: how far is it, what landed, what did not fit and why?"""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRefresh

from patronage.access.errors import Refused
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.identify import reads
from patronage.identify.pages.imports import names_of

_ROWS = 50


@require_safe
@vary_on_headers("HX-Request")
def import_run(request: CallerRequest, import_id: str) -> HttpResponseBase:
    """The import's page; to htmx, which asks every second, how far it is."""
    run = reads.import_run(request.actor, import_id)
    if request.htmx:
        if run.state != "running":
            return HttpResponseClientRefresh()
        return render(request, "identify/_progress.html", {"run": run})
    rows = reads.quarantine(request.actor, import_id, after=_after(request), limit=_ROWS)
    context: dict[str, Any] = {
        "run": run,
        "by": names_of([run])[run.id],
        "rows": rows,
        "sum": run.rows_landed + run.rows_repeated + run.rows_quarantined,
        "may_import": request.actor.may(Right.IMPORT),
    }
    return render(request, "identify/import.html", context)


@require_safe
def quarantine_csv(request: CallerRequest, import_id: str) -> HttpResponseBase:
    """Every row that did not fit, as a file."""
    run = reads.import_run(request.actor, import_id)
    return StreamingHttpResponse(
        reads.quarantine_csv(request.actor, run.id),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="quarantine-{run.id}.csv"'},
    )


def _after(request: CallerRequest) -> int:
    text = request.GET.get("after", "") or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Refused(f"{text!r} is no line of this list. Begin with its first page.")
    return int(text)
