"""Do the charts say what their rows say, in the page's colours and in a report's?"""

from __future__ import annotations

import json
import re
from datetime import date
from itertools import pairwise
from typing import Any

import altair as alt
import pytest
from django.template import Context, Template
from django.utils import translation

from patronage.site import charts
from patronage.site.charts import Amount, Bin, Chart, Estimate, Grade, Place, Point, Step

STEPS = [
    Step(label="Opening", value=124_480_000, is_level=True, href="/rows?line=opening"),
    Step(label="Margin", value=-14_210_000, href="/rows?line=margin"),
    Step(label="Window", value=8_680_000),
    Step(label="Closing", value=118_950_000, is_level=True),
]


def drawn() -> Chart:
    return charts.waterfall(STEPS, finding="Less", unit="USD")


def bars_of(chart: Chart) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = chart.spec["data"]["values"]
    return rows


def test_each_movement_starts_where_the_one_before_ended_and_the_last_meets_the_closing() -> None:
    opening, margin, window, closing = bars_of(drawn())
    assert (opening["start"], opening["end"]) == (0, 1_244_800)
    assert margin["start"] == opening["end"]
    assert window["start"] == margin["end"]
    assert window["end"] == pytest.approx(closing["end"])
    assert [bar["kind"] for bar in bars_of(drawn())] == ["level", "loss", "gain", "level"]


def test_the_table_beside_a_chart_carries_the_same_amounts_and_addresses() -> None:
    chart = drawn()
    assert [row[0] for row in chart.rows] == [step.label for step in STEPS]
    assert [row[2][0] for row in chart.rows] == [bar["text"] for bar in bars_of(chart)]
    assert chart.rows[1][1] == "/rows?line=margin"


def test_a_report_has_no_colour_that_only_a_page_knows() -> None:
    svg = drawn().svg()
    assert "#c8500f" in svg
    assert "@loss" not in svg
    assert "Opening" in svg
    assert drawn().png(scale=1)[:8] == b"\x89PNG\r\n\x1a\n"


