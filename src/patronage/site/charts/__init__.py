"""The house's charts: a finding, a Vega-Lite specification, and the same as a table."""

from patronage.site.charts.amounts import (
    Amount,
    Estimate,
    Step,
    bars,
    dots_with_intervals,
    small_multiples,
    waterfall,
)
from patronage.site.charts.chart import Chart
from patronage.site.charts.lines import Point, line_with_band, written_day

__all__ = [
    "Amount",
    "Chart",
    "Estimate",
    "Point",
    "Step",
    "bars",
    "dots_with_intervals",
    "line_with_band",
    "small_multiples",
    "waterfall",
    "written_day",
]
