"""Where do the portfolios' rules meet the rulings? One table of terms, and who falls under which.

A row of the gate's tables is one set of terms: first the rulings of each portfolio, then nobody's,
then for each published rule its portfolio's terms where that rule is the first that matches; then
the same for each different word that a ruling on a segment or a customer says. Which
row holds for a customer and treatment is all that differs between customers, so that everybody is
decided with a few tables, and one customer by the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from patronage.customize.deciding import Bools, Floats, Ints
from patronage.govern.policies import (
    RuleEffects,
    RuleInForce,
    RulesInForce,
    effects_of,
    targets_of,
)
from patronage.vocabulary.predicates import Policy, Predicate


@dataclass(frozen=True, kw_only=True)
class RuleBook:
    """The rules of all portfolios, one after another in the order of the portfolios."""

    #: by portfolio
    policies: Mapping[str, RulesInForce]
    #: ids of all portfolios, sorted
    portfolios: tuple[str, ...]

    @cached_property
    def rules(self) -> tuple[RuleInForce, ...]:
        """All r rules."""
        return tuple(rule for _, rule in self._placed)

    @cached_property
    def owner(self) -> Ints:
        """``(r,)``: row of each rule's portfolio."""
        return np.array([row for row, _ in self._placed], dtype=np.int64)

    @cached_property
    def conditions(self) -> Policy:
        """The different conditions on customers, compiled into one function."""
        return Policy.compile(dict.fromkeys(rule.when for rule in self.rules))

    @cached_property
    def _place(self) -> Ints:
        """``(r,)``: which of the conditions each rule has."""
        place = {each: column for column, each in enumerate(self.conditions.predicates)}
        return np.array([place[rule.when] for rule in self.rules], dtype=np.int64)

    @cached_property
    def _placed(self) -> list[tuple[int, RuleInForce]]:
        return [
            (row, rule)
            for row, portfolio_id in enumerate(self.portfolios)
            if portfolio_id in self.policies
            for rule in self.policies[portfolio_id].rules
        ]

    def version_of(self, portfolio_id: str) -> str | None:
        """Id of the policy version that holds for a portfolio; None before its first."""
        policy = self.policies.get(portfolio_id)
        return None if policy is None else policy.version_id

    def matches(self, frame: pl.DataFrame, portfolio: Ints) -> Bools:
        """``(n, r)``: which rules of their own portfolio match each of n customers."""
        answers = np.zeros((len(frame), len(self.conditions.predicates)), dtype=np.bool_)
        for column, condition in enumerate(self.conditions.predicates):
            told = frame.select("customer_id", condition=_surely(condition))
            answers[:, column] = told["condition"].to_numpy()
        return self._own(answers, portfolio)

    def matches_one(self, record: Mapping[str, Any], portfolio_row: int) -> Bools:
        """``(1, r)``: the same of one customer, from a record."""
        answers = [answer is True for answer in self.conditions(dict(record))]
        table = np.array([answers], dtype=np.bool_).reshape(1, len(answers))
        return self._own(table, np.array([portfolio_row], dtype=np.int64))

    def _own(self, answers: Bools, portfolio: Ints) -> Bools:
        return np.asarray(
            answers[:, self._place] & (self.owner == portfolio[:, np.newaxis]), dtype=np.bool_
        )

    def targets(self, treatments: Sequence[Mapping[str, Any]]) -> Bools:
        """``(r, k)``: which treatments each rule is about."""
        return targets_of(self.rules, treatments)

    def handled(self, tier: int, route: int) -> dict[str, str]:
        """What two rules say of how the customer is served; empty where none does."""
        said = {}
        if tier >= 0:
            said["service_tier"] = self.rules[tier].service_tier
        if route >= 0:
            said["route_to"] = self.rules[route].route_to
        return said

    def until(self) -> datetime | None:
        """When the first of the rules ends by itself."""
        ends = [rule.valid_until for rule in self.rules if rule.valid_until is not None]
        return min(ends, default=None)


def _surely(condition: Predicate) -> pl.Expr:
    return condition.to_polars().fill_null(False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What rulings and rules make of n customers and k treatments."""

    #: ``(n, k)`` or ``(n, 1)``: row of the gate's tables
    row: Ints
    #: ``int32 (n, k)``: which ruling decides, as `scoped` numbers them; None: the portfolio's own
    code: NDArray[np.int32] | None
    #: what the rules say; None where there are none
    effects: RuleEffects | None

    @property
    def preferred(self) -> Floats | float:
        """``(n, k)``: what rules add to the score."""
        return 0.0 if self.effects is None else self.effects.preferred

    def handling(self, n: int) -> tuple[list[int], list[int]]:
        """The rule that sets each of n customers' service tier, and that routes them; −1: none."""
        if self.effects is None:
            return [-1] * n, [-1] * n
        return self.effects.service_tier.tolist(), self.effects.route.tolist()

    def eligible(self, meets: NDArray[np.int8]) -> NDArray[np.int8]:
        """Take out whom a rule says is not eligible."""
        if self.effects is None:
            return meets
        return np.where(self.effects.not_eligible, np.int8(0), meets)


def applied(
    book: RuleBook,
    portfolio: Ints,
    matches: Bools,
    targets: Bools,
    *,
    limit_minor: int,
    code: NDArray[np.int32] | None,
    word: Ints,
) -> Applied:
    """Find each customer's row of terms for every treatment.

    Args:
        code: ``(n, k)``: which ruling decides; None: everybody's portfolio's own.
        word: which of the different words each of those numbers stands for.
    """
    row = portfolio[:, np.newaxis]
    effects, first = None, np.full((1, 1), -1, dtype=np.int64)
    beyond = len(book.portfolios) + 1
    if book.rules:
        effects = effects_of(book.rules, matches, targets, limit_minor=limit_minor)
        first = effects.first.astype(np.int64)
        row = np.where(first >= 0, first + beyond, row)
    if code is not None:
        said = word_row(book, word[code]) + 1 + first
        row = np.where(code >= 0, said, row)
    return Applied(row=row, code=code, effects=effects)


def word_row(book: RuleBook, word: Any) -> Any:
    """The row of a word where no rule matches; those with each rule follow."""
    return len(book.portfolios) + 1 + len(book.rules) + word * (1 + len(book.rules))


def adapted(rule: RuleInForce) -> tuple[float, frozenset[str] | None, date | None]:
    """What a rule changes: share of the face value, channels (None: all), first date."""
    changes = rule.adaptation or {}
    channels, day = changes.get("channels"), changes.get("not_before")
    return (
        changes.get("face_value_percent", 100) / 100,
        None if channels is None else frozenset(channels),
        None if day is None else date.fromisoformat(day),
    )
