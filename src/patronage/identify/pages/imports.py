"""Imports: bring a file in, and what was brought in before."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from patronage.access.models import User
from patronage.access.requests import CallerRequest
from patronage.access.roles import SYSTEM_ID, Right
from patronage.identify import reads
from patronage.identify.models import ImportRun
from patronage.identify.pages.form import ImportForm
from patronage.identify.uploads import start_import


@require_http_methods(["GET", "POST"])
def imports(request: CallerRequest) -> HttpResponseBase:
    """The list with its form (GET), or a file to import (POST)."""
    request.actor.require(Right.SEE_IMPORTS)
    if request.method != "POST":
        return _page(request, ImportForm())
    request.actor.require(Right.IMPORT)
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form, status=422)
    run = start_import(
        actor=request.actor,
        now=request.now,
        mapping=form.cleaned_data["rule"],
        upload=form.cleaned_data["file"],
        joined=form.cleaned_data.get("joined"),
        file_name=form.file_name(),
    )
    return redirect("identify:import", import_id=run.id)


def _page(request: CallerRequest, form: ImportForm, status: int = 200) -> HttpResponse:
    page = reads.imports(request.actor, before=request.GET.get("after") or None)
    people = names_of(page.runs)
    context = {
        "form": form,
        "page": page,
        "listed": [{"run": run, "by": people[run.id]} for run in page.runs],
        "may_import": request.actor.may(Right.IMPORT),
    }
    return render(request, "identify/imports.html", context, status=status)


def names_of(runs: Iterable[ImportRun]) -> dict[str, str]:
    """Who brought each in, by the id of the import."""
    runs = list(runs)
    people = dict(User.objects.filter(id__in={r.actor_id for r in runs}).values_list("id", "name"))
    people[SYSTEM_ID] = "System"
    return {run.id: people.get(run.actor_id, run.actor_id) for run in runs}
