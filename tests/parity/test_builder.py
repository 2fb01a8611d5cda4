"""A rule as text, as rows of a condition builder and as a tree is one rule."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from patronage.vocabulary.predicates import Field, Predicate, PredicateError
from patronage.vocabulary.predicates.builder import operators_of
from patronage.vocabulary.predicates.limits import DEEPEST_NESTING

from . import customers
from .engines import FIELDS
from .generated import condition


def _row(field: str, operator: str, *value: Any) -> dict[str, Any]:
    row = {"kind": "row", "field": field, "operator": operator}
    return row | ({"value": value[0]} if value else {})


def _group(match: str, *rows: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "group", "match": match, "rows": list(rows)}


def _through_json(predicate: Predicate) -> Predicate:
    return Predicate.from_builder(json.dumps(predicate.to_builder()), FIELDS)


@pytest.mark.parametrize("seed", range(2))
def test_generated_rules_come_back_from_their_rows_with_text_and_tree(seed: int) -> None:
    random = Random(seed)
    met: set[str] = set()
    for _ in range(500):
        predicate = Predicate.parse(condition(random), FIELDS)
        again = _through_json(predicate)
        assert again == predicate
        assert again.text == predicate.text
        assert again.to_json() == predicate.to_json()
        assert again.to_builder() == predicate.to_builder()
        met |= _words(predicate.to_builder())
    spoken = {operator for field in FIELDS.values() for operator in operators_of(field)}
    assert met == spoken | {"all", "any", "none", "text"}


def test_the_published_workload_needs_no_row_of_text() -> None:
    for text in customers.rules(Random(1)):
        predicate = Predicate.parse(text, customers.FIELDS)
        assert "text" not in _words(predicate.to_builder())
        assert Predicate.from_builder(predicate.to_builder(), customers.FIELDS) == predicate


def _words(view: dict[str, Any]) -> set[str]:
    if view["kind"] == "group":
        return {view["match"]}.union(*map(_words, view["rows"]))
    return {view.get("operator", "text")}


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("orders > 3", _group("all", _row("orders", ">", "3"))),
        ("orders > 3.0", _group("all", _row("orders", ">", "3.0"))),
        ("orders = -3", _group("all", _row("orders", "=", "-3"))),
        (
            "orders > 3 AND region NOT IN ('EU', 'it''s')",
            _group("all", _row("orders", ">", "3"), _row("region", "not in", ["EU", "it's"])),
        ),
        (
            "active OR NOT vip OR vip = FALSE",
            _group(
                "any",
                _row("active", "holds"),
                _row("vip", "does not hold"),
                _row("vip", "=", "false"),
            ),
        ),
        (
            "NOT (orders > 3 OR visits IS NULL)",
            _group("none", _row("orders", ">", "3"), _row("visits", "is unknown")),
        ),
        (
            "NOT (orders > 3 AND visits IS NOT NULL)",
            _group("none", _group("all", _row("orders", ">", "3"), _row("visits", "is known"))),
        ),
        ("NOT (orders > 3)", _group("none", _row("orders", ">", "3"))),
        (
            "joined BETWEEN DATE '2024-01-01' AND DATE '2024-12-31'",
            _group("all", _row("joined", "between", ["2024-01-01", "2024-12-31"])),
        ),
        (
            "region LIKE 'a''%' AND orders + visits > 3",
            _group(
                "all",
                _row("region", "begins with", "a'"),
                {"kind": "text", "text": "orders + visits > 3"},
            ),
        ),
        ("TRUE", _group("all", {"kind": "text", "text": "TRUE"})),
    ],
)
def test_a_rule_is_shown_as_these_rows(text: str, rows: dict[str, Any]) -> None:
    predicate = Predicate.parse(text, FIELDS)
    assert predicate.to_builder() == rows
    assert Predicate.from_builder(rows, FIELDS).text == text


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (_group("all", _group("any", _row("vip", "holds"))), "vip"),
        (_group("none", _row("vip", "holds")), "NOT vip"),
        (_group("none", _group("any", _row("vip", "holds"), _row("active", "holds"))),
         "NOT (vip OR active)"),
        (_group("all", _row("orders", ">", " 3 ")), "orders > 3"),
        (_group("all", _row("spend", "<", "+1e2")), "spend < 100.0"),
        (_row("orders", ">", "3"), "orders > 3"),
        ({"kind": "text", "text": "vip and active"}, "vip AND active"),
        (_group("all", _row("region", "=", "3 OR TRUE")), "region = '3 OR TRUE'"),
    ],
)  # fmt: skip
def test_rows_that_a_person_made_are_read(rows: dict[str, Any], text: str) -> None:
    assert Predicate.from_builder(rows, FIELDS).text == text


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (_group("all"), "The rule: The group is empty. Add a row"),
        (_group("all", _row("vip", "holds"), _group("any")), "Row 2: The group is empty"),
        (_group("some", _row("vip", "holds")), "'some' says nothing of a group"),
        (_group("all", _row("orders", ">", "three")), "Row 1: 'three' is not a number"),
        (_group("all", _row("orders", ">", "3 OR TRUE")), "'3 OR TRUE' is not a number"),
        (_group("all", _row("orders", ">", "1e400")), "too large"),
        (_group("all", _row("orders", ">", 3)), "written as a text, found 3"),
        (_group("all", _row("orders", ">")), "written as a text, found None"),
        (_group("all", _row("orders", "in", "3")), "takes a list"),
        (_group("all", _row("orders", "in", [])), "list after IN is empty"),
        (_group("all", _row("orders", "between", ["1"])), "takes two values"),
        (_group("all", _row("vip", "holds", "true")), "takes no value"),
        (_group("all", _row("vip", "=", "yes")), "'yes' is not true or false"),
        (_group("all", _row("vip", ">", "true")), "'>' cannot be asked of vip"),
        (_group("all", _row("orders", "begins with", "1")), "cannot be asked of orders"),
        (_group("all", _row("region", "begins with", "a%")), "start of a text"),
        (_group("all", _row("region", "=", "a\x00")), "no database can store"),
        (_group("all", _row("joined", "=", "2024-02-30")), "'2024-02-30' is not a date"),
        (
            _group("any", _group("all", _row("vip", "holds"), _row("orderz", ">", "3"))),
            "Row 1.2: There is no field 'orderz'. Did you mean orders?",
        ),
        (_group("all", _row("\u043erders", ">", "3")), "CYRILLIC SMALL LETTER O"),
        (_group("all", _row("vip IS NULL OR vip", "holds")), "There is no field"),
        (_group("all", {"kind": "text", "text": "orders + > 3"}), "Row 1: The rule cannot be read"),
        (_group("all", {"kind": "row", "field": "vip"}), "This is no group, row or text"),
        (_group("all", _row("vip", "holds") | {"more": 1}), "This is no group, row or text"),
        ({"kind": "group", "match": "all", "rows": "vip"}, "The group is empty"),
        ([], "This is no group"),
        (_group("all", *[{"kind": "text", "text": "vip"}] * 401), "more than 400 rows"),
        ("[", "The rows are damaged"),
        ("[" * 100_000, "damaged"),
        (" " * 200_001, "too many to read"),
    ],
)
def test_rows_that_no_rule_can_be_are_refused_with_their_place(rows: Any, message: str) -> None:
    with pytest.raises(PredicateError) as caught:
        Predicate.from_builder(rows, FIELDS)
    assert message in str(caught.value)
    assert caught.value.advice


def test_a_refused_word_row_has_the_place_in_its_text() -> None:
    rows = _group("all", _row("vip", "holds"), {"kind": "text", "text": "orders + visits > 'x'"})
    with pytest.raises(PredicateError) as caught:
        Predicate.from_builder(rows, FIELDS)
    assert (caught.value.offset, caught.value.reason[:6]) == (18, "Row 2:")


def test_groups_nested_too_deeply_are_refused() -> None:
    view = _row("vip", "holds")
    for _ in range(DEEPEST_NESTING + 3):
        view = _group("none", view)
    with pytest.raises(PredicateError, match="nested too deeply"):
        Predicate.from_builder(view, FIELDS)


@pytest.mark.parametrize(
    "text",
    [
        "NOT (" * 64 + "NOT vip" + ")" * 64,
        "(vip AND " * 32 + "(active OR " * 32 + "vip" + ")" * 64,
        "vip" + " AND active" * 199,
    ],
    ids=["turned", "nested", "long"],
)
def test_the_deepest_and_the_longest_rules_come_back(text: str) -> None:
    predicate = Predicate.parse(text, FIELDS)
    assert _through_json(predicate) == predicate


def test_damaged_rows_give_a_rule_or_its_refusal() -> None:
    random = Random(5)
    wrong: list[Any] = [None, 1, "", "x", [], {}, True, ["1"], "all", "vip", _group("any")]
    refused = 0
    for _ in range(3_000):
        view: Any = Predicate.parse(condition(random, depth=2), FIELDS).to_builder()
        node = view
        while isinstance(node.get("rows"), list) and random.random() < 0.6:
            node = random.choice(node["rows"])
        node[random.choice(list(node))] = random.choice(wrong)
        try:
            predicate = Predicate.from_builder(json.dumps(view), FIELDS)
        except PredicateError:
            refused += 1
        else:
            assert _through_json(predicate) == predicate
    assert 1_500 < refused < 3_000


def test_operators_fit_the_type_of_a_field() -> None:
    assert operators_of(Field("a", bool))[:2] == ("holds", "does not hold")
    assert "begins with" in operators_of(Field("a", str))
    assert "begins with" not in operators_of(Field("a", int))
