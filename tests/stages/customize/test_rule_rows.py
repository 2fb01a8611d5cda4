"""Is a condition the same as text and as the rows that its builder shows, whatever it asks?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from django.utils import translation

from patronage.access.roles import SYSTEM
from patronage.customize.pages.rule_forms import Card, rules_sent
from patronage.customize.pages.rule_rows import CATALOGS, conditions_shown, rows_of, text_of
from patronage.govern.actions import checked_rules
from patronage.govern.errors import PolicyRuleRefused
from patronage.vocabulary.fields import FieldCatalog
from patronage.vocabulary.predicates import Predicate, PredicateError

from ...parity.engines import FIELDS
from ...parity.generated import condition
from .world import World

#: the whole numbers of the generated conditions are amounts of money
MONEY = FieldCatalog(
    replace(each, unit="minor units") if each.type is int else each for each in FIELDS.values()
)
WHEN = CATALOGS["when"]


def asks(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every row of a view."""
    for each in node.get("rows", []):
        yield from asks(each)
    if node["kind"] == "row":
        yield node


@pytest.mark.parametrize("fields", [FIELDS, MONEY], ids=["numbers", "money"])
def test_generated_conditions_come_back_from_their_rows(fields: FieldCatalog, world: World) -> None:
    random, shown = Random(3), 0
    for _ in range(500):
        read = Predicate.parse(condition(random), fields)
        try:
            rows = rows_of(read.text, fields)
        except PredicateError:
            assert [each["kind"] for each in read.to_builder()["rows"]] == ["text"]
            continue
        assert text_of(json.dumps(rows), fields) == read.text
        shown += any(True for _ in asks(rows))
    assert shown > 300


def test_an_amount_is_shown_in_the_companys_currency_and_read_as_people_type_it(
    world: World,
) -> None:
    (row,) = rows_of("value_minor BETWEEN 5 AND 25050", WHEN)["rows"]
    assert row["value"] == ["0.05", "250.50"]
    typed = {"kind": "group", "match": "all", "rows": [row | {"value": ["0,05", "1 250.50"]}]}
    assert text_of(json.dumps(typed), WHEN) == "value_minor BETWEEN 5 AND 125050"


def test_half_a_minor_unit_which_no_amount_shows_stays_as_text(world: World) -> None:
    text = "value_minor > 1.5 AND orders_90d > 3"
    kinds = [each["kind"] for each in rows_of(text, WHEN)["rows"]]
    assert kinds == ["text", "row"]
    assert text_of(json.dumps(rows_of(text, WHEN)), WHEN) == text


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"field": "", "operator": "="}, "Row 2.1: No field is chosen"),
        ({"field": "value_minor", "operator": ">", "value": "lots"}, "Row 2.1: Cannot read 'lots'"),
        ({"field": "value_minor", "operator": ">", "value": "1,234"}, "Row 2.1: Cannot read"),
        ({"field": "teir", "operator": "=", "value": "top"}, "Row 2.1: There"),
        ({"field": "orders_90d", "operator": "=", "value": ""}, "Row 2.1: '' is not a number"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(row: dict[str, str], said: str, world: World) -> None:
    good = {"kind": "row", "field": "tier", "operator": "=", "value": "top"}
    inner = {"kind": "group", "match": "any", "rows": [{"kind": "row"} | row]}
    sent = json.dumps({"kind": "group", "match": "all", "rows": [good, inner]})
    with pytest.raises(PredicateError) as refused:
        text_of(sent, WHEN)
    assert said in str(refused.value)
    assert refused.value.row == "2.1"
    with pytest.raises(PolicyRuleRefused, match=r"Rule 'one', when: .*Row 2\.1"):
        rules_sent([Card(place=1, order="1", name="one", when="true", when_rows=sent)])


@pytest.mark.parametrize("sent", ["[]", "{", "[" * 50_000, '{"kind": "group"}', "null", '"all"'])
def test_damaged_rows_are_refused(sent: str, world: World) -> None:
    with pytest.raises(PredicateError):
        text_of(sent, WHEN)


def test_what_was_built_counts_and_not_the_text_beside_it(world: World) -> None:
    rows = json.dumps(rows_of("tier = 'top'", WHEN))
    card = Card(place=1, order="1", name="one", when="orders_90d > 3", when_rows=rows)
    (kept,) = checked_rules(rules_sent([card]), SYSTEM)
    assert kept.when == "tier = 'top'"
    (emptied,) = rules_sent([replace(card, when_rows=json.dumps(rows_of("", WHEN)))])
    assert emptied.when == "true"


def test_every_field_is_told_with_its_words_in_french_too(world: World) -> None:
    with translation.override("en"):
        english = conditions_shown(SYSTEM)
    with translation.override("fr"):
        french = conditions_shown(SYSTEM)
    for part, fields in english["fields"].items():
        told = {each["name"]: each for each in french["fields"][part]}
        for each in fields:
            assert each["operators"]
            assert told[each["name"]]["label"] != each["label"]
            assert told[each["name"]]["source"] != each["source"]
    tiers = next(each for each in english["fields"]["when"] if each["name"] == "tier")
    assert len(tiers["choices"]) > 1
