"""Levers: what is one point more worth, and where?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from patronage.access.errors import NotFound
from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.differentiate.levers import POINT
from patronage.differentiate.pages.words import years_words
from patronage.steer.lever_tree import Branch, LeverTree, lever_tree
from patronage.steer.pages.statement_file import csv_file

COLUMNS = ("as_of", "portfolio", "manager", "lever", "worth_minor", "value_minor", "currency")

TITLES: Final[Mapping[str, Promise]] = {
    "acquisition": _("Acquisition"),
    "retention": _("Retention"),
    "frequency": _("Frequency"),
    "margin": _("Margin"),
    "cost_to_serve": _("Cost to serve"),
}
#: what the lever does for the customer base
AIMS: Final[Mapping[str, Promise]] = {
    "acquisition": _("acquire"),
    "retention": _("retain"),
    "frequency": _("grow"),
    "margin": _("grow"),
    "cost_to_serve": _("serve at less cost"),
}
MEANINGS: Final[Mapping[str, Promise]] = {
    "acquisition": _(
        "1% more customers like those won in the last year, each at the worth of their first day"
    ),
    "retention": _(
        "Of what is bought in a day now, one percentage point more is still bought in a year"
    ),
    "frequency": _("1% more shopping days for as long as customers stay"),
    "margin": _("One percentage point more of what is spent is kept as margin"),
    "cost_to_serve": _("Serving costs 1% less"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lever:
    """One lever as a row of the page."""

    title: Promise
    aim: Promise
    meaning: Promise
    #: None where it cannot be moved by a point
    worth_minor: int | None
    #: of the value; None where there is none
    share: float | None
    #: of the largest amount at stake
    width: float | None
    cells: Sequence[int | None]


@require_safe
def levers(request: CallerRequest) -> HttpResponse:
    """The lever tree of the reader's portfolios, as of the date asked for."""
    request.actor.require(Right.SEE_PROFITABILITY)
    try:
        tree = lever_tree(request.actor, request.now, as_of=request.as_of)
    except NotFound:
        return render(request, "steer/no_levers.html")
    if not tree.portfolios:
        return render(request, "steer/no_levers.html", {"no_portfolio": True})
    rows = [_row(tree, name) for name in tree.levers]
    best = rows[0]
    return render(
        request,
        "steer/levers.html",
        {
            "tree": tree,
            "rows": rows,
            "best": best,
            "retention": tree.total.retention,
            "retention_after": _a_point_more(tree.total),
            "bars": [
                {"label": row.title, "value": row.worth_minor}
                for row in rows
                if row.worth_minor is not None
            ],
            "years": years_words(tree.horizon_days),
        },
    )


@require_safe
def levers_csv(request: CallerRequest) -> HttpResponse:
    """Every portfolio's figure for every lever, exact minor units."""
    request.actor.require(Right.SEE_PROFITABILITY)
    tree = lever_tree(request.actor, request.now, as_of=request.as_of)
    return csv_file(f"levers-{tree.as_of}.csv", COLUMNS, _lines(tree))


def _row(tree: LeverTree, name: str) -> Lever:
    worth, most = tree.total.worth_minor[name], tree.total.worth_minor[tree.levers[0]]
    return Lever(
        title=TITLES[name],
        aim=AIMS[name],
        meaning=MEANINGS[name],
        worth_minor=worth,
        share=_share(worth, tree.total.value_minor),
        width=_share(worth, most),
        cells=[branch.worth_minor[name] for branch in tree.portfolios],
    )


def _share(part: int | None, whole: int | None) -> float | None:
    if part is None or not whole or whole < 0:
        return None
    return part / whole


def _a_point_more(branch: Branch) -> float | None:
    if branch.retention is None or branch.worth_minor["retention"] is None:
        return None
    return branch.retention + POINT


def _lines(tree: LeverTree) -> Iterator[tuple[object, ...]]:
    for branch in tree.portfolios:
        for name in tree.levers:
            yield (
                tree.as_of.isoformat(),
                branch.portfolio,
                branch.manager,
                name,
                branch.worth_minor[name],
                branch.value_minor,
                tree.currency,
            )
