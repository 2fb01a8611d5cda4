"""What did customers do in the 90 days after a hand-over? Shown to both managers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from patronage.access import datasets
from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.access.scope import scope_of
from patronage.govern.models import Portfolio
from patronage.steer.models import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedExperience:
    """Experience with customers whom one portfolio handed to another less than 90 days before."""

    from_portfolio_id: str
    from_portfolio: str
    to_portfolio_id: str
    to_portfolio: str
    customers: int
    experience_frequency_minor: int
    experience_spend_minor: int


def shared_experience(actor: Actor, statement_id: str, now: datetime) -> Sequence[SharedExperience]:
    """The hand-overs of a statement, or of not long before, with what followed in the quarter.

    Whoever answers for either portfolio sees the row. The largest amounts come first.

    Raises:
        NotFound: no such statement.
    """
    actor.require(Right.SEE_STATEMENTS)
    scope = scope_of(actor, now)
    if not Statement.objects.filter(pk=statement_id).exists():
        raise NotFound(noun="statement", id=statement_id)
    rows = datasets.read("statement_lines")
    chosen = rows.filter((rows.statement_id == statement_id) & rows.handed_from.notnull())
    summed = chosen.group_by("handed_from", "portfolio_id").aggregate(
        customers=chosen.customer_id.nunique(),
        frequency=chosen.experience_frequency_minor.sum(),
        spend=chosen.experience_spend_minor.sum(),
    )
    found = datasets.warehouse().polars(summed)
    if not scope.everything:
        mine = pl.Series(sorted(scope.portfolio_ids), dtype=pl.String).implode()
        found = found.filter(pl.col("handed_from").is_in(mine) | pl.col("portfolio_id").is_in(mine))
    size = (pl.col("frequency") + pl.col("spend")).abs()
    names = dict(Portfolio.objects.values_list("id", "name"))
    return [
        SharedExperience(
            from_portfolio_id=row["handed_from"],
            from_portfolio=names.get(row["handed_from"], row["handed_from"]),
            to_portfolio_id=row["portfolio_id"],
            to_portfolio=names.get(row["portfolio_id"], row["portfolio_id"]),
            customers=row["customers"],
            experience_frequency_minor=row["frequency"],
            experience_spend_minor=row["spend"],
        )
        for row in found.sort(
            size, "handed_from", "portfolio_id", descending=[True, False, False]
        ).iter_rows(named=True)
    ]
