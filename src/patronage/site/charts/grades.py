"""What was expected beside what happened: group by group, or against the line where they agree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import altair as alt
from django.utils.translation import gettext as _

from patronage.site.chart_style import plotted, written
from patronage.site.charts.chart import (
    Chart,
    bounds_of,
    href_of,
    labels_axis,
    link,
    specification,
    tips,
    value_axis,
    with_amounts,
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
    low, high = bounds_of(mark[end] for mark in marks for end in ("low", "high", "expected"))
    room = (high - low) * 0.03
    reach = alt.Scale(domain=[low - room if low else 0, high + room], nice=False)
    rows = labels_axis(mark["label"] for mark in marks)
    plot = alt.Chart(alt.Data(values=marks))
    colour = alt.Color("hit:N", legend=None).scale(domain=["yes", "no"], range=["@mark", "@loss"])
    spans = plot.mark_rule(strokeWidth=3, opacity=0.55, strokeCap="round").encode(
        y=rows, x=alt.X("low:Q", scale=reach, axis=value_axis(unit)), x2="high:Q", color=colour
    )
    strokes = plot.mark_tick(thickness=2, size=20, color="@ink", opacity=1).encode(
        y=rows.axis(None), x="expected:Q"
    )
    pointed = {"tooltip": tips("label", "text", "range")}
    dots = plot.mark_point(filled=True, size=80, opacity=1).encode(
        y=rows.axis(None), x="value:Q", color=colour, **pointed, **href_of(marks)
    )
    return Chart(
        finding=finding,
        detail=detail,
        spec=specification(with_amounts(marks, spans, strokes, dots), len(marks), row=28),
        columns=_columns(),
        rows=_rows(marks),
    )


def against_the_line(
    grades: Iterable[Grade], *, finding: str, detail: str = "", unit: str = ""
) -> Chart:
    """Expected from left to right, what happened upwards: on the line both are the same."""
    marks = [_mark(each, unit) for each in grades]
    low, high = bounds_of(mark[end] for mark in marks for end in ("low", "high", "expected"))
    scale = alt.Scale(domain=[low, high], nice=False)
    axis = value_axis(unit)
    plot = alt.Chart(alt.Data(values=marks))
    ends = [{"at": low}, {"at": high}]
    line = (
        alt.Chart(alt.Data(values=ends))
        .mark_line(color="@zero", strokeDash=[4, 4], strokeWidth=1)
        .encode(x=alt.X("at:Q", scale=scale), y=alt.Y("at:Q", scale=scale))
    )
    across = alt.X("expected:Q", scale=scale, axis=axis.copy(), title=_("expected"))
    colour = alt.Color("hit:N", legend=None).scale(domain=["yes", "no"], range=["@mark", "@loss"])
    spans = plot.mark_rule(strokeWidth=3, opacity=0.55, strokeCap="round").encode(
        x=across, y=alt.Y("low:Q", scale=scale, axis=axis, title=None), y2="high:Q", color=colour
    )
    dots = plot.mark_point(filled=True, size=72, opacity=1).encode(
        x=across, y="value:Q", color=colour, tooltip=tips("label", "text", "range")
    )
    spec = specification(alt.layer(line, spans, dots), 0) | {"height": _SIDE}
    return Chart(finding=finding, detail=detail, spec=spec, columns=_columns(), rows=_rows(marks))


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
