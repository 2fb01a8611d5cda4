"""Which tier and which need does each customer have?"""

from __future__ import annotations

import numpy as np
import polars as pl

from patronage.differentiate.valuation.history import need_column
from patronage.vocabulary.company import NeedRule, Tier


def tiers(customer_id: pl.Series, value_minor: pl.Series, declared: tuple[Tier, ...]) -> pl.Series:
    """Give each customer the tier of their rank by value, equal values ranked by id.

    The k-th tier ends at the rank nearest to its cumulative share of all customers, so that every
    customer has exactly one tier.
    """
    frame = pl.DataFrame({"value": value_minor, "id": customer_id}).with_row_index("row")
    ranked = frame.sort(["value", "id"], descending=[True, False])
    ends = np.rint(np.cumsum([tier.share for tier in declared]) * len(frame)).astype(np.int64)
    ends[-1] = len(frame)
    sizes = np.diff(np.concatenate(([0], ends)))
    names = np.repeat(np.array([tier.name for tier in declared], dtype=object), sizes)
    placed = ranked.with_columns(tier=pl.Series("tier", names, dtype=pl.String))
    return placed.sort("row")["tier"]


def observed_needs(statistics: pl.DataFrame, needs: tuple[NeedRule, ...]) -> pl.Series:
    """Name the need on which each customer's share of spend most exceeds the base's share.

    The index is own share ÷ base's share. NULL where the customer spent on no need, or where no
    need is declared; of equal indexes the first declared wins.
    """
    nothing = pl.Series("need", [None] * len(statistics), dtype=pl.String)
    if not needs or not len(statistics):
        return nothing
    columns = [need_column(position) for position in range(len(needs))]
    spent = statistics.select(columns).to_numpy().astype(np.float64).clip(min=0.0)
    base = spent.sum(axis=0)
    # The customer's total spend divides every index alike, so it cannot change which is largest.
    index = np.divide(spent, base, out=np.zeros_like(spent), where=base > 0)
    names = pl.Series("need", [need.name for need in needs], dtype=pl.String)
    return names.gather(index.argmax(axis=1)).set(pl.Series(index.max(axis=1) <= 0), None)
