"""A rule is read with its place in every refusal, and runs as what it says."""

from __future__ import annotations

import pickle
import subprocess
import sys
import unicodedata
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
import sqlglot

from patronage.vocabulary.fields import Field, FieldCatalog
from patronage.vocabulary.predicates import Policy, Predicate, PredicateError, RecordError

FIELDS = FieldCatalog(
    [
        Field("orders", int, unit="orders"),
        Field("spend", float, unit="USD"),
        Field("cost", Decimal, unit="EUR"),
        Field("region", str),
        Field("vip", bool),
        Field("last_order", date),
        # Words of SQL that are none of the language's.
        Field("value", int),
        Field("order", int),
        Field("end", date),
        Field("day", int),
    ]
)


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        ("orders >", 1, 8, "cannot be read"),
        ("orders == 3", 1, 8, "'==' is not part"),
        ("orders > 'three'", 1, 10, "A number is compared with a text"),
        ("last_order > '2024-01-01'", 1, 14, "A date is compared with a text"),
        ("orders > 1\nAND lst_order IS NULL", 2, 5, "no field 'lst_order'"),
        ("ORDERS > 1", 1, 1, "no field 'ORDERS'"),
        ("\u043erders > 1", 1, 1, "'\\u043e'"),
        ("orders\u00a0> 1", 1, 7, "'\\xa0'"),
        ("lower(region) = 'eu'", 1, 1, "used as a function"),
        ("CAST (orders AS text) = '1'", 1, 1, "used as a function"),
        ("orders::text = '1'", 1, 7, "Parameters"),
        ("orders > (SELECT 1)", 1, 11, "no field 'SELECT'"),
        ("orders > 1 -- so", 1, 12, "Comments"),
        ("orders > 1 /* so */", 1, 12, "Comments"),
        ('"orders" > 1', 1, 1, "Quoted names"),
        ("orders > :limit", 1, 10, "Parameters"),
        ("c.orders > 1", 1, 1, "no field 'c'"),
        ("orders > 1; vip", 1, 11, "';'"),
        ("orders / 0 > 1", 1, 10, "divides by zero"),
        ("spend / 0.0 > 1", 1, 9, "divides by zero"),
        ("spend / -0 > 1", 1, 10, "divides by zero"),
        ("spend / (1 - 1) > 1", 1, 10, "divides by zero"),
        ("spend / -(2 * 3 - 6) > 1", 1, 11, "divides by zero"),
        ("spend / 1e-12 > 1", 1, 9, "divides by 1e-12, which counts as zero"),
        ("spend / (orders / value) > 1", 1, 10, "divides again"),
        ("orders", 1, 1, "not a condition"),
        ("orders + 1", 1, 1, "value stands where a condition"),
        ("vip AND orders", 1, 9, "not a condition"),
        ("1 < 2", 1, 1, "Two constants"),
        ("orders = NULL", 1, 1, "NULL equals nothing"),
        ("orders IN (1, NULL)", 1, 15, "NULL in a list"),
        ("orders IN (value)", 1, 12, "not a constant"),
        ("orders IN ()", 1, 11, "value is missing"),
        ("orders IN (1 2)", 1, 14, "comma is missing"),
        ("orders IN 3", 1, 1, "cannot be read"),
        ("region LIKE '%x'", 1, 13, "start of a text"),
        ("region LIKE 'a_c%'", 1, 13, "start of a text"),
        ("region LIKE 'abc'", 1, 13, "start of a text"),
        ("orders LIKE '1%'", 1, 1, "text field only"),
        ("vip > FALSE", 1, 1, "no order"),
        ("1 < orders < 3", 1, 1, "condition stands where a value"),
        ("last_order > DATE '2024-02-30'", 1, 14, "not a date"),
        ("last_order > end - INTERVAL '1' MONTH", 1, 20, "whole number of days"),
        ("last_order + 1 > end", 1, 1, "has no meaning"),
        ("spend > cost", 1, 1, "units differ: spend (USD) and cost (EUR)"),
        ("spend + cost > 1", 1, 1, "units differ"),
        ("(orders > 1", 1, 1, "never closed"),
        ("orders > 1)", 1, 11, "')' does not belong"),
        ("", 1, 1, "empty"),
        ("region = 'x", 1, 10, "never ends"),
        ("(" * 65 + "vip" + ")" * 65, 1, 66, "64"),
        (" " * 10_001, 1, 10_001, "10,001 characters"),
        ("(" * 51_200 + "vip" + ")" * 51_200, 1, 10_001, "102,403 characters"),
        ("vip" + " AND vip" * 200, 1, 1_601, "more than 400 words"),
        ("orders IN (1" + ",1" * 500 + ")", 1, 1_012, "more than 500 constants"),
        ("orders\u00a0> 1", 1, 7, "NO-BREAK SPACE"),
        ("\u043erders > 1", 1, 1, "CYRILLIC SMALL LETTER O"),
        ("ord\u0435rs > 1", 1, 4, "CYRILLIC SMALL LETTER IE"),
        ("vip \u0410ND orders > 1", 1, 5, "CYRILLIC CAPITAL LETTER A"),
    ],
)
def test_what_is_not_in_the_language_is_refused_with_its_place(
    text: str, line: int, column: int, reason: str
) -> None:
    with pytest.raises(PredicateError) as caught:
        Predicate.parse(text, FIELDS)
    refusal = caught.value
    assert (refusal.line, refusal.column) == (line, column)
    assert reason in refusal.reason
    assert refusal.advice
    assert str(refusal) == f"Line {line}, column {column}: {refusal.reason} {refusal.advice}"


