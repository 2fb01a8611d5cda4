"""What is wrong with a list of rules? Contradictions, tautologies, hidden rules, overlaps.

Nothing is claimed that is not so: that a rule never fires is shown by exhausting what is left to
its fields, that two rules meet by a record which both answered. What neither shows within a bound
is said to be undetermined.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from patronage.vocabulary.predicates.goals import false_goal, not_true_goal, true_goal
from patronage.vocabulary.predicates.predicate import Policy, Predicate
from patronage.vocabulary.predicates.solver import Box, Goal, Steps, Undetermined, search
from patronage.vocabulary.predicates.witness import witness

Record = dict[str, Any]

#: Steps of one question, after which it is left undetermined: about 50 ms.
MOST_STEPS = 20_000
#: Steps of all questions about one list, so that saving it ends: a few seconds.
MOST_STEPS_IN_ALL = 1_500_000


class Problem(StrEnum):
    """What may be wrong with a rule."""

    #: A contradiction: it is true for nobody.
    NEVER_TRUE = "never true"
    #: A tautology: it is true for everybody, whatever is unknown of them.
    ALWAYS_TRUE = "always true"
    #: A tautology but for the unknown: it is false for nobody.
    NEVER_FALSE = "never false"
    #: Whoever it is true for, an earlier rule is true for too: it never fires.
    HIDDEN = "hidden"
    #: Whether it ever fires was not found out.
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong with a rule."""

    problem: Problem
    #: Name of the rule.
    rule: str
    #: Names of the earlier rules that hide it, fewest first found, in their order.
    by: tuple[str, ...] = ()


