"""The house's charts: a finding, a Vega-Lite specification, and the same as a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from typing import Any

import altair as alt
import vl_convert
from altair.utils import schemapi
from django.utils.translation import gettext as _

from patronage.site import formats
from patronage.site.chart_style import (
    LIGHT,
    axis_label,
    house_config,
    plotted,
    recoloured,
    written,
)

# Checking a specification against Vega-Lite's schema takes four fifths of a chart's time, and the
# specifications are ours: the tests check every kind of chart instead.
schemapi.disable_debug_mode()

_ROW_HEIGHT = 32
_REPORT_WIDTH = 720


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart and everything needed to read it without seeing it."""

    #: what the chart shows, as a sentence with the number in it
    finding: str
    #: what is plotted, and from when
    detail: str
    #: Vega-Lite, colours by name
    spec: dict[str, Any]
    #: heads of the table that says the same; the first one is for the labels
    columns: tuple[str, ...]
    #: label, address of the rows behind it (or ""), then the written values
    rows: tuple[tuple[str, str, tuple[str, ...]], ...]

    def svg(self) -> str:
        """For a report: light colours, a fixed width."""
        return str(vl_convert.vegalite_to_svg(self._for_report()))

    def png(self, scale: float = 2.0) -> bytes:
        """The same as pixels."""
        return bytes(vl_convert.vegalite_to_png(self._for_report(), scale=scale))

    def _for_report(self) -> dict[str, Any]:
        titled = {
            "text": self.finding,
            "subtitle": self.detail,
            "anchor": "start",
            "offset": 16,
            "subtitleColor": "@soft",
            "color": "@ink",
        }
        sized = self.spec | {"width": _REPORT_WIDTH, "title": titled, "autosize": "pad"}
        sized["config"] = self.spec["config"] | {"background": "white"}
        report: dict[str, Any] = recoloured(sized, LIGHT)
        return report


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A value at a date, with an interval where it is estimated."""

    at: date
    value: Any
    low: Any = None
    high: Any = None
    series: str = ""


def waterfall(steps: Iterable[Step], *, finding: str, detail: str = "", unit: str) -> Chart:
    """Opening, what moved it, closing: bars from zero for levels, floating bars for movements."""
    bars: list[dict[str, Any]] = []
    level, steps = 0.0, tuple(steps)
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
            | _link(step.href)
        )
    low, high = _bounds(value for bar in bars for value in (bar["start"], bar["end"]))
    reach = alt.Scale(domain=[low, high], nice=False)
    rows = _labels(step.label for step in steps)
    colour = alt.Color("kind:N", legend=None).scale(
        domain=["level", "gain", "loss"], range=["@total", "@gain", "@loss"]
    )
    plot = alt.Chart(alt.Data(values=bars))
    drawn = plot.mark_bar(cornerRadius=2, height={"band": 0.66}).encode(
        y=rows,
        x=alt.X("start:Q", scale=reach, axis=_value_axis(unit)),
        x2="end:Q",
        color=colour,
        tooltip=_tips("label", "text"),
        **_href(bars),
    )
    joints = (
        plot.transform_filter("datum.next != null")
        .mark_rule(color="@zero", strokeWidth=1)
        .encode(
            y=alt.Y("label:N", sort=None, bandPosition=0.17, axis=None),
            y2=alt.Y2("next:N", bandPosition=0.17),
            x="end:Q",
        )
    )
    return Chart(
        finding=finding,
        detail=detail,
        spec=_spec(_with_amounts(bars, drawn, joints), len(bars)),
        columns=(_("Movement"), _("Amount")),
        rows=tuple((s.label, s.href, (b["text"],)) for s, b in zip(steps, bars, strict=True)),
    )


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
        | _link(item.href)
        for item in estimates
    ]
    low, high = _bounds(mark[end] for mark in marks for end in ("low", "high"))
    room = (high - low) * 0.04
    reach = alt.Scale(domain=[low - room if low else 0, high + room], nice=False)
    rows = _labels(item.label for item in estimates)
    plot = alt.Chart(alt.Data(values=marks))
    zero = (
        alt.Chart(alt.Data(values=[{"zero": 0}]))
        .mark_rule(color="@zero", strokeDash=[4, 4])
        .encode(x=alt.X("zero:Q", scale=reach))
    )
    spans = plot.mark_rule(color="@mark", strokeWidth=3, opacity=0.55, strokeCap="round").encode(
        y=rows, x=alt.X("low:Q", scale=reach, axis=_value_axis(unit)), x2="high:Q"
    )
    tips = {"tooltip": _tips("label", "text", "range")}
    dots = plot.mark_point(filled=True, size=96, color="@mark", opacity=1).encode(
        y=rows.axis(None), x="value:Q", **tips, **_href(marks)
    )
    return Chart(
        finding=finding,
        detail=detail,
        spec=_spec(_with_amounts(marks, zero, spans, dots), len(marks)),
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
) -> Chart:
    """How much of each; `reach` fixes the axis so that several charts can be compared."""
    values: list[dict[str, Any]] = [
        {
            "label": item.label,
            "value": plotted(item.value, unit),
            "text": written(item.value, unit),
        }
        | _link(item.href)
        for item in amounts
    ]
    low, high = reach or _bounds(item["value"] for item in values)
    scale = alt.Scale(domain=[low, high], nice=False)
    rows = _labels(item["label"] for item in values)
    plot = alt.Chart(alt.Data(values=values))
    drawn = plot.mark_bar(cornerRadius=2, height={"band": 0.66}, color="@mark").encode(
        y=rows,
        x=alt.X("value:Q", scale=scale, axis=None),
        tooltip=_tips("label", "text"),
        **_href(values),
    )
    return Chart(
        finding=finding,
        detail=detail,
        spec=_spec(_with_amounts(values, drawn), len(values), row=24),
        columns=(_("What"), _("Amount")),
        rows=tuple((v["label"], v.get("href", ""), (v["text"],)) for v in values),
    )


def small_multiples(
    panels: Iterable[tuple[str, Sequence[Amount]]], *, unit: str = ""
) -> tuple[Chart, ...]:
    """One small chart a panel, all on the same axis."""
    panels = tuple(panels)
    reach = _bounds(plotted(item.value, unit) for _title, amounts in panels for item in amounts)
    return tuple(bars(amounts, finding=title, unit=unit, reach=reach) for title, amounts in panels)


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
    time = alt.X("at:T", scale=alt.Scale(type="utc"), axis=_days_axis(points))
    height = alt.Y("value:Q", axis=_value_axis(unit), scale=alt.Scale(zero=False, nice=True))
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
        x=time, y=height, color=colour, tooltip=_tips("day", "series", "text")
    )
    names = [
        alt.Chart(alt.Data(values=[end]))
        .mark_text(align="right", dx=4, dy=dy, fontWeight=600)
        .encode(x=time, y=height, text="end:N")
        for end, dy in _ends(marks, series)
    ]
    spec = _spec(alt.layer(band, line, dots, *names), 0) | {"height": 200}
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


def _spec(layers: Any, rows: int, row: int = _ROW_HEIGHT) -> dict[str, Any]:
    sized = layers.properties(width="container", height=max(1, rows) * row)
    spec: dict[str, Any] = sized.to_dict(validate=False)
    spec["config"] = house_config()
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return spec


def _with_amounts(marks: list[dict[str, Any]], *layers: Any) -> Any:
    """The amounts as a column at the right: an axis, so that the plot leaves them their room."""
    texts = {mark["label"]: mark["text"] for mark in marks}
    width = 8 + round(7.2 * max((len(text) for text in texts.values()), default=0))
    axis = alt.Axis(
        orient="right",
        labelExpr=f"({json.dumps(texts)})[datum.value]",
        labelAlign="right",
        labelPadding=width,
        labelColor="@ink",
        labelLimit=160,
        grid=False,
    )
    column = (
        alt.Chart(alt.Data(values=marks))
        .mark_point(opacity=0)
        .encode(y=alt.Y("label:N", sort=[mark["label"] for mark in marks], axis=axis, title=None))
    )
    return alt.layer(*layers, column).resolve_axis(y="independent")


def _ends(marks: list[dict[str, Any]], series: list[str]) -> Iterable[tuple[dict[str, Any], int]]:
    """The last point of each series with its label, above a rising line and below a falling one."""
    for name in series:
        mine = [mark for mark in marks if mark["series"] == name]
        falls = len(mine) > 1 and mine[-1]["value"] < mine[-2]["value"]
        yield mine[-1] | {"end": f"{name} {mine[-1]['text']}".strip()}, 18 if falls else -14


def _days_axis(points: Sequence[Point]) -> Any:
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


def _labels(labels: Iterable[str]) -> Any:
    axis = alt.Axis(labelLimit=160, labelColor="@ink", grid=False)
    return alt.Y("label:N", sort=list(labels), axis=axis, title=None)


def _value_axis(unit: str) -> Any:
    return alt.Axis(labelExpr=axis_label(unit), tickCount=4, title=None)


def _bounds(values: Iterable[float]) -> tuple[float, float]:
    """The reach of an axis that holds zero; never empty."""
    known = [0.0, *values]
    low, high = min(known), max(known)
    return (low, high) if low < high else (0.0, 1.0)


def _link(href: str) -> dict[str, str]:
    return {"href": href} if href else {}


def _href(marks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"href": alt.Href("href:N")} if any("href" in mark for mark in marks) else {}


def _tips(*fields: str) -> list[Any]:
    titles = {"label": " ", "text": _("Value"), "range": _("Likely"), "day": " ", "series": " "}
    return [alt.Tooltip(f"{name}:N", title=titles[name]) for name in fields]