def test_bars_start_at_zero_even_where_all_values_are_large() -> None:
    chart = charts.bars([Amount(label="A", value=1000), Amount(label="B", value=1010)], finding="F")
    domain = chart.spec["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert domain == [0, 1010]


def test_small_multiples_share_one_axis() -> None:
    panels = charts.small_multiples(
        [("Large", [Amount(label="A", value=900)]), ("Small", [Amount(label="A", value=9)])]
    )
    domains = {tuple(c.spec["layer"][0]["encoding"]["x"]["scale"]["domain"]) for c in panels}
    assert domains == {(0, 900)}


@pytest.mark.parametrize(
    "chart",
    [
        charts.bars([], finding="Nothing yet"),
        charts.waterfall([], finding="Nothing yet", unit="USD"),
        charts.dots_with_intervals([], finding="Nothing yet"),
        charts.line_with_band([], finding="Nothing yet"),
        charts.line_with_band([Point(at=date(2017, 12, 31), value=5)], finding="One"),
        charts.dots_with_intervals(
            [Estimate(label="A", value=0, low=0, high=0)], finding="Nothing", unit="share"
        ),
        charts.histogram([], finding="Nothing yet"),
        charts.histogram([Bin(low=None, high=None, count=3)], finding="All in one", unit="USD"),
        charts.curve([], finding="Nothing yet"),
        charts.expected_and_actual([], finding="Nothing yet"),
        charts.against_the_line([], finding="Nothing yet"),
    ],
    ids=[
        "bars",
        "waterfall",
        "dots",
        "line",
        "one point",
        "no width",
        "histogram",
        "one open bin",
        "curve",
        "expected and actual",
        "against the line",
    ],
)
def test_a_chart_of_nothing_or_of_one_thing_still_draws(chart: Chart) -> None:
    assert chart.svg().startswith("<svg")


def test_a_label_cannot_close_the_block_that_carries_the_data() -> None:
    page = Template("{% load charts %}{% bars rows finding='F' %}").render(
        Context({"rows": [{"label": "</script><script>alert(1)</script>", "value": 1}]})
    )
    assert "<script>alert" not in page
    block = re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert block is not None
    assert "</script>" in json.dumps(json.loads(block[1]))


def test_a_row_without_a_value_is_an_error_that_names_it() -> None:
    with pytest.raises(Exception, match="has no 'value'"):
        Template("{% load charts %}{% bars rows finding='F' %}").render(
            Context({"rows": [{"label": "A"}]})
        )


BINS = [
    Bin(low=None, high=-1000, count=2),
    Bin(low=-1000, high=0, count=1),
    Bin(low=0, high=1000, count=5, href="/value?from=0&below=1000"),
    Bin(low=1000, high=None, count=4),
]
GRADES = [
    Grade(label="Hit", expected=0.5, actual=0.45, low=0.4, high=0.55),
    Grade(label="Missed", expected=0.9, actual=0.7, low=0.6, high=0.8, href="/missed"),
]


def test_a_histogram_keeps_what_is_below_zero_apart_and_open_ends_as_wide_as_the_rest() -> None:
    chart = charts.histogram(BINS, finding="F", unit="USD", middle=500, middle_label="middle")
    marks = chart.spec["layer"][0]["data"]["values"]
    assert [mark["kind"] for mark in marks] == ["below", "below", "above", "above"]
    assert [(mark["start"], mark["end"]) for mark in marks] == [
        (-20.0, -10.0),
        (-10.0, 0.0),
        (0.0, 10.0),
        (10.0, 20.0),
    ]
    assert [row[0] for row in chart.rows] == [
        "below \N{MINUS SIGN}$10",
        "\N{MINUS SIGN}$10 to $0",
        "$0 to $10",
        "$10 and more",
    ]
    assert chart.rows[2][1] == "/value?from=0&below=1000"
    assert chart.spec["layer"][1]["data"]["values"][0]["at"] == 5.0


def test_a_grade_says_in_a_word_whether_the_range_holds_what_was_expected() -> None:
    chart = charts.expected_and_actual(GRADES, finding="F", unit="share")
    assert [row[2][-1] for row in chart.rows] == ["yes", "no"]
    assert chart.rows[1][1] == "/missed"
    line = charts.against_the_line(GRADES, finding="F", unit="share")
    ends = line.spec["layer"][0]["data"]["values"]
    assert ends[0]["at"] <= 0.4
    assert ends[-1]["at"] >= 0.9


def test_a_curve_names_the_places_that_have_a_name() -> None:
    places = [Place(x=0, y=0), Place(x=5, y=80, label="best half"), Place(x=10, y=100)]
    chart = charts.curve(places, finding="F", along="customers")
    written = [
        mark["named"]
        for layer in chart.spec["layer"]
        if layer["mark"].get("type") == "text"
        for mark in layer["data"]["values"]
    ]
    assert written == ["best half"]
    assert len(chart.rows) == 3


def test_small_differences_keep_the_digits_that_tell_them_apart() -> None:
    chart = charts.dots_with_intervals(
        [
            Estimate(label="A", value=0.0163, low=0.01, high=0.0241),
            Estimate(label="B", value=0.0241, low=0.01, high=1.5),
        ],
        finding="F",
    )
    assert [row[2][0] for row in chart.rows] == ["0.0163", "0.0241"]
    assert chart.rows[1][2][1].endswith("1.50")


def test_a_change_has_its_sign() -> None:
    chart = charts.bars(
        [Amount(label="A", value=200), Amount(label="B", value=-100)],
        finding="F",
        unit="USD",
        signed=True,
    )
    assert [row[2][0] for row in chart.rows] == ["+$2", "\N{MINUS SIGN}$1"]


def labels_of(chart: Chart) -> dict[str, float]:
    """Each end label with its distance from the foot of the plot, in pixels."""
    low, high = chart.spec["layer"][0]["encoding"]["y"]["scale"]["domain"]
    texts = [each for each in chart.spec["layer"] if each["mark"].get("type") == "text"]
    return {
        mark["end"]: (mark["value"] - low) / (high - low) * chart.spec["height"]
        - each["mark"]["dy"]
        for each in texts
        for mark in each["data"]["values"]
    }


def test_the_labels_of_lines_that_end_close_together_do_not_cover_each_other() -> None:
    ends = [("happened", 124_962), ("expected", 119_737), ("last year", 119_000)]
    points = [
        Point(at=day, value=round(value * share), series=series)
        for series, value in ends
        for day, share in ((date(2017, 9, 30), 0.7), (date(2017, 12, 31), 1))
    ]
    chart = charts.line_with_band(points, finding="F", counted="shopping days")
    heights = sorted(labels_of(chart).values())
    assert len(heights) == 3
    assert all(upper - lower >= 14 for lower, upper in pairwise(heights))
    assert heights[-1] <= chart.spec["height"]
    assert chart.spec["layer"][0]["encoding"]["y"]["axis"]["title"] == "shopping days"


def test_the_ticks_of_an_axis_of_money_carry_the_currency_as_the_reader_writes_it() -> None:
    assert "$" in drawn().svg()
    assert re.search(r">\$1M<", drawn().svg())
    with translation.override("fr"):
        french = charts.waterfall(STEPS, finding="Moins", unit="EUR").svg()
    assert re.search(">1M\N{NO-BREAK SPACE}€<", french)


KINDS = {
    "waterfall": drawn(),
    "histogram": charts.histogram(BINS, finding="F", unit="USD", middle=5, middle_label="middle"),
    "curve": charts.curve([Place(x=0, y=0), Place(x=9, y=5, label="all")], finding="F"),
    "expected and actual": charts.expected_and_actual(GRADES, finding="F", unit="share"),
    "against the line": charts.against_the_line(GRADES, finding="F", unit="share"),
    "signed bars": charts.bars([Amount(label="A", value=-3)], finding="F", signed=True),
    "bars": charts.bars([Amount(label="A", value=3, href="/a")], finding="F"),
    "dots": charts.dots_with_intervals(
        [Estimate(label="A", value=2, low=1, high=3)], finding="F", unit="share"
    ),
    "line": charts.line_with_band(
        [
            Point(at=date(2017, 9, 30), value=4, low=3, high=5, series="Value"),
            Point(at=date(2017, 12, 31), value=5, low=4, high=6, series="Value"),
        ],
        finding="F",
        unit="USD",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_chart_fits_the_schema_that_pages_do_not_check(kind: str) -> None:
    alt.LayerChart.from_dict(KINDS[kind].spec, validate=True)


def test_the_schema_would_refuse_a_chart_that_does_not_fit() -> None:
    broken = drawn().spec | {"autosize": "anyhow"}
    with pytest.raises(Exception, match="anyhow"):
        alt.LayerChart.from_dict(broken, validate=True)
