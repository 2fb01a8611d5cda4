"""The loop: when did it run last, is it complete, and what came out of each stage?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRefresh

from patronage.access.days import day_typed, day_typed_or_none
from patronage.access.requests import CallerRequest
from patronage.access.roles import Actor, Right
from patronage.steer import runs
from patronage.steer.cycle import may_run, require_rights
from patronage.steer.runs import CycleRun, StageRun
from patronage.steer.told import told
from patronage.vocabulary.money import Money

#: what a stage is called, and what it answers
STAGE_TITLES: Final[Mapping[str, Promise]] = {
    "value": gettext_lazy("Value the customers"),
    "assign": gettext_lazy("Assign portfolios"),
    "decide": gettext_lazy("Decide offers"),
    "deliver": gettext_lazy("Deliver contacts"),
    "read out": gettext_lazy("Read experiments out"),
    "statement": gettext_lazy("Draft the statement"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A stage as the page writes it."""

    run: StageRun
    title: str
    #: what came out; empty until it is done
    outcome: str
    #: where what came out can be read; empty where it has no page of its own
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A date's loop as the page writes it."""

    run: CycleRun
    stages: Sequence[Told]
    #: how many stages are done
    done: int
    #: the first stage that failed or was left
    halted: Told | None

    @property
    def current(self) -> Told | None:
        """The stage at work, or the next one."""
        return next((each for each in self.stages if each.run.state != "done"), None)


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def cycles(request: CallerRequest) -> HttpResponseBase:
    """The runs (GET), to htmx how far the last one is, or a date to run the loop for (POST)."""
    request.actor.require(Right.SEE_CYCLES)
    if request.method == "POST":
        require_rights(request.actor)
        as_of = day_typed(request.POST.get("as_of", ""))
        runs.start_cycle(actor=request.actor, now=request.now, as_of=as_of)
        return redirect("steer:cycles")
    last = runs.last_begun(request.actor, request.now)
    shown = None if last is None else _shown(last, request.actor)
    if request.htmx:
        if last is None or last.state != "running":
            return HttpResponseClientRefresh()
        return render(request, "steer/_cycle_progress.html", {"last": shown})
    return render(request, "steer/cycles.html", _context(request, shown))


def _context(request: CallerRequest, last: Shown | None) -> dict[str, Any]:
    before = request.GET.get("after", "")
    page = runs.cycles(request.actor, request.now, before=day_typed_or_none(before))
    usual = runs.usual_date(request.now) if request.company else None
    goes_on = last is not None and last.run.state in ("failed", "stopped")
    return {
        "last": last,
        "page": page,
        "listed": [_shown(each, request.actor) for each in page.cycles],
        "may_run": may_run(request.actor),
        "usual": usual,
        "goes_on": goes_on,
        "proposed": last.run.as_of if last is not None and goes_on else usual,
    }


def _shown(run: CycleRun, actor: Actor) -> Shown:
    stages = [_told(each, actor) for each in run.stages]
    halted = (each for each in stages if each.run.state in ("failed", "stopped"))
    return Shown(
        run=run,
        stages=stages,
        done=sum(each.run.state == "done" for each in stages),
        halted=next(halted, None),
    )


def _told(run: StageRun, actor: Actor) -> Told:
    outcome = told(run.name, run.result, amount=_amount) if run.state == "done" else ""
    href = ""
    # an administrator has no customers, so that the statement would be empty to them
    if outcome and run.name == "statement" and actor.may(Right.SEE_CUSTOMERS):
        query = urlencode({"statement": run.result["statement"]})
        href = f"{reverse('steer:equity')}?{query}"
    return Told(run=run, title=str(STAGE_TITLES[run.name]), outcome=outcome, href=href)


def _amount(money: Money) -> str:
    """Whole units with the currency's code, in the reader's language."""
    digits = number_format(round(money.major), 0, use_l10n=True, force_grouping=True)
    return f"{digits}\N{NO-BREAK SPACE}{money.currency}"
