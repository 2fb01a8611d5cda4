"""Which objective does each customer have? Exactly one, by rule, and not another every quarter."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from patronage.differentiate.errors import RuleRefused
from patronage.differentiate.fields import OBJECTIVE_FIELDS
from patronage.vocabulary.company import Company, ObjectiveRule
from patronage.vocabulary.predicates import Predicate, PredicateError

#: What is remembered of everybody's objective from one valuation to the next.
REMEMBERED: Final = {
    "customer_id": pl.String,
    "objective": pl.String,
    "objective_reason": pl.String,
    "objective_since": pl.Date,
    "objective_asked": pl.String,
    "objective_asked_times": pl.Int32,
}


def objectives(
    fields: pl.DataFrame, before: pl.DataFrame | None, company: Company, as_of: date
) -> pl.DataFrame:
    """Give each customer an objective: what the rules ask for, once they mean it.

    The rules ask for the objective of the first one that is surely true. A customer valued for the
    first time gets it. From then on, a change waits until the rules have asked for the same other
    objective in `objective_after_valuations` valuations in a row, unless the rule's `clearly` is
    surely true, or the rule of the new or of the old objective is declared `at_once`.

    Args:
        fields: `customer_id` and columns named as the fields that objective rules may ask about.
        before: what was remembered at the valuation before, columns `REMEMBERED`; None or no row
            where there was none.

    Returns:
        The columns of `REMEMBERED`, in the order of `fields`; nothing is NULL.

    Raises:
        RuleRefused: a rule cannot be read; the message names the rule and the place.
    """
    asked = _asked(fields, company.objectives)
    empty = pl.DataFrame(schema=REMEMBERED)
    known = empty if before is None else before.select(REMEMBERED.keys())
    both = asked.join(known, on="customer_id", how="left", suffix="_before", maintain_order="left")
    was, now = pl.col("objective"), pl.col("asked")
    again = (pl.col("objective_asked") == now).fill_null(False)
    times = pl.when(again).then(pl.col("objective_asked_times") + 1).otherwise(1)
    fixed = [rule.objective for rule in company.objectives if rule.at_once]
    changes = (
        was.is_null()
        | pl.col("does_not_wait")
        | was.is_in(fixed)
        | (times >= company.objective_after_valuations)
    )
    taken = (was == now).fill_null(False) | changes
    stays = (was == now).fill_null(False)
    return both.select(
        "customer_id",
        objective=pl.when(taken).then(now).otherwise(was),
        objective_reason=pl.when(taken).then("reason").otherwise("objective_reason"),
        objective_since=pl.when(stays | ~taken).then("objective_since").otherwise(pl.lit(as_of)),
        objective_asked=now,
        objective_asked_times=times.cast(pl.Int32),
    )


def _asked(fields: pl.DataFrame, rules: tuple[ObjectiveRule, ...]) -> pl.DataFrame:
    """The first rule that is surely true of each, and whether a change to it need not wait."""
    *conditional, otherwise = rules
    objective, reason = pl.lit(otherwise.objective), pl.lit(otherwise.reason)
    at_once = pl.lit(otherwise.at_once)
    for rule in reversed(conditional):
        holds = _holds(rule, rule.when)
        sure = pl.lit(rule.at_once)
        if rule.clearly is not None:
            sure = sure | _holds(rule, rule.clearly)
        objective = pl.when(holds).then(pl.lit(rule.objective)).otherwise(objective)
        reason = pl.when(holds).then(pl.lit(rule.reason)).otherwise(reason)
        at_once = pl.when(holds).then(sure).otherwise(at_once)
    named = fields.with_columns(asked=objective, reason=reason, does_not_wait=at_once)
    return named.select("customer_id", "asked", "reason", "does_not_wait")


def _holds(rule: ObjectiveRule, when: str | None) -> pl.Expr:
    try:
        return Predicate.parse(when or "", OBJECTIVE_FIELDS).to_polars().fill_null(False)
    except PredicateError as error:
        raise RuleRefused(objective=rule.objective, when=when, cause=error) from error
