"""Segments describe: each layer counts whom it covers, and makes nobody up."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from patronage.access.roles import SYSTEM
from patronage.differentiate.jobs import value
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads import valuations
from patronage.differentiate.reads.layers import MOST_VALUES, Layer, layers

from .history import NOW, History, commit

DECEMBER = date(2024, 12, 31)
SAID = datetime(2024, 3, 1, tzinfo=UTC)


@pytest.fixture
def run(history: History) -> ValuationRun:
    return value(actor=SYSTEM, now=NOW, as_of=DECEMBER)


def facts(rows: list[tuple[str, str, str | None, float | None, datetime]]) -> None:
    names = ("customer_id", "name", "value_text", "value_number", "observed_at")
    frame = pl.DataFrame(
        rows,
        schema=dict.fromkeys(names[:3], pl.String)
        | {"value_number": pl.Float64, "observed_at": pl.Datetime("us", "UTC")},
        orient="row",
    )
    commit(
        "customer_facts",
        frame.with_columns(source=pl.lit("survey"), import_id=pl.lit("imp_tests")),
    )


def by_name(found: list[Layer]) -> dict[str, Layer]:
    return {each.name: each for each in found}


def test_each_layer_covers_whom_it_knows_and_its_segments_sum_to_them(run: ValuationRun) -> None:
    frame = valuations(run)
    ids = frame["customer_id"].to_list()
    facts([(each, "age", "young" if place % 3 else "old", None, SAID)
           for place, each in enumerate(ids[:60])])  # fmt: skip
    shown = layers(SYSTEM, NOW)
    found = by_name(list(shown.layers))
    assert [each.kind for each in shown.layers] == ["value", "need", "demographic"]
    assert (found["age"].covered, shown.described) == (60, 60)
    assert found["age"].coverage == pytest.approx(60 / len(ids))
    assert found["tier"].coverage == 1.0
    assert found["need"].covered == frame["need"].drop_nulls().len()
    for layer in shown.layers:
        assert sum(each.customers for each in layer.segments) == layer.covered
        assert sum(each.share for each in layer.segments) == pytest.approx(1.0)
        for segment in layer.segments:
            assert sum(segment.tiers.values()) == segment.customers
    assert sum(each.value_minor for each in found["tier"].segments) == run.total_minor


def test_who_is_not_known_is_not_spread_over_the_segments(run: ValuationRun) -> None:
    """The broken twin fills the unknown with the most frequent value: coverage would be whole."""
    ids = valuations(run)["customer_id"].to_list()
    facts([(each, "age", "old", None, SAID) for each in ids[:10]])
    age = by_name(list(layers(SYSTEM, NOW).layers))["age"]
    filled = dict.fromkeys(ids, "old")
    assert len(filled) > age.covered == 10


def test_the_newest_value_by_the_date_counts(run: ValuationRun) -> None:
    someone = valuations(run)["customer_id"][0]
    later = datetime(2024, 9, 1, tzinfo=UTC)
    facts(
        [
            (someone, "home", "rents", None, SAID),
            (someone, "home", "owns", None, later),
            (someone, "home", "moved away", None, NOW),
        ]
    )
    home = by_name(list(layers(SYSTEM, NOW).layers))["home"]
    assert [each.name for each in home.segments] == ["owns"]
    assert home.observed_at == later


def test_many_different_numbers_become_bands_of_about_equal_size(run: ValuationRun) -> None:
    ids = valuations(run)["customer_id"].to_list()
    facts([(each, "income", None, float(place), SAID) for place, each in enumerate(ids)])
    income = by_name(list(layers(SYSTEM, NOW).layers))["income"]
    assert len(income.segments) == 4 < MOST_VALUES
    assert all(0.2 < each.share < 0.3 for each in income.segments)


def test_without_facts_there_are_the_computed_layers_only(run: ValuationRun) -> None:
    shown = layers(SYSTEM, NOW)
    assert [each.kind for each in shown.layers] == ["value", "need"]
    assert shown.described == 0
