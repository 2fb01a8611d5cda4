"""How far may experience lie from 0 by chance? Futures drawn from the opening's own models."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from patronage.differentiate.valuation.pieces import View, beside_points, by_days, with_models
from patronage.differentiate.valuation.scoring import Histories, Real, expected_purchases
from patronage.science.equity import variance_of_draws

#: simulated pieces in all: of a small base each is drawn often, of a large one once
_DRAWN: Final = 100_000
_MOST_DRAWS: Final = 100
VARIANCES: Final = ("frequency_variance", "spend_variance")


def variances_of(
    pieces: pl.DataFrame, points: pl.DataFrame, view: View, rng: np.random.Generator
) -> pl.DataFrame:
    """Add to pieces the variance of both lines of experience under the opening's models.

    Each piece's future is drawn from what its history leaves open: whether the customer is still
    one, how often they buy, what they spend. Margin rates and costs stay as they are, as the models
    do not make them vary.

    Args:
        pieces, points: as of `pieces.levels_of`.

    Returns:
        The rows with `VARIANCES`, minor units squared; 0 where nothing is known at the start.
    """
    placed = beside_points(pieces, points)
    lasts = (pl.col("_start").is_not_null()) & (pl.col("end_day") > pl.col("start_day"))
    drawn = placed.filter(lasts)
    draws = max(1, min(_MOST_DRAWS, _DRAWN // max(len(drawn), 1)))

    def spread(part: pl.DataFrame, start: date, end: date, *version: str) -> dict[str, Real]:
        a = Histories.of(points[part["_start"].to_numpy()], view.minor_per_major)
        return _variances(a, start, end, view.under(*version), draws, rng)

    known = with_models(drawn, points, view)
    found = by_days(known, ("start_day", "end_day", *view.keys), VARIANCES, spread).drop(view.keys)
    nothing = placed.filter(~lasts).with_columns(pl.lit(0.0).alias(name) for name in VARIANCES)
    return pl.concat([found, nothing]).drop("_start", "_end")


def _variances(
    a: Histories, start: date, end: date, view: View, draws: int, rng: np.random.Generator
) -> dict[str, Real]:
    until = end + timedelta(view.horizon_days)
    growth = view.growth((end - start).days)
    awaited = growth * view.margin(a, start, end, until)
    unit = a.margin_per_day(view.models.spend)
    many = _repeated(a, draws)
    units = np.tile(unit, draws)
    b = drawn_futures(many, view, (end - start).days, rng)
    at_old_spend = replace(b, margin_rate=np.zeros_like(units), serve=-units)
    purchases = expected_purchases(
        b,
        view.models,
        seen_on=end,
        until=until,
        annual_discount_rate=view.annual_discount_rate,
    )
    change = b.margin_per_day(view.models.spend) - units
    frequency = view.worth(at_old_spend, end).reshape(draws, -1) - awaited
    spend = (purchases * change * view.minor_per_major).reshape(draws, -1)
    return {
        "frequency_variance": variance_of_draws(frequency),
        "spend_variance": variance_of_draws(spend),
    }


def drawn_futures(a: Histories, view: View, days: int, rng: np.random.Generator) -> Histories:
    """The histories some days later, one future of each drawn from the models.

    What a customer spends is drawn with the mean and the variances that the spend model leaves.
    """
    later = view.models.purchase.simulate(*a.past, days=days, rng=rng)
    bought = later.frequency - a.frequency
    spend, known = view.models.spend, (a.frequency, a.average_spend)
    mean = _gamma(spend.expected_spend(*known), _finite(spend.spend_variance(*known), a), rng)
    noise = _finite(spend.purchase_spend_variance(*known), a)
    spent = _gamma(bought * mean, bought * noise, rng)
    total = a.average_spend * a.frequency + spent
    some = np.maximum(later.frequency, 1.0)
    return replace(
        a,
        frequency=later.frequency,
        recency=later.recency,
        age=later.age,
        # a minor unit a day is the least that the spend model can take
        average_spend=np.maximum(total / some, 1.0 / view.minor_per_major),
    )


def _finite(variance: Real, a: Histories) -> Real:
    """Where a heavy tail leaves the model without a variance, the spread that is seen."""
    repeated = a.average_spend[a.frequency > 0]
    seen = float(np.var(repeated)) if repeated.size else 0.0
    replaced: Real = np.where(np.isfinite(variance), variance, seen)
    return replaced


def _gamma(mean: Real, variance: Real, rng: np.random.Generator) -> Real:
    """Draws with these moments; the mean where nothing varies."""
    varies = (mean > 0) & (variance > 0)
    shape = np.divide(mean**2, variance, out=np.ones_like(mean), where=varies)
    scale = np.divide(variance, mean, out=np.zeros_like(mean), where=varies)
    drawn: Real = np.where(varies, rng.standard_gamma(shape) * scale, mean)
    return drawn


def _repeated(a: Histories, draws: int) -> Histories:
    columns = {
        name: np.tile(getattr(a, name), draws)
        for name in ("frequency", "recency", "age", "average_spend", "margin_rate", "serve")
    }
    kept = np.broadcast_to(np.asarray(a.keeping, dtype=np.float64), a.frequency.shape)
    return replace(a, keeping=np.tile(kept, draws), **columns)
