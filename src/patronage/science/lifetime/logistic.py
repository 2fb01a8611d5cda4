"""A small logistic regression that is pulled towards a stated answer; for a handful of columns."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logit

from patronage.science.lifetime.calibration import SMALLEST_PROBABILITY
from patronage.science.lifetime.histories import FloatArray


def logits(probability: FloatArray) -> FloatArray:
    """Log odds, of probabilities kept a millionth away from 0 and 1."""
    inside = np.clip(probability, SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY)
    odds: FloatArray = logit(inside)
    return odds


def fit_logistic(
    columns: FloatArray,
    happened: FloatArray,
    *,
    towards: Sequence[float],
    strength: float,
    lowest: float | None = None,
) -> FloatArray:
    """Intercept and coefficients by penalised maximum likelihood.

    Arguments: `columns` of shape (rows, k), finite; `happened` of shape (rows,), above 0 where it
    did; `towards` of length k + 1, the answer without data; `strength`, how many units of the
    squared distance from it one unit of log-likelihood weighs; `lowest` coefficient allowed, None
    for any (the intercept is always free).

    Returns shape (k + 1,), the intercept first; `towards` where there is no row.
    """
    goal = np.asarray(towards, dtype=np.float64)
    if not happened.size:
        return goal
    design = np.column_stack([np.ones(happened.size), columns])
    sign = np.where(happened > 0, 1.0, -1.0)

    def cost(at: FloatArray) -> tuple[float, FloatArray]:
        margin = sign * (design @ at)
        away = at - goal
        slope = -(sign * expit(-margin)) @ design + strength * away
        value = -float(log_expit(margin).sum()) + 0.5 * strength * float(away @ away)
        return value / happened.size, slope / happened.size

    bounds = [(None, None)] + [(lowest, None)] * (goal.size - 1)
    found = minimize(cost, goal, jac=True, method="L-BFGS-B", bounds=bounds)
    best: FloatArray = np.asarray(found.x, dtype=np.float64)
    return best


def predict_logistic(columns: FloatArray, coefficients: FloatArray) -> FloatArray:
    """Probabilities at these columns, shape (rows,)."""
    said: FloatArray = expit(coefficients[0] + columns @ coefficients[1:])
    return said
