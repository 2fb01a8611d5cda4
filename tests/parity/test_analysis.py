"""What is said of a list of rules is so: claims are held against records, and plants are found."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import date
from random import Random
from typing import Any

import pytest

from patronage.vocabulary.fields import Field, FieldCatalog
from patronage.vocabulary.predicates import Policy, Predicate, analysis, goals, spans
from patronage.vocabulary.predicates.analysis import (
    Finding,
    Pair,
    Problem,
    Relation,
    analyse,
    pairs,
    relate,
)
from patronage.vocabulary.predicates.nodes import Kind

from . import customers
from .engines import FIELDS
from .generated import condition, record

Rules = list[tuple[str, Predicate]]


def _generated(seed: int, count: int) -> Rules:
    random = Random(seed)
    texts = [condition(random, depth=random.randint(0, 2)) for _ in range(count)]
    return [(f"r{at}", Predicate.parse(text, FIELDS)) for at, text in enumerate(texts)]


def _records(seed: int, count: int) -> list[dict[str, Any]]:
    random = Random(seed)
    return [record(random) for _ in range(count)]


def untruths(rules: Rules, records: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Say which claims about the rules a record or an example shows to be false."""
    policy = Policy.compile(predicate for _, predicate in rules)
    names = [name for name, _ in rules]
    answers = [dict(zip(names, policy(each), strict=True)) for each in records]
    found = analyse(rules)
    for finding in found.findings:
        yield from (f"{finding}: {each}" for each in answers if not _holds(finding, each))
    for name, example in found.examples.items():
        first = next(n for n, answer in zip(names, policy(example), strict=True) if answer is True)
        if first != name:
            yield f"{example} is an example of {first}, not of {name}"
    related = {(pair.one, pair.other): pair for pair in pairs(rules)}
    for one, other in itertools.combinations(names, 2):
        pair = related.get((one, other), Pair(one=one, other=other, relation=Relation.APART))
        yield from (f"{pair}: {each}" for each in answers if not _lies(pair, each))
        if pair.example is not None:
            both = dict(zip(names, policy(pair.example), strict=True))
            if not (both[one] is True and both[other] is True):
                yield f"{pair} is no example"


def _holds(finding: Finding, answers: dict[str, Any]) -> bool:
    answer = answers[finding.rule]
    match finding.problem:
        case Problem.NEVER_TRUE:
            return answer is not True
        case Problem.ALWAYS_TRUE:
            return answer is True
        case Problem.NEVER_FALSE:
            return answer is not False
        case Problem.HIDDEN:
            return answer is not True or any(answers[name] is True for name in finding.by)
    return True


def _lies(pair: Pair, answers: dict[str, Any]) -> bool:
    one, other = answers[pair.one] is True, answers[pair.other] is True
    match pair.relation:
        case Relation.APART:
            return not (one and other)
        case Relation.SAME:
            return one is other
        case Relation.WITHIN:
            return other or not one
        case Relation.AROUND:
            return one or not other
    return True


@pytest.mark.parametrize("seed", range(12))
def test_no_record_contradicts_what_is_said_of_generated_rules(seed: int) -> None:
    rules = _generated(seed, 20)
    assert list(untruths(rules, _records(seed + 100, 1_000)))[:3] == []


def test_generated_rules_meet_every_problem_and_every_relation() -> None:
    lists = [_generated(seed, 20) for seed in range(12)]
    problems = {each.problem for rules in lists for each in analyse(rules).findings}
    assert problems == set(Problem)
    relations = {pair.relation for rules in lists for pair in pairs(rules)}
    assert relations >= set(Relation) - {Relation.APART}


def test_most_of_the_published_workload_is_decided_with_examples() -> None:
    random = Random(1)
    texts = customers.rules(random, count=40)
    rules = [(f"r{at}", Predicate.parse(t, customers.FIELDS)) for at, t in enumerate(texts)]
    records = [customers.record(random) for _ in range(2_000)]
    assert list(untruths(rules, records))[:3] == []
    found = analyse(rules)
    assert found.of(Problem.UNDETERMINED) == ()
    assert len(found.examples) + len(found.never_fire) == len(rules)


def _all(*texts: str) -> Rules:
    return [(text, Predicate.parse(text, FIELDS)) for text in texts]