def test_the_library_face_works_as_published() -> None:
    from patronage.vocabulary.predicates import Field, FieldCatalog, Policy, Predicate

    fields = FieldCatalog(
        [Field("orders_90d", int), Field("region", str), Field("last_order", date)]
    )
    p = Predicate.parse("orders_90d > 3 AND region NOT IN ('EU')", fields)
    assert p.evaluate({"orders_90d": 4, "region": "US"}) is True
    assert p.evaluate({"orders_90d": 4, "region": "EU"}) is False
    assert p.evaluate({"orders_90d": 4}) is None
    policy = Policy.compile([p, Predicate.parse("last_order >= DATE '2024-01-01'", fields)])
    assert policy({"orders_90d": 3, "last_order": date(2024, 1, 1)}) == (False, True)
    for dialect in ("duckdb", "postgres", "spark"):
        assert "orders_90d" in p.to_sql(dialect)
    frame = pl.DataFrame({"orders_90d": [4, 4, None], "region": ["US", "EU", "US"]})
    assert frame.select(p.to_polars()).to_series().to_list() == [True, False, None]
    again = Predicate.from_json(p.to_json())
    assert again == p
    assert again.to_json() == p.to_json()
    with pytest.raises(PredicateError) as caught:
        Predicate.parse("orders_90d > 3 AND regoin = 'EU'", fields)
    assert (caught.value.offset, caught.value.line, caught.value.column) == (19, 1, 20)


def test_the_nearest_field_is_proposed() -> None:
    with pytest.raises(PredicateError, match="Did you mean last_order"):
        Predicate.parse("lst_order IS NULL", FIELDS)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("\u043erders > 1", "It looks like o: type that instead. Did you mean orders?"),
        ("ord\u0435rs > 1", "It looks like e: type that instead. Did you mean orders?"),
        ("orders\u0430 > 1", "It looks like a: type that instead. Did you mean orders?"),
        ("\U0001d428rders > 1", "It looks like o: type that instead. Did you mean orders?"),
        ("\u03bf\u0433ders > 1", "It looks like o: type that instead. Did you mean orders?"),
        ("orders\u00a0> 1", "It looks like a space: type that instead."),
        ("1 < orders \u2013 2", "It looks like -: type that instead."),
        ("orders \u2265 2", "It looks like >=: type that instead."),
        ("region = \u2019x\u2019", "It looks like ': type that instead."),
        ("orders > \u200b1", "Remove it: it cannot be seen, or is in no name, number or sign of"),
        ("orders \u0418 1", "Remove it: it cannot be seen, or is in no name, number or sign of"),
    ],
)
def test_a_look_alike_is_told_by_the_plain_character_and_the_field_meant(
    text: str, advice: str
) -> None:
    with pytest.raises(PredicateError) as caught:
        Predicate.parse(text, FIELDS)
    assert caught.value.advice.startswith(advice)


def test_every_look_alike_of_a_letter_in_every_place_of_a_name_is_refused_at_its_place() -> None:
    pairs = {
        "o": "\u043e\u03bf\uff4f",
        "r": "\u1d63\uff52",
        "e": "\u0435\uff45",
        "s": "\u0455\uff53",
    }
    for at, letter in enumerate("orders"):
        for strange in pairs.get(letter, ""):
            with pytest.raises(PredicateError) as caught:
                Predicate.parse(f"vip AND {'orders'[:at]}{strange}{'orders'[at + 1 :]} > 1", FIELDS)
            assert caught.value.column == 9 + at
            assert unicodedata.name(strange) in caught.value.reason
            assert "Did you mean orders?" in caught.value.advice


