"""What is a customer worth, and between which bounds will the worth turn out to lie?

A customer's value over a window is the sum over their purchases of discount factor times (spend
times margin rate, less the cost to serve a purchase day). Purchases and spend are independent, as
in Fader, Hardie and Lee (2005), "RFM and CLV: using iso-value curves for customer base analysis",
Journal of Marketing Research 42(4); the value of a customer as an asset as in Gupta and Lehmann
(2005), "Managing Customers as Investments".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincinv, ndtri

from patronage.science.equity.columns import BoolArray, FloatArray, float_columns, refuse

_COVERAGE: Final = 0.90
#: mean unit margins closer to 0 than this many standard deviations may have either sign
_SIGN_IN_DOUBT: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CustomerValue:
    """Value per customer in the money unit of the spend; arrays of shape (customers,)."""

    #: expected value
    value: FloatArray
    #: standard deviation of the realised value
    standard_deviation: FloatArray
    #: lower bound of the 90 % interval of the realised value
    low: FloatArray
    #: upper bound; below `value` where the customer most probably never buys again
    high: FloatArray


def customer_value(
    *,
    expected_purchases: ArrayLike,
    purchase_variance: ArrayLike,
    probability_of_purchase: ArrayLike,
    expected_spend: ArrayLike,
    spend_variance: ArrayLike,
    margin_rate: ArrayLike,
    cost_to_serve_per_purchase: ArrayLike = 0.0,
    mean_squared_discount: ArrayLike = 0.0,
    purchase_spend_variance: ArrayLike = 0.0,
    level_below: Callable[[float], ArrayLike] = float,
) -> CustomerValue:
    """Expected value and a 90 % interval of what the customer's purchases in a window will earn.

    Arguments, scalars or shape (customers,), missing values refused: `expected_purchases` and
    `purchase_variance` of the discounted number N of purchases, `probability_of_purchase` of at
    least one, `mean_squared_discount` the expected sum of squared discount factors (all four from
    `ParetoNBD.purchase_moments`); `expected_spend` and `spend_variance` of the customer's mean
    spend per purchase day, `purchase_spend_variance` of one purchase around it (all three from
    `GammaGamma`; leaving the last at 0 leaves single purchases' spread out of the interval);
    `margin_rate` as a share of spend, -1 to 1; `cost_to_serve_per_purchase` >= 0, money;
    `level_below`, which level of this distribution has that share of outcomes below it, as earlier
    outcomes say (`LevelCalibration.at`): rising, and the share itself where nothing is known.

    The unit margin is U = margin rate * mean spend - cost. Value is E[N] E[U]; its second moment is
    E[N²] E[U²] + margin rate² * squared discounts * purchase variance.

    The interval keeps the probability of exactly 0, "never buys again", as an atom. Given a
    purchase, the value follows a gamma distribution with the moments above (mirrored for a
    negative mean unit margin; a normal one where the sign of the unit margin is in doubt). Where
    the atom exceeds 5 %, 0 belongs to the interval and the other end is the 90 % quantile;
    otherwise 5 % of outcomes is cut at either end. So `high` may lie below `value`: a few customers
    carry most of such a value.

    Raises `InvalidFigures`, naming the first rows, for missing values, negative variances, a
    probability outside 0 to 1, a margin rate outside -1 to 1.
    """
    n, n_var, buys, z, z_var, m, cost, squares, noise = _checked(
        expected_purchases=expected_purchases,
        purchase_variance=purchase_variance,
        probability_of_purchase=probability_of_purchase,
        expected_spend=expected_spend,
        spend_variance=spend_variance,
        margin_rate=margin_rate,
        cost_to_serve_per_purchase=cost_to_serve_per_purchase,
        mean_squared_discount=mean_squared_discount,
        purchase_spend_variance=purchase_spend_variance,
    )
    unit, unit_sd = m * z - cost, np.abs(m) * np.sqrt(z_var)
    value = n * unit
    second = (n_var + n**2) * (unit**2 + unit_sd**2) + m**2 * squares * noise
    in_doubt = np.abs(unit) < _SIGN_IN_DOUBT * unit_sd
    low, high = _interval(value, second, buys, in_doubt, _Cuts.by(level_below))
    deviation = np.sqrt(np.maximum(second - value**2, 0.0))
    return CustomerValue(value=value, standard_deviation=deviation, low=low, high=high)


def _checked(**given: ArrayLike) -> list[FloatArray]:
    """The columns in the order given; a share, a rate of either sign, all others from 0."""
    columns = float_columns(**given)
    for name, column in zip(given, columns, strict=True):
        if name == "probability_of_purchase":
            refuse("must lie between 0 and 1", name, column, (column < 0) | (column > 1))
        elif name == "margin_rate":
            refuse("must lie between -1 and 1", name, column, np.abs(column) > 1)
        else:
            refuse("must not be negative", name, column, column < 0)
    return columns


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cuts:
    """Levels of the distribution at which an interval that holds 90 % of outcomes is cut."""

    lower: float
    upper: float
    #: the upper one where nothing is cut below
    one_sided: float

    @classmethod
    def by(cls, level_below: Callable[[float], ArrayLike]) -> "_Cuts":
        tail = (1.0 - _COVERAGE) / 2.0
        lower, upper, one_sided = (
            float(np.asarray(level_below(share))) for share in (tail, 1.0 - tail, _COVERAGE)
        )
        return cls(lower=lower, upper=upper, one_sided=one_sided)


def _interval(
    value: FloatArray, second: FloatArray, buys: FloatArray, in_doubt: BoolArray, cuts: _Cuts
) -> tuple[FloatArray, FloatArray]:
    """Bounds of the mixture of an atom at 0 and a distribution given a purchase."""
    some = np.maximum(buys, 1e-300)
    mean, variance = value / some, np.maximum(second / some - (value / some) ** 2, 0.0)
    size = np.abs(mean)
    never = 1.0 - buys
    one_sided = never > cuts.lower
    near = np.where(one_sided, 0.0, (cuts.lower - never) / some)
    far = (np.where(one_sided, cuts.one_sided, cuts.upper) - never) / some
    near, far = np.clip(near, 0.0, 1.0), np.clip(far, 0.0, 1.0)
    inner, outer = _gamma_quantile(size, variance, near), _gamma_quantile(size, variance, far)
    low = np.where(mean >= 0, inner, -outer)
    high = np.where(mean >= 0, outer, -inner)
    held = cuts.upper - cuts.lower
    reach = _normal_reach(never, held) * np.sqrt(variance)
    spread = in_doubt & (never < held)
    low = np.where(spread, np.minimum(mean - reach, 0.0), low)
    high = np.where(spread, np.maximum(mean + reach, 0.0), high)
    return low, high


def _gamma_quantile(mean: FloatArray, variance: FloatArray, share: FloatArray) -> FloatArray:
    """Quantiles of the gamma distribution with these moments; the mean where nothing varies."""
    varies = (variance > 0) & (mean > 0)
    shape = np.where(varies, mean**2 / np.where(varies, variance, 1.0), 1.0)
    scale = np.where(varies, np.where(varies, variance, 0.0) / np.where(mean > 0, mean, 1.0), 0.0)
    quantile: FloatArray = np.where(
        varies, scale * gammaincinv(shape, share), np.where(share > 0, mean, 0.0)
    )
    return quantile


def _normal_reach(never: FloatArray, held: float) -> FloatArray:
    """Standard deviations either side of the mean that, with the atom at 0, hold that share."""
    inside = np.clip((held - never) / np.maximum(1.0 - never, 1e-300), 0.0, 1.0)
    reach: FloatArray = ndtri((1.0 + inside) / 2.0)
    return reach
