"""What every chart is: a finding, a Vega-Lite specification, and the same as a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import vl_convert
from django.utils.translation import gettext as _

from patronage.site.chart_style import LIGHT, axis_label, house_config, recoloured

#: the line over which an estimate likely lies
SPAN: Final = {"type": "rule", "strokeWidth": 3, "opacity": 0.55, "strokeCap": "round"}
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


def layered(layers: Sequence[dict[str, Any]], *, height: int) -> dict[str, Any]:
    """Layers as a whole specification, as wide as the page lets it be.

    Specifications are written out as Vega-Lite: put together by a library of Python objects each
    takes fifteen milliseconds instead of one, which a page with many charts has not.
    """
    return {
        "layer": list(layers),
        "width": "container",
        "height": height,
        "config": house_config(),
        "autosize": {"type": "fit-x", "contains": "padding"},
    }


def with_column(
    marks: list[dict[str, Any]], layers: Sequence[dict[str, Any]], *, row: int = _ROW_HEIGHT
) -> dict[str, Any]:
    """Layers with a row a mark, the amounts as a column at the right.

    The column is an axis, so that the plot leaves it its room.
    """
    y = labels_row(mark["label"] for mark in marks) | {"axis": _column_axis(marks)}
    column = {"mark": {"type": "point", "opacity": 0}, "encoding": {"y": y}}
    spec = layered([*layers, column], height=max(1, len(marks)) * row)
    return spec | {"data": {"values": marks}, "resolve": {"axis": {"y": "independent"}}}


def _column_axis(marks: list[dict[str, Any]]) -> dict[str, Any]:
    texts = {mark["label"]: mark["text"] for mark in marks}
    return {
        "orient": "right",
        "labelExpr": f"({json.dumps(texts)})[datum.value]",
        "labelAlign": "right",
        "labelPadding": 8 + round(7.2 * max((len(text) for text in texts.values()), default=0)),
        "labelColor": "@ink",
        "labelLimit": 160,
        "grid": False,
    }


def labels_row(labels: Iterable[str]) -> dict[str, Any]:
    """A row a label, in the order given."""
    return {
        "field": "label",
        "type": "nominal",
        "sort": list(labels),
        "title": None,
        "axis": {"labelLimit": 184, "labelColor": "@ink", "grid": False},
    }


def amounts_axis(unit: str, title: str = "") -> dict[str, Any]:
    """An axis of amounts; its ticks carry the unit, its title says of what they are."""
    return {"labelExpr": axis_label(unit), "tickCount": 4, "title": title or None}


def hrefs(marks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The way to the rows behind a mark, where any has one."""
    return {"href": {"field": "href"}} if any("href" in mark for mark in marks) else {}


def hints(*fields: str) -> list[dict[str, str]]:
    """What a mark says on pointing."""
    return [{"field": name, "type": "nominal", "title": _TITLES[name]()} for name in fields]


def bounds_of(values: Iterable[float]) -> tuple[float, float]:
    """The reach of an axis that holds zero; never empty."""
    known = [0.0, *values]
    low, high = min(known), max(known)
    return (low, high) if low < high else (0.0, 1.0)


def link(href: str) -> dict[str, str]:
    return {"href": href} if href else {}


_TITLES: Final[Mapping[str, Callable[[], str]]] = {
    "label": lambda: " ",
    "text": lambda: _("Value"),
    "range": lambda: _("Likely"),
    "day": lambda: " ",
    "series": lambda: " ",
    "expected_text": lambda: _("Expected"),
}
