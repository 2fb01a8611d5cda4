"""How does every customer stand today? Computed for all at once from what is on record.

A standing follows from the newest membership, the customer's label and the latest valuation;
this is its definition, so that running it after any history of changes changes nothing.
"""

from __future__ import annotations

from typing import Any, Final

import polars as pl
from django.db import connection

from patronage.differentiate.models import LatestValuation, ValuationRun
from patronage.govern.models import Standing
from patronage.identify import bulk
from patronage.identify.models import Customer

#: a column that changes for a greater share of everybody has its indexes built anew
_MOST: Final = 0.2

_KEPT: Final[dict[str, Any]] = {
    "portfolio_id": pl.String,
    "label": pl.String,
    "value_minor": pl.Int64,
    "probability_of_purchase": pl.Float64,
    "at_risk_minor": pl.Int64,
    "tier": pl.String,
    "need": pl.String,
    "objective": pl.String,
    "recency_days": pl.Int64,
    "as_of": pl.String,
}
_OF_VALUATIONS: Final[dict[str, tuple[str, Any]]] = {
    "customer_id": ("customer_id", pl.String),
    "value_minor": ("value_minor", pl.Int64),
    "probability_of_purchase": ("probability_of_purchase", pl.Float64),
    "at_risk_minor": (
        "CAST(ROUND(value_minor * (1.0 - probability_of_purchase)) AS BIGINT)",
        pl.Int64,
    ),
    "tier": ("tier", pl.String),
    "need": ("need", pl.String),
    "objective": ("objective", pl.String),
    "recency_days": ("recency_days", pl.Int64),
    "run_id": ("run_id", pl.String),
}


def refresh(newest: pl.DataFrame) -> int:
    """Bring every standing up to date in the caller's transaction; return how many changed.

    Only rows that differ are written.

    Args:
        newest: `customer_id` and `portfolio_id` of everybody's newest membership.
    """
    key, there = "customer_id", {"customer_id": pl.String} | _KEPT
    if connection.vendor == "sqlite":
        # found without looking it up in an index
        key, there = "rowid", there | {"rowid": pl.Int64}
    standing = bulk.read(Standing, {name: (name, kind) for name, kind in there.items()})
    due = standing.join(_expected(newest), on="customer_id", suffix="_due")
    differs = due.select(pl.col(name).ne_missing(pl.col(f"{name}_due")) for name in _KEPT)
    share = {name: int(differs[name].sum()) for name in _KEPT}
    many = [name for name in _KEPT if share[name] > _MOST * len(standing)]
    few = [name for name in _KEPT if share[name] and name not in many]
    with bulk.indexes_afterwards(Standing, many):
        for names in (few, many):
            if names:
                rows = due.filter(differs.select(pl.any_horizontal(names)).to_series())
                found = rows.select(key, *(pl.col(f"{name}_due").alias(name) for name in names))
                bulk.update(Standing, key, found.sort(key))
    return int(differs.select(pl.any_horizontal(pl.all()).sum()).item())


def _expected(newest: pl.DataFrame) -> pl.DataFrame:
    labels = bulk.read(Customer, {"customer_id": ("id", pl.String), "label": ("label", pl.String)})
    runs = {
        run: as_of.isoformat() for run, as_of in ValuationRun.objects.values_list("id", "as_of")
    }
    valued = bulk.read(LatestValuation, _OF_VALUATIONS).with_columns(
        as_of=pl.col("run_id").replace_strict(runs, default=None, return_dtype=pl.String)
    )
    known = newest.join(labels, on="customer_id").join(valued, on="customer_id", how="left")
    words = pl.col("tier", "need", "objective").fill_null("")
    return known.with_columns(words).select("customer_id", *_KEPT)
