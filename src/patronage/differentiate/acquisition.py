"""Which new customers will be worth winning more of, and what may winning one cost?

A score reads the first order, or the first days, and predicts what is brought afterwards; it is
fitted to customers whose time afterwards is over, and tested on later ones that the fit never saw.
What winning a customer may cost is a declared share of what they are predicted to bring.

Pure: frames in, frames out. What is read, and who sees it, is `reads.acquisition`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from patronage.differentiate.valuation.first_days import FIRST_DAYS, FIRST_ORDER, Spans, features
from patronage.differentiate.valuation.history import PARTS_PER_UNIT
from patronage.science.evidence import UndeterminedError, difference_in_means
from patronage.science.lifetime import NotIdentified
from patronage.science.lifetime.early_value import EarlyValue

#: The earlier share of customers is fitted, the later ones are tested.
EARLIER: Final = 0.7
#: The best share of those tested, by score.
BEST: Final = 0.1
#: With fewer customers whose time is over, no score is fitted.
FEWEST: Final = 100

Real = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfTime:
    """How a score did on customers who came after all those it was fitted to; minor units."""

    #: first order of the first customer tested
    tested_from: datetime
    fitted: int
    tested: int
    #: customers in the best tenth by score
    best: int
    #: what one of them brought
    best_minor: float
    #: what one of all tested brought: what picking at random gets
    random_minor: float
    #: what one of the best tenth by spend so far brought: what needs no model
    by_spend_minor: float
    #: the best less the random one, with its 95 % interval (Welch)
    gain_minor: float
    gain_low_minor: float
    gain_high_minor: float
    #: what the tested were predicted to bring in all, and brought
    predicted_minor: int
    brought_minor: int
    #: whether the outcomes fitted had ended when the first customer tested came
    is_strict: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Score:
    """A score in use, fitted to everybody whose time is over."""

    #: names of what it reads
    reads: tuple[str, ...]
    model: EarlyValue
    #: None where the later customers are too few to test on
    test: OutOfTime | None


def brought_after(rows: pl.DataFrame, names: tuple[str, ...]) -> Real:
    """What each brought after what the score reads, minor units, from 0.

    After the first day for a score of the first order, after the window for one of the first days.
    A loss counts as nothing: winning them was worth no more than that.
    """
    parts = rows["later_parts"]
    if names == FIRST_ORDER:
        parts = parts + rows["window_parts"] - rows["first_parts"]
    brought: Real = parts.to_numpy() / PARTS_PER_UNIT
    return np.maximum(brought, 0.0)


def fit_score(rows: pl.DataFrame, names: tuple[str, ...], spans: Spans) -> Score | None:
    """Fit a score to customers whose window and time after it are over, and test it out of time.

    Args:
        rows: of `first_days`, of those customers.
        names: what the score reads: `FIRST_ORDER` or `FIRST_DAYS`.

    Returns:
        The score; None where there are too few customers, or nothing to tell them apart by.
    """
    if len(rows) < FEWEST:
        return None
    ordered = rows.sort("first_at", "customer_id")
    x, y = features(ordered, names, spans), brought_after(ordered, names)
    try:
        return Score(
            reads=names, model=EarlyValue.fit(x, y), test=_test(ordered, names, x, y, spans)
        )
    except NotIdentified:
        return None


def _test(
    ordered: pl.DataFrame, names: tuple[str, ...], x: Real, y: Real, spans: Spans
) -> OutOfTime | None:
    first = ordered["first_at"]
    edge = first[int(len(ordered) * EARLIER)]
    earlier = (first < edge).to_numpy()
    later = ~earlier
    best = max(round(int(later.sum()) * BEST), 1)
    try:
        model = EarlyValue.fit(x[earlier], y[earlier])
        predicted = model.predict(x[later])
        order = np.argsort(-predicted, kind="stable")
        brought = y[later]
        top, rest = brought[order[:best]], brought[order[best:]]
        gain = difference_in_means(top, rest).interval.times(len(rest) / len(brought))
    except (NotIdentified, UndeterminedError):
        return None
    ended = first.filter(pl.Series(earlier)).max()
    return OutOfTime(
        tested_from=edge,
        fitted=int(earlier.sum()),
        tested=len(brought),
        best=best,
        best_minor=float(top.mean()),
        by_spend_minor=float(brought[_by_spend(ordered, names)[later].argsort()[-best:]].mean()),
        random_minor=float(brought.mean()),
        gain_minor=gain.estimate,
        gain_low_minor=gain.low,
        gain_high_minor=gain.high,
        predicted_minor=round(float(predicted.sum())),
        brought_minor=round(float(brought.sum())),
        is_strict=isinstance(ended, datetime) and (edge - ended).days >= spans.whole_days,
    )


def _by_spend(ordered: pl.DataFrame, names: tuple[str, ...]) -> Real:
    """What each spent in the days that the score reads, minor units."""
    spent = ordered["first_minor" if names == FIRST_ORDER else "window_minor"]
    return spent.to_numpy().astype(np.float64)


def scored(rows: pl.DataFrame, scores: dict[str, Score | None], spans: Spans) -> pl.DataFrame:
    """Add what each is predicted to bring in their first window and the time after it.

    Args:
        rows: of `first_days` with `known_days`, how long each has been seen since they came.
        scores: by "first order" and "first days".

    Returns:
        The rows with `by` ("first order", "first days" or "outcome" where the time is over; NULL
        where no score can tell), and `predicted_minor` over the whole span: what they brought so
        far in the span that the score reads, and what it predicts after.
    """
    parts: list[pl.DataFrame] = []
    over = pl.col("known_days") >= spans.whole_days
    told = pl.col("known_days") >= spans.window_days
    whole = (pl.col("window_parts") + pl.col("later_parts")) / PARTS_PER_UNIT
    parts.append(rows.filter(over).with_columns(by=pl.lit("outcome"), predicted_minor=whole))
    for by, chosen, so_far in (
        ("first days", told & ~over, "window_parts"),
        ("first order", ~told, "first_parts"),
    ):
        part, score = rows.filter(chosen), scores.get(by)
        if score is None or part.is_empty():
            unknown = pl.lit(None, dtype=pl.Float64)
            part = part.with_columns(by=pl.lit(None, pl.String), predicted_minor=unknown)
        else:
            later = pl.Series(score.model.predict(features(part, score.reads, spans)))
            part = part.with_columns(
                by=pl.lit(by), predicted_minor=pl.col(so_far) / PARTS_PER_UNIT + later
            )
        parts.append(part)
    return pl.concat(parts).with_columns(pl.col("predicted_minor").round().cast(pl.Int64))


def allowed(predicted_minor: pl.Expr, share: float) -> pl.Expr:
    """What winning a customer may cost, minor units rounded down; nothing for a predicted loss."""
    return (predicted_minor.clip(lower_bound=0) * share).floor().cast(pl.Int64)


SCORES: Final = {"first order": FIRST_ORDER, "first days": FIRST_DAYS}
