"""Into which portfolio does the declared policy put each customer? Columns in, columns out.

A room of its own because it decides and stores nothing: the job acts on what it returns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from patronage.govern.errors import RuleRefused
from patronage.govern.fields import ASSIGNMENT_FIELDS
from patronage.govern.rule_reading import read_rule
from patronage.vocabulary.company import PortfolioRule, Tier
from patronage.vocabulary.predicates import PredicateError

#: A value this near to the edge of its tier, as a share of the edge, moves nobody by itself.
NEAR_EDGE: Final = 0.05


def conditions(rules: Sequence[PortfolioRule]) -> dict[str, pl.Expr | None]:
    """Read the rules, in order: portfolio name → when it applies; None takes everybody else.

    Raises:
        RuleRefused: a rule cannot be read; the message names the rule and the place.
    """
    read: dict[str, pl.Expr | None] = {}
    for rule in rules:
        try:
            predicate = None if rule.when is None else read_rule(rule.when, ASSIGNMENT_FIELDS)
        except PredicateError as error:
            raise RuleRefused(portfolio=rule.name, when=rule.when, cause=error) from error
        read[rule.name] = None if predicate is None else predicate.to_polars().fill_null(False)
    return read


def target(when: Mapping[str, pl.Expr | None], portfolio_ids: Mapping[str, str]) -> pl.Expr:
    """Give the id of the first portfolio whose rule is surely true, else of the one for the rest.

    Args:
        when: as `conditions` gives it.
        portfolio_ids: id by name.
    """
    rest = next(name for name, condition in when.items() if condition is None)
    chosen = pl.lit(portfolio_ids[rest])
    for name, condition in reversed(list(when.items())):
        if condition is not None:
            chosen = pl.when(condition).then(pl.lit(portfolio_ids[name])).otherwise(chosen)
    return chosen


def assigned(
    customers: pl.DataFrame,
    when: Mapping[str, pl.Expr | None],
    portfolio_ids: Mapping[str, str],
    tiers: Sequence[Tier],
) -> pl.DataFrame:
    """Add `target_id`, and `near_edge`: only a change of tier by a hair's breadth would move them.

    That is so where the rules leave the customer in place under the neighbouring tier whose edge
    lies within 5 % of their value, all else being equal.

    Args:
        customers: `portfolio_id` and the columns that rules may ask about; unknown is NULL.
    """
    choice = target(when, portfolio_ids)
    placed = customers.with_columns(target_id=choice)
    stays = pl.lit(False)
    for step in (-1, 1):
        neighbour = _tier_across_the_edge(customers, tiers, step)
        other = customers.with_columns(tier=neighbour).select(
            (pl.col("tier").is_not_null() & (choice == pl.col("portfolio_id"))).alias("stays")
        )
        stays = stays | other["stays"].fill_null(False)
    moves = pl.col("target_id") != pl.col("portfolio_id")
    return placed.with_columns(near_edge=moves & stays)


def _tier_across_the_edge(customers: pl.DataFrame, tiers: Sequence[Tier], step: int) -> pl.Series:
    """Give the next tier up (−1) or down (+1) for values near the edge to it, else NULL.

    The edge between two tiers is the lowest value of the upper one.
    """
    names = [tier.name for tier in tiers]
    lowest = dict(
        customers.drop_nulls(["tier", "value_minor"])
        .group_by("tier")
        .agg(pl.col("value_minor").min())
        .rows()
    )
    across = pl.lit(None, dtype=pl.String)
    for position, name in enumerate(names):
        neighbour = position + step
        if not 0 <= neighbour < len(names):
            continue
        edge = lowest.get(names[min(position, neighbour)])
        if edge is None:
            continue
        near = (pl.col("value_minor") - edge).abs() <= NEAR_EDGE * abs(edge)
        across = (
            pl.when((pl.col("tier") == name) & near)
            .then(pl.lit(names[neighbour]))
            .otherwise(across)
        )
    return customers.with_columns(across.alias("tier"))["tier"]
