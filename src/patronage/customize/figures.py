"""What would each customer do in each offer's category, and what is a purchase there worth?

Rates are a Poisson process with a gamma-distributed rate for each customer (so that one without
purchases is not taken to be at zero); spend is shrunk towards the category's by Bühlmann and
Straub's credibility. Both priors are estimated from everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from patronage.customize.deciding import Floats, Ints
from patronage.customize.history import OUTCOME_DAYS, Seen, band_of, first_seen, purchases

#: A prior is never worth more than this many days, however alike customers seem.
_MOST_DAYS: Final = 1e6
_MOST_BASKETS: Final = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryFigures:
    """n customers × c categories; money in minor units."""

    categories: tuple[str, ...]
    #: ``int64 (n, c)``: affinity band
    bands: Ints
    #: ``(n, c)``: probability of a purchase in the outcome window without any contact
    buys_anyway: Floats
    #: ``(n, c)``: spend per purchase; NaN in a category that nobody ever bought
    spend: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counts:
    baskets: Floats
    spend: Floats
    squares: Floats
    bands: Ints
    days: Floats


def category_figures(
    seen: Seen, customer_ids: Sequence[str], categories: Sequence[str]
) -> CategoryFigures:
    """Work out the figures of these customers from what was seen of everybody."""
    names = tuple(sorted(set(categories)))
    counts = _counts(seen, customer_ids, names)
    return CategoryFigures(
        categories=names,
        bands=counts.bands,
        buys_anyway=purchase_probability(counts.baskets, counts.days, OUTCOME_DAYS),
        spend=credible_mean(counts.baskets, counts.spend, counts.squares),
    )


def purchase_probability(baskets: Floats, days: Floats, ahead: float) -> Floats:
    """P(at least one purchase in the next `ahead` days), each column with a prior of its own.

    Args:
        baskets: ``(n, c)`` purchases in ``days (n,)`` of observation.

    Returns:
        ``(n, c)``: ``1 − ((T + β)/(T + β + ahead))^(k + α)``, the gamma-Poisson predictive, with
        the prior's mean α/β and variance α/β² by moments over the n customers.
    """
    total, squares = days.sum(), float((days**2).sum())
    if total <= 0.0:
        return np.zeros_like(baskets)
    mean = baskets.sum(axis=0) / total
    excess = ((baskets - np.outer(days, mean)) ** 2).sum(axis=0) - mean * total
    variance = np.maximum(excess / squares, mean / _MOST_DAYS)
    beta = np.divide(mean, variance, out=np.full_like(mean, _MOST_DAYS), where=variance > 0.0)
    alpha = mean * beta
    known = days[:, np.newaxis] + beta
    log_none = (baskets + alpha) * (np.log(known) - np.log(known + ahead))
    return np.asarray(-np.expm1(log_none), dtype=np.float64)


def credible_mean(baskets: Floats, spend: Floats, squares: Floats) -> Floats:
    """Mean spend per purchase of each customer, shrunk towards the column's mean.

    Args:
        baskets, spend, squares: ``(n, c)`` number, sum and sum of squares of the purchases.

    Returns:
        ``(n, c)``; NaN where nobody bought in the column: that is not known.

    Source: Bühlmann and Straub, "Glaubwürdigkeit für Schadensätze" (1970): weight
    ``k/(k + within/between)``, both variances estimated without bias from the same purchases.
    """
    total = baskets.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(total > 0.0, spend.sum(axis=0) / total, np.nan)
        own = np.where(baskets > 0.0, spend / baskets, mean)
        buyers = (baskets > 0.0).sum(axis=0)
        spare = total - buyers
        scatter = np.maximum(squares - np.where(baskets > 0.0, spend**2 / baskets, 0.0), 0.0)
        within = np.where(spare > 0.0, scatter.sum(axis=0) / spare, np.nan)
        apart = (baskets * (own - mean) ** 2).sum(axis=0) - (buyers - 1) * within
        between = apart / (total - (baskets**2).sum(axis=0) / total)
        kappa = within / between
    # Where customers cannot be told apart, everybody keeps to the category's mean.
    kappa = np.where(np.isfinite(kappa) & (between > 0.0), kappa, _MOST_BASKETS)
    weight = baskets / (baskets + np.maximum(kappa, 1e-12))
    return np.asarray(weight * own + (1.0 - weight) * mean, dtype=np.float64)


def _counts(seen: Seen, customer_ids: Sequence[str], names: tuple[str, ...]) -> _Counts:
    people = pl.DataFrame({"customer_id": list(customer_ids)}, schema={"customer_id": pl.String})
    people = people.with_row_index("row")
    columns = pl.DataFrame({"category": list(names)}, schema={"category": pl.String})
    bought = (
        purchases(seen, names)
        .join(people, on="customer_id")
        .join(columns.with_row_index("column"), on="category")
        .with_columns(band=band_of(pl.col("recent")))
    )
    shape = (len(people), len(names))
    at = (bought["row"].to_numpy(), bought["column"].to_numpy())

    def table(name: str) -> Floats:
        filled = np.zeros(shape, dtype=np.float64)
        filled[at] = bought[name].to_numpy()
        return filled

    days = people.join(first_seen(seen), on="customer_id", how="left", maintain_order="left")
    return _Counts(
        baskets=table("baskets"),
        spend=table("spend_minor"),
        squares=table("spend_squared"),
        bands=table("band").astype(np.int64),
        days=days["observed_days"].fill_null(0.0).to_numpy(),
    )
