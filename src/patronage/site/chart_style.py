"""What every chart shares: named colours, type, and how values are written on it.

Colours in a specification are names such as "@gain"; the page replaces them by its own custom
properties (so that light and dark follow the reader), a report by the light palette here.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from django.utils.translation import pgettext

from patronage.site import formats
from patronage.vocabulary.money import Money

#: the palette of reports; the page's own is in patronage.css (`--chart-*`)
LIGHT = {
    "@gain": "#2b6cb0",
    "@loss": "#c8500f",
    "@total": "#4a5568",
    "@mark": "#2b59c3",
    "@band": "#b9cdf3",
    "@other": "#9aa5b5",
    "@ink": "#171b24",
    "@soft": "#545e6f",
    "@line": "#dde1e8",
    "@zero": "#868f9e",
}
SHARE = "share"
_FONT = "system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, Arial, sans-serif"


def plotted(value: Any, unit: str) -> float:
    """The position of a value on an axis: money in major units, everything else as it is."""
    if isinstance(value, Money):
        return float(value.major)
    if unit and unit != SHARE:
        return float(Money(int(value), unit).major)
    return float(value)


def written(value: Any, unit: str, *, signed: bool = False) -> str:
    """A value as read. `unit` is a currency (values in minor units), "share" or nothing."""
    if isinstance(value, Money):
        return formats.amount(value, "short", signed=signed)
    if unit == SHARE:
        return formats.share(float(value), signed=signed)
    if unit:
        return formats.amount(Money(int(value), unit), "short", signed=signed)
    is_whole = float(value) == int(value)
    is_small = not is_whole and abs(float(value)) < 1
    # 0.0163 and 0.0241 are not both 0.02
    text = (
        formats.significant(float(value), 3)
        if is_small
        else formats.number(Decimal(str(value)), 0 if is_whole else 2)
    )
    return f"+{text}" if signed and value > 0 else text


def axis_label(unit: str) -> str:
    """How the axis writes its ticks (a Vega expression): with the currency; d3 calls a billion G.

    What is below a thousand keeps the digits it needs: "~s" would write half of one as 500m.
    """
    if unit == SHARE:
        return "format(datum.value, '.0%')"
    before, after = formats.around(unit) if unit else ("", "")
    billion = json.dumps(pgettext("billion, after a number", "B"))
    size = "abs(datum.value)"
    digits = (
        f"{size} < 1000 ? format({size}, ',.12~r') : replace(format({size}, '~s'), 'G', {billion})"
    )
    sign = f"(datum.value < 0 ? {json.dumps(formats.MINUS)} : '')"
    return f"{sign} + {json.dumps(before)} + ({digits}) + {json.dumps(after)}"


def house_config() -> dict[str, Any]:
    """Quiet axes, no frame, the reader's own font."""
    return {
        "background": "transparent",
        "font": _FONT,
        "view": {"stroke": None},
        "axis": {
            "labelColor": "@soft",
            "labelFontSize": 12,
            "gridColor": "@line",
            "domain": False,
            "ticks": False,
            "labelPadding": 8,
            "title": None,
            "titleColor": "@soft",
            "titleFontWeight": "normal",
            "titleFontSize": 12,
        },
        "text": {"color": "@ink", "fontSize": 12},
        "bar": {"cursor": "default"},
    }


def recoloured(value: Any, palette: dict[str, str]) -> Any:
    """The same specification with its colour names replaced."""
    if isinstance(value, str):
        return palette.get(value, value)
    if isinstance(value, list):
        return [recoloured(item, palette) for item in value]
    if isinstance(value, dict):
        return {key: recoloured(item, palette) for key, item in value.items()}
    return value
