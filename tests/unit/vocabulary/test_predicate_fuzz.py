"""Whatever is typed, the reader gives a predicate or says where it went wrong; nothing else.

PATRONAGE_TEST_FUZZ is the number of texts; the default runs with every change, ten times as many
before a release: PATRONAGE_TEST_FUZZ=1000000.
"""

from __future__ import annotations

import json
import os
from random import Random
from typing import Any

import pytest

from patronage.vocabulary.predicates import Predicate, PredicateError, fused, lexer, sql

from .hostile import (
    BOMBS,
    FIELDS,
    LONGEST_SECONDS,
    RECORDS,
    SOUND,
    hostile,
    outcome,
    problems,
    repeated,
)

TEXTS = int(os.environ.get("PATRONAGE_TEST_FUZZ", "100000"))
PARTS = 20
ALWAYS = {"node": "always", "value": True}


@pytest.mark.parametrize("part", range(PARTS))
def test_hostile_texts_neither_escape_nor_fail_nor_take_longer_than_10_ms(part: int) -> None:
    random = Random(f"rules {part}")
    assert list(problems(hostile(random) for _ in range(TEXTS // PARTS))) == []


def test_hostile_texts_reach_both_outcomes() -> None:
    random = Random(7)
    outcomes = [outcome(hostile(random)) for _ in range(5_000)]
    read = sum(isinstance(each, Predicate) for each in outcomes)
    assert 50 < read < 2_500, "the texts must reach both outcomes to mean anything"


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: f"{bomb[:12]!a}x{len(bomb)}")
def test_bombs_of_depth_and_length_are_answered_within_10_ms(bomb: str) -> None:
    assert list(problems([bomb])) == []


def test_the_longest_texts_that_are_read_are_among_the_bombs() -> None:
    read = [each for each in map(outcome, BOMBS) if isinstance(each, Predicate)]
    assert max(len(each.text.split(" ")) for each in read) > 390
    assert max(len(each.text) for each in read) > 9_000


# Broken twins: a compiler with a hole, one that writes SQL with a hole, a reader without bounds.


def _texts(count: int = 3_000) -> list[str]:
    random = Random(7)
    return [hostile(random) for _ in range(count)]


def test_a_compiler_that_does_not_quote_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def unquoted(node: Any) -> str:
        return f"'{node.value}'" if isinstance(node.value, str) else repr(float(node.value))

    monkeypatch.setattr(fused._Writer, "_literal", lambda _, node: unquoted(node))
    found = list(problems(_texts()))
    assert any("the function names" in each for each in found)


def test_a_compiler_that_leaves_the_built_ins_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_built_ins(root: Any) -> Any:
        made: Any = fused.compile_rule(root)
        made.__globals__["__builtins__"] = {"eval": eval}
        return made

    monkeypatch.setattr("patronage.vocabulary.predicates.predicate.compile_rule", with_built_ins)
    assert any("has built-ins" in each for each in problems(["t", "a > 1"]))


def test_sql_that_does_not_quote_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql._Sql, "_quoted", lambda _, text: f"'{text}'")
    found = list(problems(_texts()))
    assert any("the SQL holds" in each for each in found)


def test_a_reader_without_bounds_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexer, "MOST_WORDS", 1_000_000)
    monkeypatch.setattr(lexer, "MOST_LISTED", 1_000_000)
    assert any("read in" in each for each in problems(BOMBS))


@pytest.mark.parametrize("text", [None, 3, b"a > 1", ["a > 1"], object()])
def test_what_is_no_text_is_refused(text: Any) -> None:
    assert "A rule is text" in str(outcome(text))


def _damage(random: Random, node: Any) -> Any:
    """Put something wrong somewhere in a stored tree."""
    wrong: list[Any] = [
        None,
        1,
        1.5,
        float("nan"),
        "",
        "x",
        [],
        {},
        True,
        2**70,
        "days",
        "\ud800",
        {"node": "always", "value": True},
        {"node": "field", "kind": "text", "name": "a"},
        {"node": "field", "kind": "number", "name": "x;y"},
        {"node": "literal", "kind": "number", "value": float("inf")},
    ]
    if random.random() < 0.3 or not isinstance(node, dict | list) or not node:
        return random.choice(wrong)
    key: Any = random.choice(list(node)) if isinstance(node, dict) else random.randrange(len(node))
    node[key] = _damage(random, node[key])
    return node


def test_5000_damaged_stored_rules_give_a_predicate_or_its_error() -> None:
    random = Random(11)
    stored = [Predicate.parse(text, FIELDS).to_json() for text in SOUND]
    refused = 0
    for _ in range(5_000):
        document = _damage(random, json.loads(random.choice(stored)))
        try:
            predicate = Predicate.from_json(json.dumps(document), FIELDS)
        except PredicateError:
            refused += 1
        else:
            assert Predicate.parse(predicate.text, FIELDS) == predicate
            assert all(predicate.evaluate(each) in (True, False, None) for each in RECORDS)
    assert refused > 4_000


@pytest.mark.parametrize(
    "document",
    [
        "",
        "null",
        "[]",
        "{",
        "[" * 100_000,
        '{"version":1,"tree":' * 5_000,
        '{"tree":{"node":"or","parts":[' + '{"node":"always","value":true},' * 6_000 + "]}}",
        '{"tree":{"node":"in","options":[' + '{"node":"literal","kind":"integer"},' * 1_900 + "]}}",
        json.dumps({"version": 1, "tree": {"node": "or", "parts": [ALWAYS] * 1_990}}),
        '{"version":true,"tree":{"node":"always","value":true}}',
    ],
)
def test_what_is_no_stored_rule_is_refused(document: str) -> None:
    def refuse() -> str:
        with pytest.raises(PredicateError) as refused:
            Predicate.from_json(document, FIELDS)
        return str(refused.value)

    _, seconds = repeated(refuse)
    assert seconds <= LONGEST_SECONDS
