"""Between which numbers will purchases lie, the customers' rates and the parameters both unknown?

What is unknown comes from two sides: a customer's rate, lifetime and luck, which a model with known
parameters already spreads, and the parameters themselves, which a bootstrap spreads over models.
The predictive distribution is the average over the models. Of one customer, "never buys again" is
kept as a probability of exactly 0; given a purchase, the number is taken as gamma distributed with
the moments that the models give it, which Poisson purchases at a gamma distributed rate come close
to. Of many customers, independent given the parameters, the total has under each model the sum of
the means and of the variances, and its distribution is the average of those.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import gammainc, gammaincinv

from patronage.science.lifetime.errors import InvalidParameter
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.predictive_levels import LevelCalibration
from patronage.science.lifetime.purchase_model import PurchaseModel
from patronage.science.lifetime.purchase_moments import PurchaseMoments


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PurchaseInterval:
    """Bounds of each customer's number of purchases, both included; shape (customers,)."""

    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalInterval:
    """What the customers are expected to buy together, and how sure that is."""

    #: expected (discounted) purchases, averaged over the models
    mean: float
    low: float
    high: float
    #: standard deviation that chance alone would give the total, the parameters known
    spread_of_chance: float
    #: standard deviation of the expected total over the models
    spread_of_parameters: float


def moments_over(
    models: Sequence[PurchaseModel],
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    *,
    horizon_days: float,
    annual_discount_rate: float = 0.0,
) -> PurchaseMoments:
    """The moments of each customer's purchases with the parameters unknown.

    Arguments as of `PurchaseModel.purchase_moments`; `models`, one a refit. The mean over the
    models of the means, and of the variances plus the variance of the means. They stand wherever
    the moments of one model do, so that what is made of them knows of the parameters' spread.

    Raises `InvalidParameter` without a model; as the models otherwise.
    """
    if not models:
        raise InvalidParameter("models is empty; pass at least one, such as a bootstrap's.")
    sums: list[FloatArray] = []
    for model in models:
        one = model.purchase_moments(
            x, t_x, T, horizon_days=horizon_days, annual_discount_rate=annual_discount_rate
        )
        columns = (
            one.mean,
            one.variance + one.mean**2,
            one.mean_squared_discount,
            one.probability_of_purchase,
        )
        sums = [a + b for a, b in zip(sums, columns, strict=True)] if sums else list(columns)
    mean, second, squares, buys = (column / len(models) for column in sums)
    return PurchaseMoments(
        mean=mean,
        variance=np.maximum(second - mean**2, 0.0),
        mean_squared_discount=squares,
        probability_of_purchase=buys,
    )


def purchase_interval(
    moments: PurchaseMoments,
    *,
    level: float = 0.9,
    calibration: LevelCalibration | None = None,
) -> PurchaseInterval:
    """Whole numbers of purchases that hold each customer's with at least this probability.

    Arguments: undiscounted `moments`; `calibration`, what earlier outcomes said of the model's
    levels, None for nothing. Where no purchase at all is more probable than the share cut at the
    lower end, 0 is the lower bound, and the upper one cuts what the level leaves. Whole numbers
    mostly hold a little more than the level.

    Raises `InvalidParameter` unless 0 < level < 1.
    """
    _refuse_level(level)
    silent = 1.0 - moments.probability_of_purchase
    known = calibration or LevelCalibration.identity()
    cut, most = known.ends(level)
    from_0 = silent > cut
    upper = _gamma_quantile(moments, np.where(from_0, known.at(level), most))
    lower = _gamma_quantile(moments, np.full(silent.shape, cut))
    # a number of purchases n stands for what lies between n - 1/2 and n + 1/2
    low = np.where(from_0, 0.0, np.maximum(np.floor(lower + 0.5), 1.0))
    return PurchaseInterval(low=low, high=np.maximum(np.ceil(upper - 0.5), low))


def total_interval(
    models: Sequence[PurchaseModel],
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    *,
    horizon_days: float,
    annual_discount_rate: float = 0.0,
    weights: ArrayLike = 1.0,
    level: float = 0.9,
) -> TotalInterval:
    """Between which totals the customers' purchases together lie with this probability.

    Arguments: as of `PurchaseModel.purchase_moments`; `models`, one a refit (one model alone leaves
    the parameters' spread out); `weights`, how many customers have each history (as in `Cells`).

    Raises `InvalidParameter` without a model, for a level outside 0 to 1 or a negative weight.
    """
    _refuse_level(level)
    weight = np.asarray(weights, dtype=np.float64)
    if not np.all(weight >= 0):
        raise InvalidParameter("weights must not be negative or missing.")
    if not models:
        raise InvalidParameter("models is empty; pass at least one, such as a bootstrap's.")
    totals = []
    for model in models:
        one = model.purchase_moments(
            x, t_x, T, horizon_days=horizon_days, annual_discount_rate=annual_discount_rate
        )
        with np.errstate(divide="ignore"):
            nobody = np.exp((weight * np.log1p(-one.probability_of_purchase)).sum())
        totals.append(((weight * one.mean).sum(), (weight * one.variance).sum(), nobody))
    means, variances, nobody_buys = np.array(totals).T
    low, high = (_mixed_quantile(means, variances, nobody_buys, p) for p in _ends(level))
    return TotalInterval(
        mean=float(means.mean()),
        low=low,
        high=high,
        spread_of_chance=math.sqrt(variances.mean()),
        spread_of_parameters=float(means.std()),
    )


def _ends(level: float) -> tuple[float, float]:
    return (1.0 - level) / 2.0, (1.0 + level) / 2.0


def _refuse_level(level: float) -> None:
    if not 0.0 < level < 1.0:
        raise InvalidParameter(f"level must lie between 0 and 1, found {level}.")


def _given_a_purchase(
    mean: FloatArray, variance: FloatArray, buys: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Shape and scale of the gamma distribution of a number that is not 0."""
    likely = np.maximum(buys, 1e-300)
    given = mean / likely
    spread = np.maximum((variance + mean**2) / likely - given**2, 1e-12 * given**2)
    scale = np.where(given > 0, spread / np.maximum(given, 1e-300), 1.0)
    return np.where(given > 0, given / scale, 1.0), scale


def _gamma_quantile(moments: PurchaseMoments, share: FloatArray) -> FloatArray:
    buys = moments.probability_of_purchase
    shape, scale = _given_a_purchase(moments.mean, moments.variance, buys)
    within = (share - (1.0 - buys)) / np.maximum(buys, 1e-300)
    quantile: FloatArray = scale * gammaincinv(shape, np.clip(within, 0.0, 1.0 - 1e-15))
    return quantile


def _mixed_quantile(
    means: FloatArray, variances: FloatArray, nobody_buys: FloatArray, share: float
) -> float:
    """The total below which the average of the models' distributions puts this share."""
    if means.max() == 0.0 or nobody_buys.mean() >= share:
        return 0.0
    buys = 1.0 - nobody_buys
    shape, scale = _given_a_purchase(means, variances, buys)

    def missed(total: float) -> float:
        return float((nobody_buys + buys * gammainc(shape, total / scale)).mean()) - share

    most = float((means + 20.0 * np.sqrt(variances)).max())
    while missed(most) < 0:
        most *= 2.0
    return float(brentq(missed, 0.0, most, xtol=1e-9 * most))