def test_the_longest_rule_that_may_be_written_is_read_and_run() -> None:
    longest = "vip" + " AND vip" * 199 + " AND orders IN (1" + ",1" * 499 + ")"
    with pytest.raises(PredicateError, match="more than 400 words"):
        Predicate.parse(longest, FIELDS)
    longest = longest.removeprefix("vip AND vip AND vip AND ")
    predicate = Predicate.parse(longest, FIELDS)
    assert predicate.evaluate({"vip": True, "orders": 1}) is True
    assert Predicate.from_json(predicate.to_json(), FIELDS) == predicate
    assert Predicate.parse(predicate.text, FIELDS) == predicate


def test_a_rule_that_grows_too_long_by_being_written_out_is_refused() -> None:
    grows = " OR ".join(["NOT vip = TRUE"] * 57)
    assert Predicate.parse(grows, FIELDS)
    with pytest.raises(PredicateError, match="Written out, the rule is too long"):
        Predicate.parse(" OR ".join(["NOT vip = TRUE"] * 58), FIELDS)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("orders>3 and not region in('EU')", "orders > 3 AND region NOT IN ('EU')"),
        ("orders != 3", "orders <> 3"),
        ("vip OR orders=1 AND value=2", "vip OR (orders = 1 AND value = 2)"),
        ("NOT orders = 1", "NOT (orders = 1)"),
        ("NOT (NOT vip)", "NOT (NOT vip)"),
        ("orders - (value - 1) > -3", "orders - (value - 1) > -3"),
        ("orders * (value + 1) / 2 > .5", "orders * (value + 1) / 2 > 0.5"),
        ("- (orders) < 0", "-orders < 0"),
        ("last_order > end - interval 2 weeks", "last_order > end - INTERVAL '14' DAY"),
        ("region = 'it''s'", "region = 'it''s'"),
        ("order > day", "order > day"),
        ("spend > 1e2", "spend > 100.0"),
        ("((vip))", "vip"),
    ],
)
def test_the_canonical_text_reads_back_into_the_same_tree(text: str, canonical: str) -> None:
    predicate = Predicate.parse(text, FIELDS)
    assert predicate.text == canonical
    assert Predicate.parse(canonical, FIELDS) == predicate
    assert hash(Predicate.parse(canonical, FIELDS)) == hash(predicate)


def test_64_levels_are_read_and_run_in_every_form() -> None:
    predicate = Predicate.parse("NOT (" * 63 + "NOT vip" + ")" * 63, FIELDS)
    assert predicate.evaluate({"vip": True}) is True
    assert Predicate.from_json(predicate.to_json(), FIELDS) == predicate
    assert Predicate.parse(predicate.text, FIELDS) == predicate
    frame = pl.DataFrame({"vip": [True, None]})
    assert frame.select(predicate.to_polars()).to_series().to_list() == [True, None]


def test_the_stored_form_has_a_version_and_is_the_same_for_equal_rules() -> None:
    predicate = Predicate.parse("orders > 3", FIELDS)
    assert predicate.to_json() == (
        '{"tree":{"left":{"kind":"integer","name":"orders","node":"field"},"node":"compare",'
        '"operator":">","right":{"kind":"integer","node":"literal","value":3}},"version":1}'
    )
    with pytest.raises(PredicateError, match="version 2, expected 1"):
        Predicate.from_json(predicate.to_json().replace('"version":1', '"version":2'))


def test_a_stored_rule_whose_field_is_gone_or_changed_is_refused() -> None:
    stored = Predicate.parse("orders > 3", FIELDS).to_json()
    with pytest.raises(PredicateError, match="no such field"):
        Predicate.from_json(stored, FieldCatalog([Field("visits", int)]))
    with pytest.raises(PredicateError, match="has it as text"):
        Predicate.from_json(stored, FieldCatalog([Field("orders", str)]))


