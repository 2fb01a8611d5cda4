"""`{% load charts %}`: a page hands over plain rows; the tag draws, links and tabulates them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import template

from patronage.site import charts
from patronage.site.charts import Amount, Bin, Chart, Estimate, Grade, Place, Point, Step

register = template.Library()
_TEMPLATE = "site/parts/chart.html"


@register.inclusion_tag(_TEMPLATE)
def waterfall(
    steps: Iterable[Any], *, finding: str, detail: str = "", unit: str, href: str = ""
) -> dict[str, Any]:
    """A bridge. Steps have `label`, `value`, and maybe `is_level` and `href`."""
    return _drawn(
        charts.waterfall(
            [
                Step(
                    label=str(_of(step, "label")),
                    value=_of(step, "value"),
                    is_level=bool(_of(step, "is_level", False)),
                    href=_of(step, "href", ""),
                )
                for step in steps
            ],
            finding=finding,
            detail=detail,
            unit=unit,
        ),
        href,
    )


@register.inclusion_tag(_TEMPLATE)
def dots_with_intervals(
    estimates: Iterable[Any], *, finding: str, detail: str = "", unit: str = ""
) -> dict[str, Any]:
    """Effects. Estimates have `label`, `value`, `low`, `high`, and maybe `href`."""
    return _drawn(
        charts.dots_with_intervals(
            [
                Estimate(
                    label=str(_of(item, "label")),
                    value=_of(item, "value"),
                    low=_of(item, "low"),
                    high=_of(item, "high"),
                    href=_of(item, "href", ""),
                )
                for item in estimates
            ],
            finding=finding,
            detail=detail,
            unit=unit,
        )
    )


@register.inclusion_tag(_TEMPLATE)
def bars(
    amounts: Iterable[Any], *, finding: str, detail: str = "", unit: str = "", signed: bool = False
) -> dict[str, Any]:
    """How much of each. Amounts have `label`, `value`, and maybe `href`."""
    drawn = charts.bars(_amounts(amounts), finding=finding, detail=detail, unit=unit, signed=signed)
    return _drawn(drawn)


@register.inclusion_tag("site/parts/multiples.html")
def small_multiples(panels: Iterable[Any], *, unit: str = "") -> dict[str, Any]:
    """Bars for each of several things, on one axis: `title`, `amounts` and maybe `href`."""
    panels = list(panels)
    drawn = charts.small_multiples(
        [(str(_of(panel, "title")), _amounts(_of(panel, "amounts"))) for panel in panels],
        unit=unit,
    )
    return {
        "charts": [
            _drawn(chart, _of(panel, "href", ""))
            for chart, panel in zip(drawn, panels, strict=True)
        ]
    }


@register.inclusion_tag(_TEMPLATE)
def line_with_band(
    points: Iterable[Any], *, finding: str, detail: str = "", unit: str = "", counted: str = ""
) -> dict[str, Any]:
    """A value over time. Points have `at`, `value`, and maybe `low`, `high`, `series`.

    `counted` names what the axis counts where no unit says so.
    """
    return _drawn(
        charts.line_with_band(
            [
                Point(
                    at=_of(point, "at"),
                    value=_of(point, "value"),
                    low=_of(point, "low", None),
                    high=_of(point, "high", None),
                    series=str(_of(point, "series", "")),
                )
                for point in points
            ],
            finding=finding,
            detail=detail,
            unit=unit,
            counted=counted,
        )
    )


@register.inclusion_tag(_TEMPLATE)
def histogram(
    bins: Iterable[Any],
    *,
    finding: str,
    detail: str = "",
    unit: str = "",
    middle: Any = None,
    middle_label: str = "",
) -> dict[str, Any]:
    """How many have how much. Bins have `low`, `high` (None is open), `count`, maybe `href`."""
    rows = [
        Bin(
            low=_of(each, "low"),
            high=_of(each, "high"),
            count=_of(each, "count"),
            href=_of(each, "href", ""),
        )
        for each in bins
    ]
    return _drawn(
        charts.histogram(
            rows,
            finding=finding,
            detail=detail,
            unit=unit,
            middle=middle,
            middle_label=middle_label,
        )
    )


@register.inclusion_tag(_TEMPLATE)
def curve(
    places: Iterable[Any], *, finding: str, detail: str = "", unit: str = "", along: str = ""
) -> dict[str, Any]:
    """What adds up along the way. Places have `x`, `y`, and maybe a `label` to be written."""
    rows = [
        Place(x=_of(each, "x"), y=_of(each, "y"), label=str(_of(each, "label", "")))
        for each in places
    ]
    return _drawn(charts.curve(rows, finding=finding, detail=detail, unit=unit, along=along))


@register.inclusion_tag(_TEMPLATE)
def expected_and_actual(
    grades: Iterable[Any], *, finding: str, detail: str = "", unit: str = ""
) -> dict[str, Any]:
    """Group by group. Grades have `label`, `expected`, `actual`, `low`, `high`, maybe `href`."""
    return _drawn(
        charts.expected_and_actual(_grades(grades), finding=finding, detail=detail, unit=unit)
    )


@register.inclusion_tag(_TEMPLATE)
def against_the_line(
    grades: Iterable[Any], *, finding: str, detail: str = "", unit: str = ""
) -> dict[str, Any]:
    """The same grades as points beside the line on which both are the same."""
    return _drawn(
        charts.against_the_line(_grades(grades), finding=finding, detail=detail, unit=unit)
    )


def _grades(grades: Iterable[Any]) -> list[Grade]:
    return [
        Grade(
            label=str(_of(each, "label")),
            expected=_of(each, "expected"),
            actual=_of(each, "actual"),
            low=_of(each, "low"),
            high=_of(each, "high"),
            href=_of(each, "href", ""),
        )
        for each in grades
    ]


def _drawn(chart: Chart, href: str = "") -> dict[str, Any]:
    return {"chart": chart, "href": href}


def _amounts(items: Iterable[Any]) -> list[Amount]:
    return [
        Amount(label=str(_of(i, "label")), value=_of(i, "value"), href=_of(i, "href", ""))
        for i in items
    ]


_REQUIRED = object()


def _of(item: Any, name: str, default: Any = _REQUIRED) -> Any:
    """A field of a row, whether the row is a mapping or an object."""
    is_mapping = isinstance(item, Mapping)
    found = item.get(name, default) if is_mapping else getattr(item, name, default)
    if found is _REQUIRED:
        raise template.TemplateSyntaxError(f"A row of this chart has no {name!r}: {item!r}")
    return found
