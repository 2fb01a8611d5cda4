"""How something is spread: how many have how much, and who adds up to how much."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
from django.utils.translation import gettext as _

from patronage.site.chart_style import plotted, written
from patronage.site.charts.chart import (
    Chart,
    href_of,
    link,
    specification,
    tips,
    value_axis,
)

_HEIGHT = 220


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """How many lie from `low` up to `high`; an end that is None is open."""

    low: Any
    high: Any
    count: int
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A point of a curve; `label` is written beside it where it says something."""

    x: float
    y: Any
    label: str = ""


def histogram(
    bins: Iterable[Bin],
    *,
    finding: str,
    detail: str = "",
    unit: str = "",
    middle: Any = None,
    middle_label: str = "",
) -> Chart:
    """How many have how much; what is below zero has a colour and a side of its own.

    `middle` draws a line at a value, such as the median, with its label.
    """
    bins = tuple(bins)
    width = _width(bins, unit)
    marks = [_bar(each, unit, width) | link(each.href) for each in bins]
    plot = alt.Chart(alt.Data(values=marks))
    across = alt.X("start:Q", axis=value_axis(unit).copy(), scale=alt.Scale(nice=False))
    colour = alt.Color("kind:N", legend=None).scale(
        domain=["above", "below"], range=["@mark", "@loss"]
    )
    drawn = plot.mark_bar(cornerRadiusTopLeft=2, cornerRadiusTopRight=2, binSpacing=1).encode(
        x=across,
        x2="end:Q",
        y=alt.Y("count:Q", axis=_counts()),
        color=colour,
        tooltip=tips("label", "text"),
        **href_of(marks),
    )
    layers = [drawn]
    if middle is not None:
        layers += _line(plotted(middle, unit), middle_label)
    return Chart(
        finding=finding,
        detail=detail,
        spec=specification(alt.layer(*layers), 0) | {"height": _HEIGHT},
        columns=(_("From and up to"), _("Customers")),
        rows=tuple((m["label"], m.get("href", ""), (m["number"],)) for m in marks),
    )


def curve(
    places: Sequence[Place], *, finding: str, detail: str = "", unit: str = "", along: str = ""
) -> Chart:
    """What adds up along the way: a line from zero, with the telling places named.

    `along` says what is counted from left to right.
    """
    marks: list[dict[str, Any]] = [
        {
            "x": place.x,
            "y": plotted(place.y, unit),
            "label": f"{written(place.x, '')} {along}".strip(),
            "text": written(place.y, unit),
            "named": place.label,
        }
        for place in places
    ]
    plot = alt.Chart(alt.Data(values=marks))
    x = alt.X("x:Q", axis=alt.Axis(format="~s", tickCount=5, grid=False, title=along or None))
    y = alt.Y("y:Q", axis=value_axis(unit))
    area = plot.mark_area(opacity=0.12, color="@mark").encode(x=x, y=y)
    line = plot.mark_line(strokeWidth=2, color="@mark").encode(x=x, y=y)
    points = plot.mark_point(filled=True, size=220, opacity=0).encode(
        x=x, y=y, tooltip=tips("label", "text")
    )
    named = plot.transform_filter("datum.named != ''")
    dots = named.mark_point(filled=True, size=72, color="@mark", opacity=1).encode(x=x, y=y)
    reach = max((mark["x"] for mark in marks), default=0)
    right = f"datum.x > {reach} * 0.6"
    texts = [
        named.transform_filter(where)
        .mark_text(align=align, dx=dx, dy=dy, fontWeight=600, lineBreak="\n")
        .encode(x=x, y=y, text="named:N")
        for where, align, dx, dy in (
            (right, "right", 0, 22),
            (f"!({right})", "left", 10, 14),
        )
    ]
    return Chart(
        finding=finding,
        detail=detail,
        spec=specification(alt.layer(area, line, points, dots, *texts), 0) | {"height": _HEIGHT},
        columns=(along or _("Place"), _("Amount")),
        rows=tuple((m["label"], "", (m["text"],)) for m in marks),
    )


def _width(bins: Sequence[Bin], unit: str) -> float:
    """Of one bin as drawn: the open ones are as wide as the others."""
    closed = [b for b in bins if b.low is not None and b.high is not None]
    first = closed[0] if closed else None
    return plotted(first.high, unit) - plotted(first.low, unit) if first else 1.0


def _bar(each: Bin, unit: str, width: float) -> dict[str, Any]:
    if each.low is None and each.high is None:
        start, end, label = 0.0, width, _("All")
    elif each.low is None:
        end = plotted(each.high, unit)
        start, label = end - width, _("below %(high)s") % {"high": written(each.high, unit)}
    elif each.high is None:
        start = plotted(each.low, unit)
        end, label = start + width, _("%(low)s and more") % {"low": written(each.low, unit)}
    else:
        start, end = plotted(each.low, unit), plotted(each.high, unit)
        label = _("%(low)s to %(high)s") % {
            "low": written(each.low, unit),
            "high": written(each.high, unit),
        }
    number = written(each.count, "")
    return {
        "start": start,
        "end": end,
        "count": each.count,
        "kind": "below" if end <= 0 else "above",
        "label": label,
        "number": number,
        "text": _("%(number)s customers") % {"number": number},
    }


def _line(at: float, label: str) -> list[Any]:
    plot = alt.Chart(alt.Data(values=[{"at": at, "named": label}]))
    return [
        plot.mark_rule(color="@ink", strokeDash=[4, 4]).encode(x="at:Q"),
        plot.mark_text(align="left", dx=6, baseline="top", fontWeight=600).encode(
            x="at:Q", y=alt.value(0), text="named:N"
        ),
    ]


def _counts() -> Any:
    return alt.Axis(format="~s", tickCount=4, title=None)
