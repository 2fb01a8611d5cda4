"""What was expected beside what happened: group by group, or against the line where they agree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from patronage.site.chart_style import plotted, written
from patronage.site.charts.chart import (
    SPAN,
    Chart,
    amounts_axis,
    bounds_of,
    hints,
    hrefs,
    labels_row,
    layered,
    link,
)

_SIDE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """What was expected of a group, and what happened with the interval that chance allows."""

    label: str
    expected: Any
    actual: Any
    low: Any
    high: Any
    href: str = ""


def expected_and_actual(
    grades: Iterable[Grade], *, finding: str, detail: str = "", unit: str = ""
) -> Chart:
    """A row a group: a stroke where it was expected, a dot with its interval where it came.

    The colour says whether the interval holds what was expected, and so does the table's word.
    """
    marks = [_mark(each, unit) for each in grades]
    reach = _reach(marks)
    row = labels_row(mark["label"] for mark in marks)
    across = {"type": "quantitative", "scale": {"domain": reach, "nice": False}}
    axis = {"axis": amounts_axis(unit)}
    layers: list[dict[str, Any]] = [
        {
            "mark": SPAN,
            "encoding": {
                "y": row,
                "x": across | axis | {"field": "low"},
                "x2": {"field": "high"},
                "color": _HIT,
            },
        },
        {
            "mark": {"type": "tick", "thickness": 2, "size": 20, "color": "@ink", "opacity": 1},
            "encoding": {"y": row, "x": across | axis | {"field": "expected"}},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
            "encoding": {
                "y": row,
                "x": across | axis | {"field": "value"},
                "color": _HIT,
                "tooltip": hints("label", "expected_text", "text", "range"),
            }
            | hrefs(marks),
        },
    ]
    return Chart(
        finding=finding,
        detail=detail,
        spec=layered(layers, height=28 * max(1, len(marks))) | {"data": {"values": marks}},
        columns=_columns(),
        rows=_rows(marks),
    )


def against_the_line(
    grades: Iterable[Grade], *, finding: str, detail: str = "", unit: str = ""
) -> Chart:
    """Expected from left to right, what happened upwards: on the line both are the same."""
    marks = [_mark(each, unit) for each in grades]
    reach = _reach(marks)
    scale: dict[str, Any] = {"domain": reach, "nice": False}
    across = {
        "field": "expected",
        "type": "quantitative",
        "scale": scale,
        "axis": amounts_axis(unit, _("expected")),
    }
    up = {"type": "quantitative", "scale": scale, "axis": amounts_axis(unit, _("happened"))}
    diagonal = [{"at": end} for end in reach]
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": diagonal},
            "mark": {"type": "line", "color": "@zero", "strokeDash": [4, 4], "strokeWidth": 1},
            "encoding": {"x": across | {"field": "at"}, "y": up | {"field": "at"}},
        },
        {
            "mark": SPAN,
            "encoding": {
                "x": across,
                "y": up | {"field": "low"},
                "y2": {"field": "high"},
                "color": _HIT,
            },
        },
        {
            "mark": {"type": "point", "filled": True, "size": 72, "opacity": 1},
            "encoding": {
                "x": across,
                "y": up | {"field": "value"},
                "color": _HIT,
                "tooltip": hints("label", "expected_text", "text", "range"),
            },
        },
    ]
    spec = layered(layers, height=_SIDE) | {"data": {"values": marks}}
    return Chart(finding=finding, detail=detail, spec=spec, columns=_columns(), rows=_rows(marks))


_HIT: Final = {
    "field": "hit",
    "type": "nominal",
    "legend": None,
    "scale": {"domain": ["yes", "no"], "range": ["@mark", "@loss"]},
}


def _reach(marks: list[dict[str, Any]]) -> list[float]:
    low, high = bounds_of(mark[end] for mark in marks for end in ("low", "high", "expected"))
    room = (high - low) * 0.03
    return [low - room if low else 0, high + room]


def _mark(each: Grade, unit: str) -> dict[str, Any]:
    low, high, expected = (plotted(each.low, unit), plotted(each.high, unit), each.expected)
    hit = low <= plotted(expected, unit) <= high
    return {
        "label": each.label,
        "expected": plotted(expected, unit),
        "value": plotted(each.actual, unit),
        "low": low,
        "high": high,
        "hit": "yes" if hit else "no",
        "text": written(each.actual, unit),
        "expected_text": written(expected, unit),
        "range": f"{written(each.low, unit)} – {written(each.high, unit)}",
        "word": _("yes") if hit else _("no"),
    } | link(each.href)


def _columns() -> tuple[str, ...]:
    return (
        _("Group"),
        _("Expected"),
        _("Happened"),
        _("Likely range"),
        _("Expected within the range"),
    )


def _rows(marks: list[dict[str, Any]]) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return tuple(
        (m["label"], m.get("href", ""), (m["expected_text"], m["text"], m["range"], m["word"]))
        for m in marks
    )
