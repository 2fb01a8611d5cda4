"""What will somebody bring who has only just come? A regression on what their first days show.

A log-linear mean with variance in proportion to it (quasi-Poisson) and a ridge penalty: predictions
are above 0, and over the customers fitted they sum to what was brought, so that the level is right
on average and a budget that is a share of the predictions is a share of the outcome. Gourieroux,
Monfort and Trognon (1984), "Pseudo maximum likelihood methods", Econometrica 52: the estimate is
consistent wherever the mean is right, whatever the distribution. Wooldridge (2010), "Econometric
Analysis of Cross Section and Panel Data", section 18.2, on using it for amounts of money.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from patronage.science.lifetime.errors import InconsistentHistory, InvalidParameter, NotIdentified
from patronage.science.lifetime.histories import FloatArray

_MOST_STEPS: Final = 100
_CLOSE: Final = 1e-9
#: exponents beyond this would not be amounts of money
_LARGEST_EXPONENT: Final = 50.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EarlyValue:
    """A fitted regression; immutable."""

    #: log of what is brought at average features
    intercept: float
    #: change of the log a standard deviation of each feature, shape (features,)
    coefficients: FloatArray
    #: average of each feature over the customers fitted
    centre: FloatArray
    #: standard deviation of each feature; 1 for one that never varies
    scale: FloatArray
    #: features outside what was seen count as the nearest that was, shape (features,)
    lowest: FloatArray
    highest: FloatArray
    #: customers fitted
    customers: int

    @classmethod
    def fit(cls, features: ArrayLike, outcome: ArrayLike, *, penalty: float = 1e-3) -> "EarlyValue":
        """Fit by Newton's method.

        Arguments: `features` of shape (customers, features), finite; `outcome` of shape
        (customers,), what each brought afterwards, finite and from 0; `penalty` on the squared
        coefficients of the standardised features, for the mean likelihood (from 0).

        Raises `InconsistentHistory` for missing, infinite or negative values or other shapes,
        `InvalidParameter` for a negative or infinite penalty, `NotIdentified` where nobody brought
        anything, there are not more customers than features, or the fit does not settle.
        """
        x, y = _checked(features, outcome)
        if not 0 <= penalty < np.inf:
            raise InvalidParameter(f"penalty must be finite and 0 or more, found {penalty}.")
        if len(x) <= x.shape[1] + 1 or not y.any():
            raise NotIdentified(
                f"{len(x)} customers, of whom {int((y > 0).sum())} brought anything, say nothing "
                f"about {x.shape[1]} features. Wait for more customers, or use fewer features."
            )
        centre, spread = x.mean(axis=0), x.std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        design = np.column_stack([np.ones(len(x)), (x - centre) / scale])
        point = _newton(design, y / y.mean(), penalty)
        return cls(
            intercept=float(point[0] + np.log(y.mean())),
            coefficients=point[1:],
            centre=centre,
            scale=scale,
            lowest=x.min(axis=0),
            highest=x.max(axis=0),
            customers=len(x),
        )

    def predict(self, features: ArrayLike) -> FloatArray:
        """What each is expected to bring, in the outcome's unit, shape (customers,).

        Raises `InconsistentHistory` for missing values or another number of features.
        """
        x = np.asarray(features, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != self.centre.size or not np.isfinite(x).all():
            raise InconsistentHistory(
                f"Expected finite features of shape (customers, {self.centre.size}), found shape "
                f"{x.shape} with {int((~np.isfinite(x)).sum())} missing or infinite values."
            )
        inside = np.clip(x, self.lowest, self.highest)
        exponent = self.intercept + (inside - self.centre) / self.scale @ self.coefficients
        predicted: FloatArray = np.exp(np.clip(exponent, -_LARGEST_EXPONENT, _LARGEST_EXPONENT))
        return predicted


def _newton(design: FloatArray, y: FloatArray, penalty: float) -> FloatArray:
    """The maximum of the mean of y η − exp η less the penalty; concave, so there is one."""
    ridge = np.full(design.shape[1], penalty)
    ridge[0] = 0.0
    point = np.zeros(design.shape[1])
    now = _objective(point, design, y, ridge)
    for _ in range(_MOST_STEPS):
        mean = np.exp(np.clip(design @ point, -_LARGEST_EXPONENT, _LARGEST_EXPONENT))
        gradient = design.T @ (y - mean) / len(y) - ridge * point
        if np.abs(gradient).max() < _CLOSE:
            return point
        curvature = (design * mean[:, None]).T @ design / len(y) + np.diag(ridge + 1e-12)
        step = np.linalg.solve(curvature, gradient)
        while (reached := _objective(point + step, design, y, ridge)) < now - 1e-12:
            step = step / 2
        point, now = point + step, reached
    raise NotIdentified(
        f"The regression did not settle in {_MOST_STEPS} steps: some feature separates those who "
        "bring something from those who do not. Raise the penalty, or wait for more customers."
    )


def _objective(point: FloatArray, design: FloatArray, y: FloatArray, ridge: FloatArray) -> float:
    eta = np.clip(design @ point, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)
    return float(np.mean(y * eta - np.exp(eta)) - 0.5 * float(ridge @ point**2))


def _checked(features: ArrayLike, outcome: ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, y = np.asarray(features, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    if x.ndim != 2 or y.shape != (len(x),):
        raise InconsistentHistory(
            f"Expected features of shape (customers, features) and one outcome a customer, found "
            f"{x.shape} and {y.shape}."
        )
    broken = np.flatnonzero(~np.isfinite(x).all(axis=1) | ~np.isfinite(y) | ~(y >= 0))
    if broken.size:
        raise InconsistentHistory(
            f"{broken.size} of {len(x)} rows have a missing or infinite value or a negative "
            f"outcome, the first ones {broken[:5].tolist()}. Correct or leave out these rows."
        )
    return x, y
