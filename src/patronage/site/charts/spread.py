"""How something is spread: how many have how much, and who adds up to how much."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from patronage.site.chart_style import plotted, written
from patronage.site.charts.chart import (
    Chart,
    amounts_axis,
    hints,
    hrefs,
    layered,
    link,
)

_HEIGHT = 220
_DOT: Final = {"type": "point", "filled": True, "size": 72, "color": "@mark", "opacity": 1}


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
    drawn = {
        "data": {"values": marks},
        "mark": {
            "type": "bar",
            "cornerRadiusTopLeft": 2,
            "cornerRadiusTopRight": 2,
            "binSpacing": 1,
        },
        "encoding": {
            "x": _number("start", amounts_axis(unit)),
            "x2": {"field": "end"},
            "y": _number("count", amounts_axis("", _("customers"))),
            "y2": {"datum": 0},
            "color": {
                "field": "kind",
                "type": "nominal",
                "legend": None,
                "scale": {"domain": ["above", "below"], "range": ["@mark", "@loss"]},
            },
            "tooltip": hints("label", "text"),
        }
        | hrefs(marks),
    }
    line = [] if middle is None else _line(plotted(middle, unit), middle_label)
    return Chart(
        finding=finding,
        detail=detail,
        spec=layered([drawn, *line], height=_HEIGHT),
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
    across = amounts_axis("", along) | {"grid": False}
    where = {"x": _number("x", across), "y": _number("y", amounts_axis(unit))}
    reach = max((mark["x"] for mark in marks), default=0)
    named = [mark for mark in marks if mark["named"]]
    layers: list[dict[str, Any]] = [
        {"mark": {"type": "area", "opacity": 0.12, "color": "@mark"}, "encoding": where},
        {"mark": {"type": "line", "strokeWidth": 2, "color": "@mark"}, "encoding": where},
        {
            "mark": {"type": "point", "filled": True, "size": 220, "opacity": 0},
            "encoding": where | {"tooltip": hints("label", "text")},
        },
    ]
    for mark in named:
        align, dx, dy = ("right", 0, 22) if mark["x"] > 0.6 * reach else ("left", 10, 14)
        text = {"type": "text", "align": align, "dx": dx, "dy": dy, "fontWeight": 600}
        one = {"data": {"values": [mark]}}
        layers += [
            one | {"mark": _DOT, "encoding": where},
            one | {"mark": text, "encoding": where | {"text": {"field": "named"}}},
        ]
    return Chart(
        finding=finding,
        detail=detail,
        spec=layered(layers, height=_HEIGHT) | {"data": {"values": marks}},
        columns=(along or _("Rank"), _("Amount")),
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


def _line(at: float, label: str) -> list[dict[str, Any]]:
    data = {"values": [{"at": at, "named": label}]}
    where = {"x": {"field": "at", "type": "quantitative"}}
    text = {"type": "text", "align": "left", "dx": 6, "baseline": "top", "fontWeight": 600}
    return [
        {"data": data, "mark": {"type": "rule", "color": "@ink", "strokeDash": [4, 4]}}
        | {"encoding": where},
        {"data": data, "mark": text}
        | {"encoding": where | {"y": {"value": 0}, "text": {"field": "named"}}},
    ]


def _number(field: str, axis: dict[str, Any]) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "axis": axis, "scale": {"nice": False}}