CONTRADICTIONS = [
    "FALSE",
    "orders > 3 AND orders < 3",
    "orders > 3 AND orders < 4",
    "orders = 2.5",
    "spend > 3 AND spend <= 3.0",
    "orders IN (1, 2) AND orders NOT IN (1, 2, 3)",
    "region = 'north' AND region = 'south'",
    "region LIKE 'no%' AND region >= 'np'",
    "region LIKE 'no%' AND NOT region LIKE 'n%'",
    "region < ''",
    "active AND NOT active",
    "active = TRUE AND active <> TRUE",
    "orders IS NULL AND orders > 3",
    "orders IS NULL AND orders IS NOT NULL",
    "orders + 1 > 3 AND orders IS NULL",
    "spend * 2 > 3 AND spend * 2 < 1",
    "last_order > DATE '9999-12-31'",
    "last_order - INTERVAL '5' DAY > DATE '2024-01-01' AND last_order < DATE '2024-01-06'",
    "DATE '2024-01-01' < last_order AND last_order + INTERVAL '1' DAY <= DATE '2024-01-02'",
    "orders < visits AND visits < orders",
    "orders < visits AND orders >= visits",
    "orders < visits AND orders > 5 AND visits < 3",
    "last_order < joined AND last_order = joined",
    "orders + 1 > 20 AND orders < 20",
    "20 - orders > 3 AND orders >= 17",
    "3 = orders - 1 - 1 AND orders <> 5",
    "last_order - joined < INTERVAL '3' DAY AND last_order - joined >= INTERVAL '1' WEEK",
    "-(orders - 1) > 0 AND 1 - orders <= 0",
    "orders <> orders",
    "orders BETWEEN 5 AND 3",
    "orders BETWEEN visits AND 3 AND orders > 3",
    "(orders > 30 OR region = 'a') AND (orders < 2 OR region = 'b') AND orders = 9 AND vip",
    "NOT (orders > 3 OR orders <= 3 OR vip)",
    "vip AND (region = 'a' OR NOT vip) AND (region = 'b' OR NOT vip)",
]


@pytest.mark.parametrize("text", CONTRADICTIONS)
def test_a_planted_contradiction_is_found(text: str) -> None:
    assert analyse(_all(text)).of(Problem.NEVER_TRUE) == (text,)


@pytest.mark.parametrize(
    "text",
    [
        "TRUE",
        "orders > 3 OR orders <= 3 OR orders IS NULL",
        "orders IS NULL OR orders IS NOT NULL",
        "region LIKE 'a%' OR region IS NULL OR NOT region LIKE 'a%'",
        "active OR NOT active OR active IS NULL OR vip",
        "NOT (orders = 1 AND orders = 2) OR orders IS NULL",
        "spend IS NULL OR NOT (spend > 1 AND spend < 0)",
    ],
)
def test_a_planted_tautology_is_found(text: str) -> None:
    assert analyse(_all(text)).of(Problem.ALWAYS_TRUE) == (text,)


@pytest.mark.parametrize(
    "text",
    [
        "orders > 3 OR orders <= 3",
        "spend <= 0.3 OR spend > 0.1",
        "orders <= 3 OR orders >= 4",
        "active OR NOT active",
        "orders < visits OR orders >= visits",
        "orders = orders",
        "region >= ''",
        "NOT (orders = 1 AND orders = 2)",
        "last_order >= DATE '0001-01-01'",
    ],
)
def test_a_tautology_but_for_the_unknown_is_told_from_a_full_one(text: str) -> None:
    found = analyse(_all(text))
    assert found.of(Problem.NEVER_FALSE) == (text,)
    assert found.of(Problem.ALWAYS_TRUE) == ()


@pytest.mark.parametrize(
    ("rules", "by"),
    [
        (["orders > 3", "orders > 5"], [0]),
        (["orders >= 4", "orders > 3"], [0]),
        (["vip OR orders > 3", "region = 'a' AND orders = 7"], [0]),
        (["region IN ('a', 'b')", "region = 'b' AND vip"], [0]),
        (["region LIKE 'n%'", "region LIKE 'no%'"], [0]),
        (["orders IS NOT NULL", "orders + visits > 3"], [0]),
        (["orders >= visits", "orders > visits"], [0]),
        (["TRUE", "vip"], [0]),
        (["vip", "vip AND orders > 3"], [0]),
        (["orders > 10", "orders + 1 > 20 AND orders < 30"], [0]),
        (["5 - orders < 0", "orders BETWEEN 6 AND 9"], [0]),
        (["orders > 3", "active", "orders <= 3", "orders BETWEEN 1 AND 9"], [0, 2]),
        (["active", "NOT active", "vip AND active IS NOT NULL"], [0, 1]),
        (["region < 'm'", "vip", "region >= 'm'", "region = 'x' OR region = 'a'"], [0, 2]),
        (
            ["joined < DATE '2024-01-01'", "joined >= DATE '2024-01-01'", "joined <> last_order"],
            [0, 1],
        ),
    ],
)
def test_a_planted_hidden_rule_is_found_with_what_hides_it(rules: list[str], by: list[int]) -> None:
    found = analyse(_all(*rules))
    assert found.findings[-1].problem is Problem.HIDDEN
    assert found.findings[-1].rule == rules[-1]
    assert found.findings[-1].by == tuple(rules[at] for at in by)
    assert found.never_fire == (rules[-1],)
    assert set(found.examples) == set(rules[:-1])


