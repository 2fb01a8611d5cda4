"""What are the customers in sight worth together, how did that move, and who carries it?

Every figure is of one frame (`customer_base`), so that they add up to each other; nothing here
walks over customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import polars as pl

from patronage.access.roles import Actor
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads.customer_base import (
    FROM_THE_START,
    Chosen,
    CustomerBase,
    customer_base,
)

_BINS: Final = 24
#: the share of customers that is called the best
BEST: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Customers who have something in common; money in minor units."""

    name: str
    customers: int
    value_minor: int
    #: what the same customers were worth the date before; those not valued then count as nothing
    before_minor: int
    #: of the quarter up to the date
    margin_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Customers whose value lies from `low_minor` up to, and without, `high_minor`."""

    #: None: no lower end
    low_minor: int | None
    #: None: no upper end
    high_minor: int | None
    customers: int
    value_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """The best `customers` customers of the quarter together earned `margin_minor`."""

    customers: int
    margin_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WhaleCurve:
    """Cumulative margin of the quarter, the best customers first."""

    points: Sequence[CurvePoint]
    margin_minor: int
    #: the most that any number of best customers earned together
    peak_minor: int
    #: customers up to the peak: each of them earned something
    peak_customers: int
    #: customers of the best fifth, and what they earned
    best_customers: int
    best_minor: int
    #: customers who cost more than they earned, and what they cost (below zero)
    losing_customers: int
    losing_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSummary:
    """What the customers in sight are worth as of a date; money in minor units of `currency`."""

    run_id: str
    as_of: date
    made_at: datetime
    currency: str
    horizon_days: int
    customers: int
    value_minor: int
    #: 90 % interval of the sum, customers taken as independent: variances add; at least as wide
    #: as the spread between the models that converged, where a backtest knows it
    value_low_minor: int
    value_high_minor: int
    #: days from the first purchase on record to the date
    history_days: int
    #: whether the horizon is longer than that
    is_extrapolated: bool
    #: middle customer's value; None where nobody is in sight
    median_minor: int | None
    #: customers whose potential is known (enough look-alikes), their worth and that potential
    compared_customers: int
    compared_minor: int
    potential_minor: int
    #: customers worth less than nothing, and what they are worth together
    negative_customers: int
    negative_minor: int
    #: margin of the quarter up to the date
    margin_minor: int
    #: date of the valuation before; None where this is the first
    before_as_of: date | None
    #: what the same customers were worth then; None where there was no valuation
    before_minor: int | None
    #: customers who were not valued then, and what they are worth now
    new_customers: int
    new_minor: int
    tiers: Sequence[Part]
    objectives: Sequence[Part]
    #: by inferred need; the empty name stands for those without one
    needs: Sequence[Part]
    #: by quarter of the first purchase: who was there from the start first, then the oldest
    cohorts: Sequence[Part]


def value_summary(
    actor: Actor, now: datetime, *, as_of: date | None = None, chosen: Chosen | None = None
) -> ValueSummary:
    """What the actor's customers are worth together, by what they have in common.

    Raises:
        NotAllowed, NotFound: as `customer_base`.
    """
    return summary_of(customer_base(actor, now, as_of=as_of, chosen=chosen))


def summary_of(base: CustomerBase) -> ValueSummary:
    """The figures of a base that has been read."""
    run, before, frame = base.run, base.before, base.frame
    half = (pl.col("value_high_minor") - pl.col("value_low_minor")).cast(pl.Float64) / 2
    negative, new = pl.col("value_minor") < 0, pl.col("before_minor").is_null()
    compared = pl.col("potential_minor").is_not_null()
    found = frame.select(
        value=pl.col("value_minor").sum(),
        spread=(half**2).sum().sqrt(),
        median=pl.col("value_minor").median(),
        compared_customers=compared.sum(),
        compared=pl.col("value_minor").filter(compared).sum(),
        potential=pl.col("potential_minor").sum(),
        negative_customers=negative.sum(),
        negative=pl.col("value_minor").filter(negative).sum(),
        margin=pl.col("margin_minor").sum(),
        before=pl.col("before_minor").sum(),
        new_customers=new.sum(),
        new=pl.col("value_minor").filter(new).sum(),
    ).row(0, named=True)
    low, high = _interval(run, found["value"], found["spread"])
    return ValueSummary(
        run_id=run.id,
        as_of=run.as_of,
        made_at=run.created_at,
        currency=run.currency,
        horizon_days=run.horizon_days,
        customers=len(frame),
        value_minor=found["value"],
        value_low_minor=low,
        value_high_minor=high,
        history_days=run.history_days,
        is_extrapolated=run.horizon_days > run.history_days,
        median_minor=None if found["median"] is None else round(found["median"]),
        compared_customers=found["compared_customers"],
        compared_minor=found["compared"],
        potential_minor=found["potential"],
        negative_customers=found["negative_customers"],
        negative_minor=found["negative"],
        margin_minor=found["margin"],
        before_as_of=before.as_of if before else None,
        before_minor=found["before"] if before else None,
        new_customers=found["new_customers"] if before else 0,
        new_minor=found["new"] if before else 0,
        tiers=_parts(frame, "tier"),
        objectives=_parts(frame, "objective"),
        needs=_parts(frame, pl.col("need").fill_null("")),
        cohorts=_cohorts(frame),
    )


def _interval(run: ValuationRun, value: int, spread: float) -> tuple[int, int]:
    """Chance alone, or the spread between models where that is wider."""
    shares = (run.model_low, run.model_high)
    models = [value * share for share in shares if share is not None]
    return round(min(value - spread, *models, value)), round(max(value + spread, *models, value))


def distribution(
    actor: Actor, now: datetime, *, as_of: date | None = None, chosen: Chosen | None = None
) -> list[Bin]:
    """How many customers are worth how much: bins of equal width, the two ends open.

    Zero is always an edge, so that who is worth less than nothing is never mixed with others.

    Raises:
        NotAllowed, NotFound: as `customer_base`.
    """
    return distribution_of(customer_base(actor, now, as_of=as_of, chosen=chosen))


def distribution_of(base: CustomerBase, *, bins: int = _BINS) -> list[Bin]:
    """The same of a base that has been read; empty where nobody is in sight."""
    values = base.frame["value_minor"]
    if values.is_empty():
        return []
    low, high = (int(values.quantile(q, "lower") or 0) for q in (0.01, 0.98))
    width = _round_width(max(1, max(high, 0) - min(low, 0)), bins)
    first, last = min(low, 0) // width, max(high, 1) // width
    place = (pl.col("value_minor") // width).clip(first, last)
    counted = (
        base.frame.group_by(place=place)
        .agg(customers=pl.len(), value_minor=pl.col("value_minor").sum())
        .sort("place")
    )
    known = {row["place"]: row for row in counted.to_dicts()}
    lowest, highest = int(values.min() or 0), int(values.max() or 0)  # type: ignore[arg-type]
    return [
        Bin(
            low_minor=None if at == first and lowest < at * width else at * width,
            high_minor=None if at == last and highest >= (at + 1) * width else (at + 1) * width,
            customers=known[at]["customers"] if at in known else 0,
            value_minor=known[at]["value_minor"] if at in known else 0,
        )
        for at in range(first, last + 1)
    ]


def whale_curve_of(base: CustomerBase, *, points: int = 100) -> WhaleCurve:
    """Who earned the quarter's margin: at most `points` + 1 points, from nobody to everybody."""
    earned = base.frame["margin_minor"].sort(descending=True)
    total, count = earned.cum_sum(), len(earned)
    ranks = sorted({round(count * step / points) for step in range(points + 1)})
    best = round(BEST * count)
    gaining, losing = earned.filter(earned > 0), earned.filter(earned < 0)
    return WhaleCurve(
        points=[
            CurvePoint(customers=rank, margin_minor=total[rank - 1] if rank else 0)
            for rank in ranks
        ],
        margin_minor=int(earned.sum()),
        peak_minor=int(gaining.sum()),
        peak_customers=len(gaining),
        best_customers=best,
        best_minor=total[best - 1] if best else 0,
        losing_customers=len(losing),
        losing_minor=int(losing.sum()),
    )


def _parts(frame: pl.DataFrame, by: Any) -> list[Part]:
    """By one column, the most valuable part first."""
    found = (
        frame.group_by(name=by).agg(*_SUMS).sort("value_minor", "name", descending=[True, False])
    )
    return [Part(**row) for row in found.to_dicts()]


def _cohorts(frame: pl.DataFrame) -> list[Part]:
    start = pl.col("name") != FROM_THE_START
    found = frame.group_by(name="cohort").agg(*_SUMS).sort(start, "name")
    return [Part(**row) for row in found.to_dicts()]


_SUMS: Final = (
    pl.len().alias("customers"),
    pl.col("value_minor").sum(),
    pl.col("before_minor").sum(),
    pl.col("margin_minor").sum(),
)


def _round_width(reach: int, bins: int) -> int:
    """A width of 1, 2 or 5 times a power of ten so that about `bins` of them cover the reach."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if reach <= factor * step * bins:
                return factor * step
        step *= 10
