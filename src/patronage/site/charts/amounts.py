"""Bars and intervals: bridges, amounts side by side, estimates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
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
    link,
    with_column,
)

_BAR: Final = {"type": "bar", "cornerRadius": 2, "height": {"band": 0.66}}
#: where the joint between two bars stands in their rows: at the edge of the bar
_EDGE: Final = 0.17


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A bar of a bridge: a level (opening, closing) or a movement between them."""

    label: str
    value: Any
    is_level: bool = False
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value that is estimated, with the interval it likely lies in."""

    label: str
    value: Any
    low: Any
    high: Any
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """A bar: a label and how much."""

    label: str
    value: Any
    href: str = ""


def waterfall(steps: Iterable[Step], *, finding: str, detail: str = "", unit: str) -> Chart:
    """Opening, what moved it, closing: bars from zero for levels, floating bars for movements."""
    steps = tuple(steps)
    bars = _floating(steps, unit)
    low, high = bounds_of(value for bar in bars for value in (bar["start"], bar["end"]))
    row = labels_row(step.label for step in steps)
    along: dict[str, Any] = {"type": "quantitative"}
    drawn = {
        "mark": _BAR,
        "encoding": {
            "y": row,
            "x": along
            | {
                "field": "start",
                "scale": {"domain": [low, high], "nice": False},
                "axis": amounts_axis(unit),
            },
            "x2": {"field": "end"},
            "color": {
                "field": "kind",
                "type": "nominal",
                "legend": None,
                "scale": {
                    "domain": ["level", "gain", "loss"],
                    "range": ["@total", "@gain", "@loss"],
                },
            },
            "tooltip": hints("label", "text"),
        }
        | hrefs(bars),
    }
    joints = {
        "transform": [{"filter": "datum.next != null"}],
        "mark": {"type": "rule", "color": "@zero", "strokeWidth": 1},
        "encoding": {
            "y": row | {"axis": None, "bandPosition": _EDGE},
            "y2": {"field": "next", "bandPosition": _EDGE},
            "x": along | {"field": "end"},
        },
    }
    return Chart(
        finding=finding,
        detail=detail,
        spec=with_column(bars, [drawn, joints]),
        columns=(_("Movement"), _("Amount")),
        rows=tuple((s.label, s.href, (b["text"],)) for s, b in zip(steps, bars, strict=True)),
    )


def _floating(steps: Sequence[Step], unit: str) -> list[dict[str, Any]]:
    """Where each bar starts and ends: levels from zero, movements from where the last one ended."""
    bars: list[dict[str, Any]] = []
    level = 0.0
    for step, following in zip_longest(steps, steps[1:]):
        size = plotted(step.value, unit)
        start, level = (0.0, size) if step.is_level else (level, level + size)
        kind = "level" if step.is_level else "gain" if size >= 0 else "loss"
        bars.append(
            {
                "label": step.label,
                "next": following.label if following else None,
                "start": start,
                "end": level,
                "kind": kind,
                "text": written(step.value, unit, signed=not step.is_level),
            }
            | link(step.href)
        )
    return bars


def dots_with_intervals(
    estimates: Iterable[Estimate], *, finding: str, detail: str = "", unit: str = ""
) -> Chart:
    """Effects and other estimates: the dot is the estimate, the line where it likely lies."""
    estimates = tuple(estimates)
    marks: list[dict[str, Any]] = [
        {
            "label": item.label,
            "value": plotted(item.value, unit),
            "low": plotted(item.low, unit),
            "high": plotted(item.high, unit),
            "text": written(item.value, unit),
            "range": f"{written(item.low, unit)} – {written(item.high, unit)}",
        }
        | link(item.href)
        for item in estimates
    ]
    low, high = bounds_of(mark[end] for mark in marks for end in ("low", "high"))
    room = (high - low) * 0.04
    scale: dict[str, Any] = {"domain": [low - room if low else 0, high + room], "nice": False}
    across: dict[str, Any] = {"type": "quantitative", "scale": scale}
    row = labels_row(item.label for item in estimates)
    zero = {
        "data": {"values": [{"zero": 0}]},
        "mark": {"type": "rule", "color": "@zero", "strokeDash": [4, 4]},
        "encoding": {"x": across | {"field": "zero"}},
    }
    spans = {
        "mark": SPAN | {"color": "@mark"},
        "encoding": {
            "y": row,
            "x": across | {"field": "low", "axis": amounts_axis(unit)},
            "x2": {"field": "high"},
        },
    }
    dots = {
        "mark": {"type": "point", "filled": True, "size": 96, "color": "@mark", "opacity": 1},
        "encoding": {
            "y": row | {"axis": None},
            "x": across | {"field": "value"},
            "tooltip": hints("label", "text", "range"),
        }
        | hrefs(marks),
    }
    return Chart(
        finding=finding,
        detail=detail,
        spec=with_column(marks, [zero, spans, dots]),
        columns=(_("What"), _("Estimate"), _("Likely range")),
        rows=tuple((m["label"], m.get("href", ""), (m["text"], m["range"])) for m in marks),
    )


def bars(
    amounts: Iterable[Amount],
    *,
    finding: str,
    detail: str = "",
    unit: str = "",
    reach: tuple[float, float] | None = None,
    signed: bool = False,
) -> Chart:
    """How much of each; `reach` fixes the axis so that several charts can be compared.

    `signed` is for changes: a plus before what is above zero, another colour below.
    """
    values: list[dict[str, Any]] = [
        {
            "label": item.label,
            "value": plotted(item.value, unit),
            "text": written(item.value, unit, signed=signed),
        }
        | link(item.href)
        for item in amounts
    ]
    low, high = reach or bounds_of(item["value"] for item in values)
    row = labels_row(item["label"] for item in values)
    drawn = {
        "mark": _BAR,
        "encoding": {
            "y": row,
            "x": {
                "field": "value",
                "type": "quantitative",
                "scale": {"domain": [low, high], "nice": False},
                "axis": None,
            },
            "color": {
                "condition": {
                    "test": f"{str(signed).lower()} && datum.value < 0",
                    "value": "@loss",
                },
                "value": "@mark",
            },
            "tooltip": hints("label", "text"),
        }
        | hrefs(values),
    }
    return Chart(
        finding=finding,
        detail=detail,
        spec=with_column(values, [drawn], row=24),
        columns=(_("What"), _("Amount")),
        rows=tuple((v["label"], v.get("href", ""), (v["text"],)) for v in values),
    )


def small_multiples(
    panels: Iterable[tuple[str, Sequence[Amount]]], *, unit: str = ""
) -> tuple[Chart, ...]:
    """One small chart a panel, all on the same axis."""
    panels = tuple(panels)
    reach = bounds_of(plotted(item.value, unit) for _title, amounts in panels for item in amounts)
    return tuple(bars(amounts, finding=title, unit=unit, reach=reach) for title, amounts in panels)