class Relation(StrEnum):
    """How the customers of one rule lie to those of another."""

    #: Nobody is in both.
    APART = "apart"
    #: The same customers.
    SAME = "same"
    #: Every customer of the first is one of the second.
    WITHIN = "within"
    #: Every customer of the second is one of the first.
    AROUND = "around"
    #: Somebody is in both, and neither was shown to lie within the other.
    OVERLAP = "overlap"
    #: Nothing of it could be shown.
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """How two rules relate."""

    one: str
    other: str
    relation: Relation
    #: A record for which both are true, by field name; None where there is or was found none.
    example: Record | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What was found out about a list of rules, in their order."""

    findings: tuple[Finding, ...]
    #: For each rule a record for which it is the first to be true, where one was found.
    examples: Mapping[str, Record] = field(default_factory=dict)

    def of(self, problem: Problem) -> tuple[str, ...]:
        """Give the names of the rules that have a problem."""
        return tuple(each.rule for each in self.findings if each.problem is problem)

    @property
    def never_fire(self) -> tuple[str, ...]:
        """Names of the rules that cannot decide about anybody: never true, or hidden."""
        never = (Problem.NEVER_TRUE, Problem.HIDDEN)
        return tuple(each.rule for each in self.findings if each.problem in never)


def analyse(rules: Iterable[tuple[str, Predicate]]) -> Analysis:
    """Find out what is wrong with rules of which the first that is true decides.

    Args:
        rules: name and predicate, in the order in which they are asked; names are unique.
    """
    asked = _named(rules)
    policy = Policy.compile(each.predicate for each in asked)
    findings: list[Finding] = []
    examples: dict[str, Record] = {}
    for at, each in enumerate(asked):
        findings += _alone(each)
        if each.never_true:
            continue
        finding, first = _among(asked[:at], each, policy)
        findings += finding
        if first is not None:
            examples[each.name] = first
    return Analysis(findings=tuple(findings), examples=examples)


def pairs(rules: Iterable[tuple[str, Predicate]]) -> tuple[Pair, ...]:
    """Give each pair of rules, in order, that is not shown to be apart, with a common example.

    Args:
        rules: name and predicate; names are unique. Each pair takes about a millisecond.
    """
    asked = _named(rules)
    found = (_pair(one, other) for at, one in enumerate(asked) for other in asked[at + 1 :])
    return tuple(pair for pair in found if pair.relation is not Relation.APART)


def relate(one: Predicate, other: Predicate) -> tuple[Relation, Record | None]:
    """Find out how two rules relate, with a record for which both are true where one was found."""
    effort = Steps(MOST_STEPS_IN_ALL)
    pair = _pair(_Asked("one", one, effort), _Asked("other", other, effort))
    return pair.relation, pair.example


def _named(rules: Iterable[tuple[str, Predicate]]) -> list[_Asked]:
    effort = Steps(MOST_STEPS_IN_ALL)
    asked = [_Asked(name, predicate, effort) for name, predicate in rules]
    names = [each.name for each in asked]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"Two rules are named {twice!r}. Give each a name of its own.")
    return asked


@dataclass
class _Asked:
    """A rule and what was found out about it; each question is asked once."""

    name: str
    predicate: Predicate
    #: What is left for all rules of the list.
    effort: Steps

    @cached_property
    def true(self) -> Goal:
        return true_goal(self.predicate.tree)

    @cached_property
    def not_true(self) -> Goal:
        return not_true_goal(self.predicate.tree)

    @cached_property
    def possible(self) -> _Found:
        return _find([self.true], [self])

    @property
    def never_true(self) -> bool:
        return self.possible.impossible

    @property
    def example(self) -> Record | None:
        """A record for which it is true."""
        return self.possible.example


@dataclass(frozen=True, slots=True)
class _Found:
    """The outcome of a search; neither impossible nor an example: undetermined."""

    impossible: bool = False
    example: Record | None = None


def _find(goals: Sequence[Goal], true: Sequence[_Asked], not_true: Sequence[_Asked] = ()) -> _Found:
    """Search for what makes some rules true and others not, and for an example of it."""
    effort = true[0].effort
    box = _left(goals, effort)
    if box is None:
        return _Found(impossible=True)
    if isinstance(box, Undetermined):
        return _Found()

    def holds(record: Record) -> bool:
        for each in true:
            effort.take()
            if each.predicate.evaluate(record) is not True:
                return False
        for each in not_true:
            effort.take()
            if each.predicate.evaluate(record) is True:
                return False
        return True

    conditions = [each.predicate.tree for each in (*true, *not_true)]
    try:
        return _Found(example=witness(box, conditions, holds))
    except Undetermined:
        return _Found()


def _left(goals: Sequence[Goal], effort: Steps) -> Box | Undetermined | None:
    """Give what a search leaves; its steps count towards those of the whole list."""
    # A goal more is a choice more to look through at every step.
    granted = min(MOST_STEPS * (1 + len(goals) // 10), effort.left)
    steps = Steps(granted)
    try:
        return search(goals, steps)
    except Undetermined as reached:
        return reached
    finally:
        effort.left -= granted - steps.left


def _alone(rule: _Asked) -> list[Finding]:
    """Say what is wrong with a rule by itself."""
    if rule.never_true:
        return [Finding(problem=Problem.NEVER_TRUE, rule=rule.name)]
    if _left([rule.not_true], rule.effort) is None:
        return [Finding(problem=Problem.ALWAYS_TRUE, rule=rule.name)]
    if _left([false_goal(rule.predicate.tree)], rule.effort) is None:
        return [Finding(problem=Problem.NEVER_FALSE, rule=rule.name)]
    return []


def _among(
    earlier: Sequence[_Asked], rule: _Asked, policy: Policy
) -> tuple[list[Finding], Record | None]:
    """Say whether earlier rules hide a rule, or for whom it is the first to be true."""
    example = rule.example
    if example is not None:
        answers = policy(example)
        before = [each for each, answer in zip(earlier, answers, strict=False) if answer is True]
        if not before:
            return [], example
        for each in before:
            if _within(rule, each):
                return [Finding(problem=Problem.HIDDEN, rule=rule.name, by=(each.name,))], None
    found = _find([rule.true, *(each.not_true for each in earlier)], [rule], earlier)
    if found.impossible:
        by = tuple(each.name for each in _needed(earlier, rule))
        return [Finding(problem=Problem.HIDDEN, rule=rule.name, by=by)], None
    if found.example is not None:
        return [], found.example
    return [Finding(problem=Problem.UNDETERMINED, rule=rule.name)], None


def _needed(earlier: Sequence[_Asked], rule: _Asked) -> list[_Asked]:
    """Give earlier rules that hide a rule together, none of which may be left out."""
    needed = list(earlier)
    for each in reversed(earlier):
        rest = [other for other in needed if other is not each]
        if _left([rule.true, *(other.not_true for other in rest)], rule.effort) is None:
            needed = rest
    return needed


def _within(one: _Asked, other: _Asked) -> bool:
    """Whether it is shown that every customer of one rule is one of the other."""
    return _left([one.true, other.not_true], one.effort) is None


def _pair(one: _Asked, other: _Asked) -> Pair:
    both = _shared(one, other) or _find([one.true, other.true], [one, other])
    if both.impossible:
        return Pair(one=one.name, other=other.name, relation=Relation.APART)
    inside, outside = _may_lie_within(one, other), _may_lie_within(other, one)
    if inside and outside:
        relation = Relation.SAME
    elif inside or outside:
        relation = Relation.WITHIN if inside else Relation.AROUND
    else:
        relation = Relation.OVERLAP if both.example is not None else Relation.UNDETERMINED
    return Pair(one=one.name, other=other.name, relation=relation, example=both.example)


def _shared(one: _Asked, other: _Asked) -> _Found | None:
    """Give the example of one that is one of both, which saves a search."""
    for rule, example in ((other, one.example), (one, other.example)):
        if example is not None and rule.predicate.evaluate(example) is True:
            return _Found(example=example)
    return None


def _may_lie_within(one: _Asked, other: _Asked) -> bool:
    """Whether one lies within the other; an example of the one alone saves the search."""
    if one.example is not None and other.predicate.evaluate(one.example) is not True:
        return False
    return _within(one, other)
