"""Lines over time, with a band where what they show is estimated."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import altair as alt
from django.utils.translation import gettext as _

from patronage.site import formats
from patronage.site.chart_style import plotted, written
from patronage.site.charts.chart import Chart, specification, tips, value_axis


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A value at a date, with an interval where it is estimated."""

    at: date
    value: Any
    low: Any = None
    high: Any = None
    series: str = ""


def line_with_band(
    points: Iterable[Point], *, finding: str, detail: str = "", unit: str = ""
) -> Chart:
    """A value over time; the band is where it likely lies. Each series is labelled at its end."""
    points = tuple(points)
    series = list(dict.fromkeys(point.series for point in points))
    marks = [
        {
            "at": point.at.isoformat(),
            "day": written_day(point.at),
            "value": plotted(point.value, unit),
            "low": None if point.low is None else plotted(point.low, unit),
            "high": None if point.high is None else plotted(point.high, unit),
            "series": point.series,
            "text": written(point.value, unit),
        }
        for point in points
    ]
    time = alt.X("at:T", scale=alt.Scale(type="utc"), axis=days_axis(points))
    height = alt.Y("value:Q", axis=value_axis(unit), scale=alt.Scale(zero=False, nice=True))
    colour = alt.Color("series:N", legend=None).scale(
        domain=series, range=["@mark", "@loss", "@total", "@other"][: max(1, len(series))]
    )
    plot = alt.Chart(alt.Data(values=marks))
    band = (
        plot.transform_filter("datum.low != null")
        .mark_area(opacity=0.2)
        .encode(x=time, y=alt.Y("low:Q"), y2="high:Q", color=colour)
    )
    line = plot.mark_line(strokeWidth=2).encode(x=time, y=height, color=colour)
    dots = plot.mark_point(filled=True, size=48, opacity=1).encode(
        x=time, y=height, color=colour, tooltip=tips("day", "series", "text")
    )
    names = [
        alt.Chart(alt.Data(values=[end]))
        .mark_text(align="right", dx=4, dy=dy, fontWeight=600)
        .encode(x=time, y=height, text="end:N")
        for end, dy in _ends(marks, series)
    ]
    # a layer of nothing has no reach, of which the browser's console complains
    bands = [band] if any(mark["low"] is not None for mark in marks) else []
    spec = specification(alt.layer(*bands, line, dots, *names), 0) | {"height": 200}
    return Chart(
        finding=finding,
        detail=detail,
        spec=spec,
        columns=(_("Date"), _("Value"), _("Likely range")),
        rows=tuple(_point_row(point, unit) for point in points),
    )


def written_day(day: date) -> str:
    """A date as the reader writes it."""
    return formats.instant(day)


def _point_row(point: Point, unit: str) -> tuple[str, str, tuple[str, ...]]:
    known = point.low is not None and point.high is not None
    likely = f"{written(point.low, unit)} – {written(point.high, unit)}" if known else ""
    label = f"{written_day(point.at)} {point.series}".strip()
    return label, "", (written(point.value, unit), likely)


def _ends(marks: list[dict[str, Any]], series: list[str]) -> Iterable[tuple[dict[str, Any], int]]:
    """The last point of each series with its label, above a rising line and below a falling one."""
    for name in series:
        mine = [mark for mark in marks if mark["series"] == name]
        falls = len(mine) > 1 and mine[-1]["value"] < mine[-2]["value"]
        yield mine[-1] | {"end": f"{name} {mine[-1]['text']}".strip()}, 18 if falls else -14


def days_axis(points: Sequence[Point]) -> Any:
    """The dates that have a value, as the reader writes them; thinned where they are many."""
    days = sorted({point.at for point in points})
    shown = days[:: max(1, -(-len(days) // 6))]
    texts = {day.isoformat(): written_day(day) for day in shown}
    return alt.Axis(
        grid=False,
        values=[day.isoformat() for day in shown],
        labelExpr=f"({json.dumps(texts)})[utcFormat(datum.value, '%Y-%m-%d')]",
        labelFlush=True,
        labelOverlap=True,
        title=None,
    )
