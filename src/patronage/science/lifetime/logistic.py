"""A small logistic regression that is pulled towards a stated answer; for a handful of columns."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.special import expit, log_expit, logit

from patronage.science.lifetime.histories import FloatArray

#: log odds beyond which a forecaster's certainty is not believed when it is calibrated
TRUSTED_LOGIT: Final = 6.0
#: probabilities closer to 0 or 1 than this are moved there before a log is taken
_SMALLEST_PROBABILITY: Final = 1e-6
_MOST_STEPS: Final = 60
_SMALLEST_STEP: Final = 1e-10


def inside(probability: FloatArray) -> FloatArray:
    """Probabilities kept a millionth away from 0 and 1, so that they have logs."""
    kept: FloatArray = np.clip(probability, _SMALLEST_PROBABILITY, 1.0 - _SMALLEST_PROBABILITY)
    return kept


def logits(probability: FloatArray) -> FloatArray:
    """Log odds, of probabilities kept a millionth away from 0 and 1."""
    odds: FloatArray = logit(inside(probability))
    return odds


def trusted_logits(probability: FloatArray) -> FloatArray:
    """Log odds, those beyond `TRUSTED_LOGIT` counting as that."""
    odds: FloatArray = np.clip(logits(probability), -TRUSTED_LOGIT, TRUSTED_LOGIT)
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
    floor = np.full(goal.size, -np.inf)
    if lowest is not None:
        floor[1:] = lowest

    def cost(at: FloatArray) -> float:
        away = at - goal
        return 0.5 * strength * float(away @ away) - float(log_expit(sign * (design @ at)).sum())

    at: FloatArray = np.maximum(goal, floor)
    here = cost(at)
    for _ in range(_MOST_STEPS):
        step = _newton_step(at, design, happened, strength * (at - goal), strength, floor)
        size, there = 1.0, cost(np.maximum(at + step, floor))
        while there > here and size > _SMALLEST_STEP:
            size /= 2.0
            there = cost(np.maximum(at + size * step, floor))
        moved = np.maximum(at + size * step, floor) - at
        if there >= here or float(np.abs(moved).max()) < _SMALLEST_STEP:
            break
        at, here = at + moved, there
    return at


def _newton_step(
    at: FloatArray,
    design: FloatArray,
    happened: FloatArray,
    pull: FloatArray,
    strength: float,
    floor: FloatArray,
) -> FloatArray:
    """Newton's step on the coefficients that are not held at their lowest value."""
    said = expit(design @ at)
    slope = design.T @ (said - (happened > 0)) + pull
    free = ~((at <= floor) & (slope > 0))
    chosen = design[:, free]
    bend = (chosen * (said * (1.0 - said))[:, None]).T @ chosen
    bend[np.diag_indices_from(bend)] += strength + 1e-12
    step = np.zeros_like(at)
    step[free] = -np.linalg.solve(bend, slope[free])
    return step


def predict_logistic(columns: FloatArray, coefficients: FloatArray) -> FloatArray:
    """Probabilities at these columns, shape (rows,)."""
    said: FloatArray = expit(coefficients[0] + columns @ coefficients[1:])
    return said
