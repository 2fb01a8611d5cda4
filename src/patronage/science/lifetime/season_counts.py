"""Seasons and trend in daily counts, as one log-linear model."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patronage.science.lifetime.errors import NotIdentified
from patronage.science.lifetime.histories import FloatArray, as_columns, refuse_rows
from patronage.science.lifetime.windows import DAYS_A_YEAR

_ROUNDS: Final = 50
_SETTLED: Final = 1e-10


class SeasonFactors(NamedTuple):
    """Factors that average 1 over a year, and their standard errors; shape (periods,)."""

    factors: FloatArray
    standard_errors: FloatArray


def validated_counts(
    counts: ArrayLike, exposure: ArrayLike | None
) -> tuple[FloatArray, FloatArray]:
    """Counts and the logarithm of the exposure, shape (days,); at least two years.

    Raises `InconsistentHistory`, naming the first offending days, and `NotIdentified`.
    """
    one = 1.0 if exposure is None else exposure
    y, known = as_columns(counts=counts, exposure=one)
    refuse_rows(
        [
            ("counts must be finite and not negative.", ~(np.isfinite(y) & (y >= 0))),
            ("exposure must be finite and above 0.", ~(np.isfinite(known) & (known > 0))),
        ],
        counts=y,
        exposure=known,
    )
    if y.size < 2 * DAYS_A_YEAR:
        raise NotIdentified(
            f"{y.size} days of counts cannot tell season from trend: expected at least "
            f"{2 * DAYS_A_YEAR}, two years. Declare the factors, or observe longer."
        )
    return y, np.log(known / known.mean())


def log_linear_seasons(
    y: FloatArray, offset: FloatArray, period: NDArray[np.intp], share: FloatArray
) -> SeasonFactors:
    """Fit counts with mean exp(offset + season + trend) by iterated weighted least squares.

    Errors allow for counts that vary more than Poisson counts do, by Pearson's dispersion; they do
    not allow for days that resemble their neighbours beyond season and trend.

    Raises `NotIdentified` for a period without a purchase.
    """
    silent = np.flatnonzero(np.bincount(period, y, share.size) == 0)
    if silent.size:
        raise NotIdentified(
            f"No purchase was ever made in period {silent[0] + 1} of {share.size}: its factor "
            "cannot be estimated. Use longer periods, or declare the factors."
        )
    seasons = np.eye(share.size)[period]
    columns = np.hstack([seasons, _trend(y.size)])
    point = np.zeros(columns.shape[1])
    point[: share.size] = np.log(y.mean())
    for _ in range(_ROUNDS):
        mean = np.exp(np.clip(columns @ point + offset, -30.0, 30.0))
        information = columns.T @ (columns * mean[:, None])
        step = np.linalg.solve(information, columns.T @ (y - mean))
        point = point + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < _SETTLED:
            break
    mean = np.exp(columns @ point + offset)
    dispersion = float(((y - mean) ** 2 / mean).sum()) / (y.size - point.size)
    covariance = dispersion * np.linalg.inv(columns.T @ (columns * mean[:, None]))
    levels = np.exp(point[: share.size])
    factors = levels / (share @ levels)
    turn = np.eye(share.size) - share * factors
    spread = turn @ covariance[: share.size, : share.size] @ turn.T
    return SeasonFactors(factors, factors * np.sqrt(np.diag(spread)))


def _trend(days: int) -> FloatArray:
    """A line in time with a bend after each whole year but the last, centred; (days, columns)."""
    years = np.arange(days) / DAYS_A_YEAR
    bends = np.arange(1, days // DAYS_A_YEAR)
    columns = np.stack([years, *(np.maximum(years - bend, 0.0) for bend in bends)], axis=1)
    centred: FloatArray = columns - columns.mean(axis=0)
    return centred
