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
from patronage.site.charts.grades import Grade, against_the_line, expected_and_actual
from patronage.site.charts.lines import Point, line_with_band, written_day
from patronage.site.charts.spread import Bin, Place, curve, histogram

__all__ = [
    "Amount",
    "Bin",
    "Chart",
    "Estimate",
    "Grade",
    "Place",
    "Point",
    "Step",
    "against_the_line",
    "bars",
    "curve",
    "dots_with_intervals",
    "expected_and_actual",
    "histogram",
    "line_with_band",
    "small_multiples",
    "waterfall",
    "written_day",
]
