"""Lines over time, with a band where what they show is estimated."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Final

from django.utils.translation import gettext as _

from patronage.site import formats
from patronage.site.chart_style import plotted, written
from patronage.site.charts.chart import Chart, amounts_axis, hints, layered

_HEIGHT: Final = 200
#: the height of a label, in pixels
_LABEL: Final = 16
#: a series of more points than this is a line alone; its values still show on pointing
_MOST_DOTS: Final = 20
_COLOURS: Final = ["@mark", "@loss", "@total", "@other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A value at a date, with an interval where it is estimated."""

    at: date
    value: Any
    low: Any = None
    high: Any = None
    series: str = ""


def line_with_band(
    points: Iterable[Point], *, finding: str, detail: str = "", unit: str = "", counted: str = ""
) -> Chart:
    """A value over time; the band is where it likely lies. Each series is labelled at its end.

    `counted` names what the axis counts where no unit says so.
    """
    points = tuple(points)
    series = list(dict.fromkeys(point.series for point in points))
    marks = [_mark(point, unit) for point in points]
    reach = _reach(marks, len(series))
    named = _named(marks, series, (reach[1] - reach[0]) / _HEIGHT)
    height = {
        "field": "value",
        "type": "quantitative",
        "scale": {"domain": list(reach), "nice": False},
        "axis": amounts_axis(unit, counted),
    }
    where = {
        "x": {
            "field": "at",
            "type": "temporal",
            "scale": {"type": "utc"},
            "axis": days_axis(points),
        },
        "y": height,
        "color": {
            "field": "series",
            "type": "nominal",
            "legend": None,
            "scale": {"domain": series, "range": _COLOURS[: max(1, len(series))]},
        },
    }
    band = {
        "transform": [{"filter": "datum.low != null"}],
        "mark": {"type": "area", "opacity": 0.2},
        "encoding": where | {"y": height | {"field": "low"}, "y2": {"field": "high"}},
    }
    shown = 1 if len(points) <= _MOST_DOTS * max(1, len(series)) else 0
    layers: list[dict[str, Any]] = [
        # a layer of nothing has no reach, of which the browser's console complains
        *([band] if any(mark["low"] is not None for mark in marks) else []),
        {"mark": {"type": "line", "strokeWidth": 2}, "encoding": where},
        {
            "mark": {"type": "point", "filled": True, "size": 48, "opacity": shown},
            "encoding": where | {"tooltip": hints("day", "series", "text")},
        },
        *(_name(mark, where) for mark in named),
    ]
    return Chart(
        finding=finding,
        detail=detail,
        spec=layered(layers, height=_HEIGHT) | {"data": {"values": marks}},
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


def _mark(point: Point, unit: str) -> dict[str, Any]:
    return {
        "at": point.at.isoformat(),
        "day": written_day(point.at),
        "value": plotted(point.value, unit),
        "low": None if point.low is None else plotted(point.low, unit),
        "high": None if point.high is None else plotted(point.high, unit),
        "series": point.series,
        "text": written(point.value, unit),
    }


def _named(marks: list[dict[str, Any]], series: list[str], pixel: float) -> list[dict[str, Any]]:
    """The last point of each series with its label and how far above it the label stands.

    A label stands above a rising line and below a falling one; one that would cover the label
    of a lower line is moved up.
    """
    ends = []
    for name in series:
        mine = [mark for mark in marks if mark["series"] == name]
        falls = len(mine) > 1 and mine[-1]["value"] < mine[-2]["value"]
        end = f"{name} {mine[-1]['text']}".strip()
        ends.append(mine[-1] | {"end": end, "above": -18 if falls else 14})
    ends.sort(key=lambda mark: mark["value"])
    for lower, upper in pairwise(ends):
        least = lower["value"] / pixel + lower["above"] + _LABEL
        upper["above"] = max(upper["above"], round(least - upper["value"] / pixel))
    return ends


def _name(mark: dict[str, Any], where: dict[str, Any]) -> dict[str, Any]:
    text = {"type": "text", "align": "right", "dx": 4, "dy": -mark["above"], "fontWeight": 600}
    return {
        "data": {"values": [mark]},
        "mark": text,
        "encoding": where | {"text": {"field": "end"}},
    }


def _reach(marks: list[dict[str, Any]], labels: int) -> tuple[float, float]:
    """The axis from the lowest to the highest value, with room for the labels at both ends."""
    known = [mark[end] for mark in marks for end in ("value", "low", "high")]
    values = [value for value in known if value is not None] or [0.0]
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 1.0, high + 1.0
    above, below = _LABEL * (labels + 1), _LABEL * 2
    pixel = (high - low) / (_HEIGHT - above - below)
    bottom = low - below * pixel
    # nothing that is never below zero gets an axis that is
    return max(0.0, bottom) if low >= 0 else bottom, high + above * pixel


def days_axis(points: Sequence[Point]) -> dict[str, Any]:
    """The dates that have a value, as the reader writes them; thinned where they are many."""
    days = sorted({point.at for point in points})
    shown = days[:: max(1, -(-len(days) // 6))]
    texts = {day.isoformat(): written_day(day) for day in shown}
    return {
        "grid": False,
        "values": [day.isoformat() for day in shown],
        "labelExpr": f"({json.dumps(texts)})[utcFormat(datum.value, '%Y-%m-%d')]",
        "labelFlush": True,
        "labelOverlap": True,
        "title": None,
    }