def test_a_rule_that_the_unknown_alone_reaches_is_not_called_hidden() -> None:
    # Neither earlier rule answers for a customer whose orders are unknown.
    rules = _all("orders > 3", "orders <= 3", "vip")
    found = analyse(rules)
    assert found.findings == ()
    assert found.examples["vip"] == {"vip": True}


@pytest.mark.parametrize(
    ("one", "other", "relation"),
    [
        ("orders > 3", "orders < 2", Relation.APART),
        ("orders > 3", "orders >= 4", Relation.SAME),
        ("NOT (vip AND active)", "NOT vip OR NOT active", Relation.SAME),
        ("orders > 5", "orders > 3", Relation.WITHIN),
        ("orders > 3", "orders > 5", Relation.AROUND),
        ("orders > 3", "visits > 3", Relation.OVERLAP),
        ("orders + visits > 3", "spend / 2 < 1", Relation.OVERLAP),
        ("orders * orders = 2", "orders + 0.5 = visits", Relation.UNDETERMINED),
    ],
)
def test_how_two_rules_relate_is_told_with_somebody_of_both(
    one: str, other: str, relation: Relation
) -> None:
    left, right = (Predicate.parse(text, FIELDS) for text in (one, other))
    found, example = relate(left, right)
    assert found is relation
    assert (example is None) == (relation in (Relation.APART, Relation.UNDETERMINED))
    if example is not None:
        assert left.evaluate(example) is True
        assert right.evaluate(example) is True


def test_an_example_is_what_a_person_would_write() -> None:
    fields = FieldCatalog([Field("orders", int), Field("region", str), Field("since", date)])
    one = Predicate.parse("orders > 3 AND region LIKE 'EU%'", fields)
    other = Predicate.parse("orders < 10 AND since >= DATE '2024-01-01'", fields)
    assert relate(one, other)[1] == {"orders": 4, "region": "EU", "since": date(2024, 1, 1)}


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="Two rules are named 'vip'"):
        analyse(_all("vip", "vip"))


def test_what_is_beyond_the_bound_is_undetermined_and_not_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(analysis, "MOST_STEPS", 3)
    found = analyse(_all("orders > 3 AND orders < 3 AND vip AND active", "TRUE"))
    assert found.of(Problem.NEVER_TRUE) == ()
    assert len(found.of(Problem.UNDETERMINED)) == 1


def test_a_list_that_cannot_be_decided_in_time_is_given_up_and_not_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(analysis, "MOST_STEPS_IN_ALL", 200)
    rules = _generated(3, 30)
    assert list(untruths(rules, _records(3, 200))) == []
    undecided = analyse(rules).of(Problem.UNDETERMINED)
    assert rules[-1][0] in undecided


def test_four_pigeons_in_three_holes_are_found_to_be_too_many() -> None:
    fields = ("orders", "visits", "spend", "cost")
    places = [f"{name} IN (1, 2, 3)" for name in fields]
    apart = [
        f"NOT ({one} = {hole} AND {other} = {hole})"
        for one, other in itertools.combinations(fields, 2)
        for hole in (1, 2, 3)
    ]
    text = " AND ".join(places + apart)
    assert analyse(_all(text)).of(Problem.NEVER_TRUE) == (text,)
    assert analyse(_all(text.replace("cost IN (1, 2, 3)", "cost IN (1, 2, 3, 4)"))).examples


# Broken twins: an analysis with a common mistake must be contradicted by the records.


def test_an_analysis_that_takes_unknown_for_false_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(analysis, "not_true_goal", goals.false_goal)
    found = itertools.chain(
        *(untruths(_generated(seed, 20), _records(seed, 500)) for seed in range(6))
    )
    assert any(found)


def test_an_analysis_that_leaves_out_the_ends_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def strict(kind: Kind, operator: str, place: Any, line: Any) -> spans.Values:
        operators = {">=": ">", "<=": "<"}
        return spans.compared(kind, operators.get(operator, operator), place, line)

    rules = _all("orders >= 3", "orders <= 3", "visits <> 3")
    assert not any(untruths(rules, _records(1, 500)))
    monkeypatch.setattr(goals, "compared", strict)
    assert any(untruths(rules, _records(1, 500)))