def test_fields_used_are_named_once_in_order() -> None:
    predicate = Predicate.parse("vip AND orders > 1 AND (region = 'x' OR orders < 0)", FIELDS)
    assert predicate.fields_used == ("vip", "orders", "region")
    assert Policy.compile([predicate, Predicate.parse("value = 1", FIELDS)]).fields_used == (
        "vip", "orders", "region", "value",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "known", "field"),
    [
        ("orders > 3", {"orders": "10"}, "orders"),
        ("orders > 3", {"orders": True}, "orders"),
        ("orders > 3", {"orders": 3.5}, "orders"),
        ("spend > 3", {"spend": "10"}, "spend"),
        ("region = '10'", {"region": 10}, "region"),
        ("vip", {"vip": 1}, "vip"),
        ("last_order IS NULL", {"last_order": datetime(2024, 1, 1)}, "last_order"),  # noqa: DTZ001  # any datetime is wrong here
        ("last_order IS NULL", {"last_order": "2024-01-01"}, "last_order"),
    ],
)
def test_a_record_of_the_wrong_type_is_a_fault_and_not_an_answer(
    text: str, known: dict[str, Any], field: str
) -> None:
    with pytest.raises(RecordError, match=f"Field '{field}' of the record should be"):
        Predicate.parse(text, FIELDS).evaluate(known)


@pytest.mark.parametrize(
    "value", [np.int64(4), np.float64(4.0), 4.0, Decimal(4), np.int8(4)], ids=repr
)
def test_numpy_and_decimal_values_count_as_the_numbers_they_are(value: Any) -> None:
    assert Predicate.parse("orders = 4", FIELDS).evaluate({"orders": value}) is True
    assert Predicate.parse("spend = 4", FIELDS).evaluate({"spend": value}) is True


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), 10**400],
)
def test_numbers_that_no_column_can_hold_are_unknown(value: Any) -> None:
    assert Predicate.parse("spend > 3 OR spend <= 3", FIELDS).evaluate({"spend": value}) is None
    assert Predicate.parse("orders IS NULL", FIELDS).evaluate({"orders": value}) is True


def test_a_policy_answers_all_rules_in_their_order() -> None:
    texts = ["orders > 3", "vip", "region LIKE 'N%'", "TRUE"]
    policy = Policy.compile([Predicate.parse(text, FIELDS) for text in texts])
    assert policy({"orders": 4, "region": "South"}) == (True, None, False, True)
    assert [each.text for each in policy.predicates] == texts
    assert Policy.compile([])({}) == ()


def test_predicates_policies_and_refusals_travel_between_processes() -> None:
    predicate = Predicate.parse("orders > 3", FIELDS)
    predicate.evaluate({})
    assert pickle.loads(pickle.dumps(predicate)) == predicate
    policy = pickle.loads(pickle.dumps(Policy.compile([predicate])))
    assert policy({"orders": 4}) == (True,)
    with pytest.raises(PredicateError) as caught:
        Predicate.parse("vip AND orders", FIELDS)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.offset) == (str(caught.value), 8)


def test_the_compiled_rules_have_no_built_ins() -> None:
    rules: Any = Predicate.parse("region = '__import__(''os'')'", FIELDS).evaluate
    assert rules.__globals__["__builtins__"] == {}


def test_texts_cannot_break_out_of_the_sql_they_are_written_into() -> None:
    predicate = Predicate.parse("region = '''; DROP TABLE x; --' AND region <> 'a\\'", FIELDS)
    for dialect in ("duckdb", "postgres", "spark"):
        parsed = sqlglot.parse(predicate.to_sql(dialect), dialect=dialect)
        assert len(parsed) == 1
        texts = {each.this for each in parsed[0].find_all(sqlglot.exp.Literal)}
        assert texts == {"'; DROP TABLE x; --", "a\\"}


def test_an_unknown_dialect_is_refused_with_the_list() -> None:
    with pytest.raises(ValueError, match="duckdb, postgres, spark"):
        Predicate.parse("vip", FIELDS).to_sql("mysql")


def test_enum_columns_answer_as_text_columns_do() -> None:
    values = ["north", "south", None, "North"]
    texts = ("region = 'west'", "region IN ('north', 'west')", "region < 'o'", "region LIKE 'N%'")
    rules = [Predicate.parse(text, FIELDS).to_polars().alias(text) for text in texts]
    plain = pl.DataFrame({"region": values})
    ordered = pl.DataFrame(
        {"region": values}, schema={"region": pl.Enum(["south", "north", "North"])}
    )
    assert plain.select(rules).equals(ordered.select(rules), null_equal=True)


def test_the_vocabulary_loads_neither_sqlglot_nor_polars() -> None:
    program = (
        "import sys, patronage.vocabulary, patronage.vocabulary.fields, patronage.vocabulary.money;"
        "assert 'sqlglot' not in sys.modules;"
        "import patronage.vocabulary.predicates;"
        "assert 'sqlglot' in sys.modules and 'polars' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
